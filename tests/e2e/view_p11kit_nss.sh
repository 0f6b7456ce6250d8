#!/bin/bash
# The view of a session for p11-kit and for NSS: the card's root is in "trust
# list" and among an NSS program's authorities while the card is there.  The
# module is registered once, by the path of its user, and serves the next log-on
# as well; nothing of the card stays in the home, and another user, whose module is
# his own, has nothing of it.  Both users are proven by their passwords.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_proven
lab_pcscd two 5101
lab_policy main server RootCertificateCleanupOption=1 RootPurpose=server
sed -i 's/policy=removal/policy=server/' "$(lab_home main)/conf"
lab_display 1
lab_shadow 4002 1
lab_listen main 3902 shadow
lab_target main shadow 4002 verify=none rdpdr=own identity=pam policy=server
lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids" --out
lab_card two 5101 gids "$LAB_CARDS/two-gids"
lab_client alice 3901 one alice
lab_client bob 3901 two bob
lab_wait "alice's session" lab_has pam lab_session main source alice
lab_wait "bob's root" lab_has 1 lab_roots main
library=$(find /usr/lib -name p11-kit-trust.so | head -n 1)

lab_start tls openssl s_server -accept "$LAB_HOST:7443" -quiet -www \
	-cert "$LAB_PKI/server.pem" -key "$LAB_PKI/server-key.pem"
lab_wait "a TLS server" lab_listens 7443

# Registered once: p11-kit's module file (a copy: p11-kit does not like a link to
# nothing), and the module in the NSS database; by the path that stays.
register() {
	local user=$1 home=$LAB/home/$1 stays

	stays=$(lab_run_dir main)/user/$(id -u "$user")
	lab_wait "$user's path" test "$stays" -ef "$(lab_view main "$user")"
	lab_as "$user" mkdir -p "$home/.config/pkcs11/modules" "$home/.pki/nssdb"
	lab_as "$user" cp "$stays/p11-kit-user.module" \
		"$home/.config/pkcs11/modules/p11-kit-user.module"
	lab_as "$user" certutil -N -d "sql:$home/.pki/nssdb" --empty-password
	lab_as "$user" modutil -force -dbdir "sql:$home/.pki/nssdb" \
		-add cardproxy -libfile "$library" \
		-string "paths='$stays/trust'" >"$LAB/log/modutil" 2>&1
}

# listed USER ROOT, in_nss USER ROOT
listed() {
	lab_as "$1" trust list --filter=ca-anchors >"$LAB/run/listed" &&
		grep -q "label: Root $2" "$LAB/run/listed"
}

in_nss() {
	lab_as "$1" certutil -L -d "sql:$LAB/home/$1/.pki/nssdb" -h all \
		>"$LAB/run/in_nss" && grep -q "Root $2" "$LAB/run/in_nss"
}

# A server's certificate for 127.0.0.1, as an NSS client sees it.
nss_connects() {
	lab_as "$1" tstclnt -4 -h "$LAB_HOST" -p 7443 \
		-d "sql:$LAB/home/$1/.pki/nssdb" -Q
}

fingerprint() {
	find "$LAB/home/$1/.config" "$LAB/home/$1/.pki" -type f \
		-exec sha256sum {} + | sort
}

refused() {
	! "$@" >/dev/null 2>&1 || lab_fail "this must not be: $*"
}

roots_of_alice() {
	lab_roots main "$(lab_session main id alice)"
}

# All programs of a user see the root of card one, or none does.
all_see() {
	listed "$1" one || lab_fail "p11-kit does not list the root, $2"
	in_nss "$1" one || lab_fail "NSS does not have the root, $2"
	nss_connects "$1" >"$LAB/log/tstclnt" 2>&1 ||
		lab_fail "an NSS client does not trust the server, $2"
}

none_sees() {
	refused listed "$1" one
	refused in_nss "$1" one
	refused nss_connects "$1"
}

register alice
register bob
none_sees alice
before=$(fingerprint alice)
for round in 1 2; do
	lab_tell one insert
	lab_wait "the root" lab_has 1 roots_of_alice
	all_see alice "round $round"
	none_sees bob
	listed bob two || lab_fail "bob has not even his own root"
	lab_tell one remove
	lab_wait "the root is gone" lab_has 0 roots_of_alice
	none_sees alice
done

# The end of the session leaves a module that has nothing to say.
view=$(lab_view main alice)
lab_tell one insert
lab_wait "the root" lab_has 1 roots_of_alice
lab_stop client-alice
lab_wait "the view is gone" test ! -e "$view"
none_sees alice
grep -q "type: certificate" "$LAB/run/listed" ||
	lab_fail "without the session p11-kit has not even the system's anchors"

# The next log-on needs no other module.
lab_client again 3901 one alice
lab_wait "alice is back" lab_has alice lab_session main user alice
lab_wait "her root" lab_has 1 roots_of_alice
lab_wait "her path" test "$(lab_run_dir main)/user/61001" -ef \
	"$(lab_view main alice)"
all_see alice "at the next log-on"
none_sees bob
lab_expect "the home directory" "$before" "$(fingerprint alice)"

# Two log-ons of one user, at two servers of this host: each has a module of its
# own, with its own roots.  The user's path leads to the one that came last.
lab_client second 3902 two alice
all_hold() {
	lab_has 3 lab_query main roots \
		'[.roots[] | select(.kind == "anchor") | .holders[].session] |
		unique | length'
}
lab_wait "the second log-on's root" all_hold
mapfile -t views < <(lab_query main sessions '.sessions[] |
	select(.user == "alice") | "\($run)/session/\(.logon)"' \
	--arg run "$(lab_run_dir main)")
lab_expect "log-ons of alice" 2 "${#views[@]}"
openssl x509 -noout -subject -in "${views[0]}"/anchors/*.pem |
	grep -q 'Root one' || views=("${views[1]}" "${views[0]}")
cards=(one two)
for i in 0 1; do
	config=$LAB/home/alice/config-$i
	lab_as alice mkdir -p "$config/pkcs11/modules"
	lab_as alice cp "${views[$i]}/p11-kit-trust.module" \
		"$config/pkcs11/modules/"
	lab_as alice env XDG_CONFIG_HOME="$config" trust list \
		--filter=ca-anchors >"$LAB/run/listed"
	grep -q "label: Root ${cards[$i]}" "$LAB/run/listed" ||
		lab_fail "log-on $i does not see its own root"
	! grep -q "label: Root ${cards[$((1 - i))]}" "$LAB/run/listed" ||
		lab_fail "log-on $i sees the root of the other"
done
lab_wait "her path leads to the last" test \
	"$(lab_run_dir main)/user/$(id -u alice)" -ef "${views[1]}"
