#!/bin/bash
# FreeRDP 2 as the client, in both roles: the card's certificates come, its root
# goes with it, and the server sees it as well.
#
# It does not see more: what xrdp takes from FreeRDP's answer to a Connect is the
# context and not the card.
. "$(dirname "$0")/../lab/lab.sh"
if ! dpkg -s freerdp2-x11 >/dev/null 2>&1; then
	echo "this release has no FreeRDP 2"
	exit 0
fi
lab_enter "$@"
lab_scene_relay
lab_display 1
lab_shadow 4002 1
lab_listen main 3902 shadow
lab_target main shadow 4002 verify=none rdpdr=own identity=claimed \
	policy=removal
lab_daemon main

# follow USER ROLE: one card after the other, in a session that is there.
follow() {
	lab_wait "the card's certificates" \
		lab_has $LAB_GIDS_CERTS lab_certs main "$1"
	lab_wait "the card's root" lab_has 1 lab_roots main
	lab_expect "role" "$2" "$(lab_session main role)"
	lab_tell one remove
	lab_wait "the root is gone" lab_has 0 lab_roots main
	lab_wait "an empty reader" lab_has empty lab_reader main card
	lab_tell one insert
	lab_wait "the card's root again" lab_has 1 lab_roots main
	lab_tell one swap "$LAB_CARDS/one-piv" piv
	lab_wait "the other card" lab_has PIV lab_reader main family
	lab_wait "the first one's root is gone" lab_has 0 lab_roots main
	lab_alive "client-$1" || lab_fail "the client has gone"
	lab_tell one swap "$LAB_CARDS/one-gids" gids
	lab_wait "the first one's root again" lab_has 1 lab_roots main
}

lab_say "a server that has the card too"
lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_freerdp2 alice 3901 one alice
lab_wait "the server sees the card" \
	lab_chansrv_says alice "Detected remote smartcard"
follow alice relay
lab_server_card alice calls >"$LAB/run/calls" ||
	lab_fail "the server's calls: $(cat "$LAB/run/calls")"
grep -q 'state 20$' "$LAB/run/calls" || lab_fail "the server sees no card"
lab_stop client-alice
lab_wait "the session's end" lab_has 0 lab_sessions main
lab_expect "roots afterwards" 0 "$(lab_roots main)"

lab_say "a server that never speaks rdpdr"
lab_freerdp2 bob 3902 one bob
lab_wait "a session" lab_has 1 lab_sessions main
follow bob own
lab_stop client-bob
lab_wait "the session's end" lab_has 0 lab_sessions main
