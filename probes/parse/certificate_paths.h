// SPDX-License-Identifier: Apache-2.0
// Which files the configuration or the command line of a server names as certificates. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hostmedic {

inline constexpr std::size_t kMostCertificatePaths = 256;

// Absolute paths after nginx's ssl_certificate, Apache's SSLCertificateFile and HAProxy's crt. Paths that are made of
// variables are left out. Adds to ret_paths what is not there yet, up to the bound.
void find_certificates_in_config(std::string_view text, std::vector<std::string>& ret_paths);
// The arguments (ended by NUL each) that name an absolute path ending in .pem, .crt or .cer, also as "--cert=/path".
// Names that say that they are keys or authorities to trust are left out.
void find_certificates_in_arguments(std::string_view arguments, std::vector<std::string>& ret_paths);

}  // namespace hostmedic
