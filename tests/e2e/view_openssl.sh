#!/bin/bash
# The view of a session for programs that use OpenSSL: with its environment, and
# only while the card is there, a client trusts a server under the card's root.
# RootPurpose limits what the root is trusted for; no other session has it.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_pcscd one 5001
lab_pcscd two 5101
lab_display 1
lab_shadow 4001 1
lab_config main 3901 server
lab_target main server 4001 verify=none rdpdr=own identity=claimed \
	policy=server
lab_target main client 4001 verify=none rdpdr=own identity=claimed \
	policy=client
lab_listen main 3902 client
lab_policy main server RootCertificateCleanupOption=1 RootPurpose=server
lab_policy main client RootCertificateCleanupOption=1 RootPurpose=client
lab_daemon main

lab_start tls openssl s_server -accept "$LAB_HOST:7443" -quiet -www \
	-cert "$LAB_PKI/server.pem" -key "$LAB_PKI/server-key.pem"
lab_wait "a TLS server" lab_listens 7443

# in_session USER COMMAND...: with the environment of that user's session.
in_session() {
	local user=$1

	shift
	(
		eval "$("$LAB_BUILD/proxy/cardproxyctl" --socket \
			"$(lab_run_dir main)/control.sock" env --user "$user")"
		exec "$@"
	)
}

# A TLS client of a user, in its environment; "-": in nobody's.
connects() {
	local user=$1 run=()

	[ "$user" = - ] || run=(in_session "$user")
	"${run[@]}" timeout 20 openssl s_client -connect "$LAB_HOST:7443" \
		-verify_return_error -verify_ip "$LAB_HOST" </dev/null
}

fetches() {
	in_session "$1" timeout 20 curl --silent --show-error \
		--output /dev/null "https://$LAB_HOST:7443/"
}

# trusts USER PURPOSE CERTIFICATE
trusts() {
	in_session "$1" openssl verify -purpose "$2" -no-CAfile -no-CAstore \
		-untrusted "$LAB_PKI/one/intermediate.pem" "$3"
}

# refused WHAT COMMAND...
refused() {
	local what=$1

	shift
	! "$@" >/dev/null 2>&1 || lab_fail "$what"
}

lab_card one 5001 gids "$LAB_CARDS/one-gids" --out
lab_card two 5101 gids "$LAB_CARDS/one-gids"
lab_client alice 3901 one alice
lab_wait "alice's session" lab_has alice lab_session main user alice
lab_client bob 3902 two bob
lab_wait "bob's root" lab_has 1 lab_roots main

refused "without a card the server is trusted" connects alice
lab_tell one insert
lab_wait "alice's root" lab_has 1 lab_roots main \
	"$(lab_session main id alice)"
connects alice >"$LAB/log/s_client" 2>&1 ||
	lab_fail "the server is not trusted in alice's session"
fetches alice >"$LAB/log/curl" 2>&1 || lab_fail "curl does not trust the server"
trusts alice sslserver "$LAB_PKI/server.pem" >/dev/null 2>&1 ||
	lab_fail "the server's certificate does not verify"
refused "a root for servers vouches for a client" \
	trusts alice sslclient "$LAB_PKI/one/user.pem"
refused "outside of any session the server is trusted" connects -

# Bob's card has the same root, for clients only.
refused "bob's root vouches for a server" connects bob
trusts bob sslclient "$LAB_PKI/one/user.pem" >/dev/null 2>&1 ||
	lab_fail "the user's certificate does not verify for bob"

lab_tell one remove
lab_wait "alice's root is gone" lab_has 0 lab_roots main \
	"$(lab_session main id alice)"
refused "after removal the server is trusted" connects alice
refused "after removal curl trusts the server" fetches alice
trusts bob sslclient "$LAB_PKI/one/user.pem" >/dev/null 2>&1 ||
	lab_fail "bob lost his root with alice's card"
