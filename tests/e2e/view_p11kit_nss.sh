#!/bin/bash
# The view of a session for p11-kit and for NSS: the card's root is in "trust
# list" and among an NSS program's authorities while the card is there.  The
# module is registered once, and nothing of the card stays in the home.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_pcscd one 5001
lab_display 1
lab_shadow 4001 1
lab_config main 3901 shadow
lab_target main shadow 4001 verify=none rdpdr=own identity=claimed policy=server
lab_policy main server RootCertificateCleanupOption=1 RootPurpose=server
lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids" --out
lab_client alice 3901 one alice
lab_wait "the session" lab_has alice lab_session main user
view=$(lab_view main)
home=$LAB/home/alice
module=$(find /usr/lib -name p11-kit-trust.so | head -n 1)

lab_start tls openssl s_server -accept "$LAB_HOST:7443" -quiet -www \
	-cert "$LAB_PKI/server.pem" -key "$LAB_PKI/server-key.pem"
lab_wait "a TLS server" lab_listens 7443

as_alice() {
	(
		cd /
		HOME=$home timeout 30 setpriv --reuid=alice --regid=alice \
			--clear-groups "$@"
	)
}

# Registered once: p11-kit's module file (a copy: p11-kit does not like a link to
# nothing), and the module in the NSS database.
as_alice mkdir -p "$home/.config/pkcs11/modules" "$home/.pki/nssdb"
as_alice cp "$view/p11-kit-trust.module" \
	"$home/.config/pkcs11/modules/p11-kit-trust.module"
as_alice certutil -N -d "sql:$home/.pki/nssdb" --empty-password
as_alice modutil -force -dbdir "sql:$home/.pki/nssdb" -add cardproxy \
	-libfile "$module" -string "paths='$view/trust'" \
	>"$LAB/log/modutil" 2>&1

listed() {
	as_alice trust list --filter=ca-anchors | grep -q "label: Root one"
}

in_nss() {
	as_alice certutil -L -d "sql:$home/.pki/nssdb" -h all |
		grep -q "Root one"
}

# A server's certificate for 127.0.0.1, as an NSS client sees it.
nss_connects() {
	as_alice tstclnt -4 -h "$LAB_HOST" -p 7443 -d "sql:$home/.pki/nssdb" \
		-Q
}

fingerprint() {
	find "$home/.config" "$home/.pki" -type f -exec sha256sum {} + | sort
}

refused() {
	! "$@" >/dev/null 2>&1 || lab_fail "without the card: $*"
}

refused listed
refused in_nss
refused nss_connects
before=$(fingerprint)
for round in 1 2; do
	lab_tell one insert
	lab_wait "the root" lab_has 1 lab_roots main
	listed || lab_fail "p11-kit does not list the root, round $round"
	in_nss || lab_fail "NSS does not have the root, round $round"
	nss_connects >"$LAB/log/tstclnt" 2>&1 ||
		lab_fail "an NSS client does not trust the server"
	lab_tell one remove
	lab_wait "the root is gone" lab_has 0 lab_roots main
	refused listed
	refused in_nss
	refused nss_connects
done
lab_expect "the home directory" "$before" "$(fingerprint)"

# The end of the session leaves a module that has nothing to say.
lab_stop client-alice
lab_wait "the view is gone" test ! -e "$view"
refused in_nss
as_alice trust list --filter=ca-anchors >"$LAB/log/trust" 2>&1 ||
	lab_fail "p11-kit fails without the session"
grep -q "type: certificate" "$LAB/log/trust" ||
	lab_fail "without the session p11-kit has not even the system's anchors"
