# SPDX-License-Identifier: Apache-2.0
# What every program is hardened with, whoever builds it: ./dev build release, the .deb, the .rpm or cmake by hand. A
# distribution's own flags come first on the command line and may ask for more. tests/host/test_supply.py looks at
# the packaged programs.
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)
if(NOT CMAKE_CXX_LINK_PIE_SUPPORTED)
  message(FATAL_ERROR "this linker makes no position-independent programs")
endif()

# Compile: only where the compiler optimizes, because the checks of _FORTIFY_SOURCE need it and sanitizers mistake them.
set(hardened -fstack-clash-protection ${HM_PREFIX_MAP}=${CMAKE_BINARY_DIR}=./build)
if(NOT "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_RELEASE}" MATCHES "_FORTIFY_SOURCE")
  list(APPEND hardened -D_FORTIFY_SOURCE=2)
endif()
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  list(APPEND hardened -fcf-protection=full)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  list(APPEND hardened -mbranch-protection=standard)
endif()
target_compile_options(hm_flags INTERFACE "$<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:${hardened}>")

# Link: all addresses are bound at the start and read-only from then on; no stack is executable; the build id, which
# `--version` tells, does not depend on the compiler's defaults.
set(HM_HARDENED_LINK -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,text -Wl,--build-id=sha1)
