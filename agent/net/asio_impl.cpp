// SPDX-License-Identifier: Apache-2.0
// Asio and Beast are compiled once, here; everything else sees declarations (see hm_asio).
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
