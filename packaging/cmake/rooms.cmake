# SPDX-License-Identifier: Apache-2.0
# One library per folder. A target sees only the folders of the libraries it links: each library publishes a
# "view", a directory that holds nothing but a symbolic link to its own folder, and never the repository's root.

# A newer compiler's new warning is no reason for a distribution not to have the package; for us it is.
option(HM_WARNINGS_ARE_ERRORS "Stop at a warning" ON)

# rpm moves the paths in debug information by itself, and must find them as they are.
option(HM_DEBUG_PATHS "Leave the paths of the sources in debug information" OFF)
set(HM_PREFIX_MAP -f$<IF:$<BOOL:${HM_DEBUG_PATHS}>,macro,file>-prefix-map)

add_library(hm_flags INTERFACE)
target_compile_options(hm_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra $<$<BOOL:${HM_WARNINGS_ARE_ERRORS}>:-Werror> -Wshadow -Wnon-virtual-dtor
    -Wold-style-cast -Wcast-qual -Wconversion -Wno-sign-conversion -Wundef -Wformat=2>
  -fstack-protector-strong ${HM_PREFIX_MAP}=${CMAKE_SOURCE_DIR}=.)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports a false use of uninitialised memory in std::optional, a false overlap and a false delete in
  # std::string, and a mismatched deallocation of coroutine frames that Asio allocates by its own pair of operators.
  target_compile_options(hm_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-maybe-uninitialized -Wno-restrict
    -Wno-mismatched-new-delete -Wno-free-nonheap-object>)
else()
  # libstdc++ 12 itself uses what it deprecates, in std::stable_sort.
  target_compile_options(hm_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wthread-safety -Wno-deprecated-declarations>)
endif()

include(packaging/cmake/hardening.cmake)

# hm_library(NAME FOLDER folder SOURCES ... USES ...): folder is relative to the repository's root.
function(hm_library name)
  cmake_parse_arguments(ARG "" "FOLDER" "SOURCES;USES;PRIVATE_USES" ${ARGN})
  set(view ${CMAKE_BINARY_DIR}/view/${name})
  get_filename_component(parent ${view}/${ARG_FOLDER} DIRECTORY)
  file(MAKE_DIRECTORY ${parent})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${ARG_FOLDER} ${view}/${ARG_FOLDER} SYMBOLIC)
  if(ARG_SOURCES)
    add_library(${name} STATIC ${ARG_SOURCES})
    target_include_directories(${name} PUBLIC ${view})
    target_link_libraries(${name} PUBLIC ${ARG_USES} PRIVATE hm_flags ${ARG_PRIVATE_USES})
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${view})
    target_link_libraries(${name} INTERFACE ${ARG_USES} ${ARG_PRIVATE_USES})
  endif()
endfunction()

# hm_program(NAME SOURCES ... USES ...)
function(hm_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE hm_flags ${ARG_USES})
  # A program needs only the shared libraries that it calls, not those of every folder that it sees.
  target_link_options(${name} PRIVATE -Wl,--as-needed ${HM_HARDENED_LINK}
    # What went into it, for the bill of materials.
    "$<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-Wl,-Map=${CMAKE_CURRENT_BINARY_DIR}/${name}.map>")
endfunction()
