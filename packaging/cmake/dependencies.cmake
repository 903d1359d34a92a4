# SPDX-License-Identifier: Apache-2.0
# Third-party libraries, each as one imported target. All come from the distribution.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(ZLIB REQUIRED)
find_package(SQLite3 REQUIRED)
set(Boost_USE_STATIC_LIBS ON)
find_package(Boost 1.81 REQUIRED CONFIG COMPONENTS json)
pkg_check_modules(LIBSYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(LIBELF REQUIRED IMPORTED_TARGET libelf)

find_path(MBEDTLS_INCLUDE mbedtls/ssl.h REQUIRED)
find_library(MBEDTLS_LIB mbedtls REQUIRED)
find_library(MBEDX509_LIB mbedx509 REQUIRED)
find_library(MBEDCRYPTO_LIB mbedcrypto REQUIRED)
add_library(hm_mbedtls INTERFACE)
target_include_directories(hm_mbedtls SYSTEM INTERFACE ${MBEDTLS_INCLUDE})
target_link_libraries(hm_mbedtls INTERFACE ${MBEDTLS_LIB} ${MBEDX509_LIB} ${MBEDCRYPTO_LIB})

add_library(hm_mbedcrypto INTERFACE)
target_include_directories(hm_mbedcrypto SYSTEM INTERFACE ${MBEDTLS_INCLUDE})
target_link_libraries(hm_mbedcrypto INTERFACE ${MBEDCRYPTO_LIB})

find_path(TOMLPP_INCLUDE toml++/toml.h REQUIRED)
add_library(hm_toml INTERFACE)
target_include_directories(hm_toml SYSTEM INTERFACE ${TOMLPP_INCLUDE})

find_path(PROTOZERO_INCLUDE protozero/pbf_writer.hpp REQUIRED)
add_library(hm_protozero INTERFACE)
target_include_directories(hm_protozero SYSTEM INTERFACE ${PROTOZERO_INCLUDE})

find_path(CLI11_INCLUDE CLI/CLI.hpp REQUIRED)
add_library(hm_cli11 INTERFACE)
target_include_directories(hm_cli11 SYSTEM INTERFACE ${CLI11_INCLUDE})

# libbpf is linked statically (BSD-2-Clause side of its licence); libelf stays a shared library.
find_path(LIBBPF_INCLUDE bpf/libbpf.h REQUIRED)
find_library(LIBBPF_LIB libbpf.a REQUIRED)
add_library(hm_libbpf INTERFACE)
target_include_directories(hm_libbpf SYSTEM INTERFACE ${LIBBPF_INCLUDE})
target_link_libraries(hm_libbpf INTERFACE ${LIBBPF_LIB} PkgConfig::LIBELF ZLIB::ZLIB)

add_library(hm_asio INTERFACE)
target_link_libraries(hm_asio INTERFACE Boost::headers Threads::Threads)
target_compile_definitions(hm_asio INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION
  BOOST_BEAST_SEPARATE_COMPILATION)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_FLAGS_DEBUG MATCHES "-fsanitize=thread")
  # GCC says that the sanitizer does not know fences. Asio's order nothing that its locks do not order too.
  target_compile_options(hm_asio INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-tsan>)
endif()

add_library(hm_json INTERFACE)
target_link_libraries(hm_json INTERFACE Boost::json)
