#!/bin/bash
# The view of a session for programs that use OpenSSL: with its environment, as
# its user, and only while the card is there, a client trusts a server under the
# card's root.  RootPurpose limits what the root is trusted for; no other session
# has it, and no other user.  Both users are proven by their passwords.
#
# What a program has loaded stays with it until it opens its store anew, as the
# README says; what it has not used yet is gone at once.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_proven
lab_pcscd two 5101
lab_policy main server RootCertificateCleanupOption=1 RootPurpose=server
sed -i 's/policy=removal/policy=server/' "$(lab_home main)/conf"
lab_target main client 4001 ca_file="$LAB_PKI/one/root.pem" rdpdr=relay \
	identity=pam policy=client
lab_listen main 3902 client
lab_policy main client RootCertificateCleanupOption=1 RootPurpose=client
lab_daemon main
# Where the build and the certificates are, a user may not look.
install -m 755 "$LAB_BUILD/tests/lab/tlsclient" "$LAB/run/tlsclient"
for file in server one/user one/intermediate; do
	install -m 644 "$LAB_PKI/$file.pem" "$LAB/run/${file##*/}.pem"
done

lab_start tls openssl s_server -accept "$LAB_HOST:7443" -quiet -www \
	-cert "$LAB_PKI/server.pem" -key "$LAB_PKI/server-key.pem"
lab_wait "a TLS server" lab_listens 7443

# connects USER [SESSION-USER]: a TLS client of that user, in the environment of
# a session; without one in nobody's.
connects() {
	local run=(lab_as "$1")

	[ $# = 1 ] || run=(lab_as_in main "$2" "$1")
	"${run[@]}" openssl s_client -connect "$LAB_HOST:7443" \
		-verify_return_error -verify_ip "$LAB_HOST" </dev/null
}

fetches() {
	lab_as_in main "$1" "$1" curl --silent --show-error \
		--output /dev/null "https://$LAB_HOST:7443/"
}

# trusts USER PURPOSE CERTIFICATE
trusts() {
	lab_as_in main "$1" "$1" openssl verify -purpose "$2" -no-CAfile \
		-no-CAstore -untrusted "$LAB/run/intermediate.pem" \
		"$LAB/run/$3.pem"
}

# refused WHAT COMMAND...
refused() {
	local what=$1

	shift
	! "$@" >/dev/null 2>&1 || lab_fail "$what"
}

# running NAME: a client of alice's session that lives on; says NAME: what it
# makes of the server now.
running() {
	mkfifo "$LAB/run/$1"
	lab_start "$1" lab_as_in_lasting "$LAB/run/$1"
}

lab_as_in_lasting() {
	local settings

	settings=$("$LAB_BUILD/proxy/cardproxyctl" --socket \
		"$(lab_run_dir main)/control.sock" env --user alice)
	# shellcheck disable=SC2016
	exec setpriv --reuid=alice --regid=alice --clear-groups \
		env -i PATH="$PATH" bash -c 'eval "$0"; exec "$@" <&3' \
		"$settings" "$LAB/run/tlsclient" "$LAB_HOST:7443" "$LAB_HOST" \
		3<>"$1"
}

says() {
	local had

	had=$(wc -l <"$LAB/log/$1")
	echo >"$LAB/run/$1"
	lab_wait "an answer of $1" says_more "$1" "$had"
	tail -n 1 "$LAB/log/$1" | cut -d ' ' -f 1
}

says_more() {
	[ "$(wc -l <"$LAB/log/$1")" -gt "$2" ]
}

lab_card one 5001 gids "$LAB_CARDS/one-gids" --out
lab_card two 5101 gids "$LAB_CARDS/one-gids"
lab_client alice 3901 one alice
lab_wait "alice's session" lab_has pam lab_session main source alice
lab_client bob 3902 two bob
lab_wait "bob's root" lab_has 1 lab_roots main
alice=$(lab_session main id alice)

refused "without a card the server is trusted" connects alice alice
running early
lab_expect "a program before insertion" refused "$(says early)"
lab_tell one insert
lab_wait "alice's root" lab_has 1 lab_roots main "$alice"
connects alice alice >"$LAB/log/s_client" 2>&1 ||
	lab_fail "the server is not trusted in alice's session"
fetches alice >"$LAB/log/curl" 2>&1 || lab_fail "curl does not trust the server"
trusts alice sslserver server >/dev/null 2>&1 ||
	lab_fail "the server's certificate does not verify"
refused "a root for servers vouches for a client" trusts alice sslclient user
refused "outside of any session the server is trusted" connects alice
refused "bob trusts it by alice's variables" connects bob alice

# Bob's card has the same root, for clients only.
refused "bob's root vouches for a server" connects bob bob
trusts bob sslclient user >/dev/null 2>&1 ||
	lab_fail "the user's certificate does not verify for bob"

running user
running waiting
lab_expect "a program that runs" trusted "$(says user)"
lab_expect "a program from before insertion" trusted "$(says early)"
lab_tell one remove
lab_wait "alice's root is gone" lab_has 0 lab_roots main "$alice"
refused "after removal the server is trusted" connects alice alice
refused "after removal curl trusts the server" fetches alice
lab_expect "a program that has not used it yet" refused "$(says waiting)"
lab_expect "a program that has loaded it, as the README says" trusted \
	"$(says user)"
lab_stop user
rm "$LAB/run/user"
running user
lab_expect "the same program, begun anew" refused "$(says user)"
trusts bob sslclient user >/dev/null 2>&1 ||
	lab_fail "bob lost his root with alice's card"
