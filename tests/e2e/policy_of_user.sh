#!/bin/bash
# The policy of a session is that of its user, and a reload changes it without a
# new log-in: alice has her card, then none, then her card again.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_pcscd one 5001
lab_display 1
lab_shadow 4001 1
lab_config main 3901 shadow
lab_target main shadow 4001 verify=none rdpdr=own identity=claimed
cp "$(lab_home main)/conf" "$LAB/run/conf"

# policy KEY=VALUE...: what alice may, by a new file.
policy() {
	cp "$LAB/run/conf" "$(lab_home main)/conf"
	lab_policy main others match_user=bob
	lab_policy main ours match_user='al*' match_client=127.0.0.0/8 \
		RootCertificateCleanupOption=1 "$@"
}

# reload: the daemon and its sessions read it.
reload() {
	kill -HUP "${LAB_PID[daemon-main]}"
}

show() {
	lab_query main "sessions show $(lab_session main id)" "$1"
}

shows() {
	[ "$(show "$2")" = "$1" ]
}

policy redirect=yes
"$LAB_BUILD/proxy/cardproxyctl" policy test --config "$(lab_home main)/conf" \
	--user alice --client 127.0.0.1 | grep -q 'ours *in force: it matched' ||
	lab_fail "policy test names another section"
lab_daemon main

lab_say "a card, by the policy of its user"
lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_client alice 3901 one alice
lab_wait "the policy of alice" lab_has ours lab_session main policy
lab_wait "the user's certificates" lab_has $LAB_GIDS_CERTS lab_certs main alice
lab_wait "the card's root" lab_has 1 lab_roots main

lab_say "a reload takes it away"
policy redirect=no
reload
lab_wait "the root is gone" lab_has 0 lab_roots main
lab_wait "the reader is gone" shows 0 '.readers | length'
lab_wait "a reason that names the policy" \
	shows true '.sessions[0].reason | test("policy")'

lab_say "a reload gives it back"
policy redirect=yes
reload
lab_wait "the root is back" lab_has 1 lab_roots main
lab_wait "the reader is back" shows true '.readers | length > 0'
lab_expect "sessions" 1 "$(lab_sessions main)"
