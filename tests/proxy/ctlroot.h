/* The root that the tests of cardproxyctl's files import and export. */
#ifndef TESTS_CTLROOT_H
#define TESTS_CTLROOT_H

/* A self-signed certificate of a P-256 key, made once with openssl req. */
static const char ctlroot_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBdDCCARugAwIBAgIUFU5q7Md24ze+kMfv9gqqpGJ/EfUwCgYIKoZIzj0EAwIw\n"
    "DzENMAsGA1UEAwwEcm9vdDAgFw0yNjExMjIyMDQwMTBaGA8yMTI2MTAyOTIwNDAx\n"
    "MFowDzENMAsGA1UEAwwEcm9vdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABB/+\n"
    "2L7tXqmCvhjPo3MGbxSbtDqIyT/ZQiH4f6UeN1C6gD6YIxD9EjvZ0OOBQph3XZzu\n"
    "E7vk6zA0CpaTqkCzM4SjUzBRMB0GA1UdDgQWBBS8Q63PI354iic8+hoDI94Cn1Hu\n"
    "vDAfBgNVHSMEGDAWgBS8Q63PI354iic8+hoDI94Cn1HuvDAPBgNVHRMBAf8EBTAD\n"
    "AQH/MAoGCCqGSM49BAMCA0cAMEQCHyuqMr2l63ApdyCsBhcrr0NVvAjF6jQiA80t\n"
    "k9V9XlsCIQCiNxDjjeUmhTBZhfLXffhZJaEnUFVzMGIaSfwxNqaRTA==\n"
    "-----END CERTIFICATE-----\n";

#endif
