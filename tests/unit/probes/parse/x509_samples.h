// SPDX-License-Identifier: Apache-2.0
// A certificate as "openssl req -x509 -subj /O=Example/CN=www.example.org -days 3650" made it.
#pragma once

namespace hostmedic::test {

inline constexpr const char* kCertificatePem =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBrTCCAVOgAwIBAgIUN8IHqvxqV9tB6t5sM2ebq1fr1f4wCgYIKoZIzj0EAwIw\n"
    "LDEQMA4GA1UECgwHRXhhbXBsZTEYMBYGA1UEAwwPd3d3LmV4YW1wbGUub3JnMB4X\n"
    "DTI2MTEyMTEyMzU0MloXDTM2MTExODEyMzU0MlowLDEQMA4GA1UECgwHRXhhbXBs\n"
    "ZTEYMBYGA1UEAwwPd3d3LmV4YW1wbGUub3JnMFkwEwYHKoZIzj0CAQYIKoZIzj0D\n"
    "AQcDQgAEmiw2yjVrmCaOYhqzvpVVLFpx3taOL0AkuzVvrABxur4UGXHMwFVm9PQ8\n"
    "GnaTEnz7TYJz/IRojsZCnafDjMxUCaNTMFEwHQYDVR0OBBYEFBN5R/ZUIZbmxbNX\n"
    "gM0qL3DirhT7MB8GA1UdIwQYMBaAFBN5R/ZUIZbmxbNXgM0qL3DirhT7MA8GA1Ud\n"
    "EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAI/ubBVd8srn1pDWd1HOB2wZ\n"
    "HFORkGQNiUH3CZ6OQ1egAiBqmevpRj7ibbVJeEZZG6H34Tp1NWMyHhHo4CqnpfUo\n"
    "nQ==\n"
    "-----END CERTIFICATE-----\n";
inline constexpr const char* kCertificateNotBefore = "2026-11-21T12:35:42.000Z";
inline constexpr const char* kCertificateNotAfter = "2036-11-18T12:35:42.000Z";

}  // namespace hostmedic::test
