#!/bin/bash
# A policy without redirection: the server has no card device, the session says
# why, the card hears nothing and nothing of it is stored.  What else the session
# does goes on.
#
# The client is rdesktop, see server_uses_card.sh.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_relay
# The last section is the policy of the target.
echo "redirect=no" >>"$(lab_home main)/conf"
lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids"

show() {
	lab_query main "sessions show $(lab_session main id)" "$1"
}

shows() {
	[ "$(show "$2")" = "$1" ]
}

# Is there where the server's programs ask for cards?
servers_half() {
	[ -n "$(find "$LAB/home/alice" -path '*/.pcsc*/pcscd.comm')" ]
}

lab_rdesktop alice 3901 one alice
lab_wait "the session" lab_some lab_sessions main
lab_wait "a reason that names the policy" \
	shows true '.sessions[0].reason | test("policy")'
lab_expect "section" removal "$(show '.sessions[0].policy')"
lab_wait "the client's device is hidden" \
	grep -q 'device-hidden .*reason=policy' "$LAB/log/daemon-main"

lab_say "the server has no card"
lab_wait "the server's half" servers_half
lab_never 5 "a card on the server" \
	lab_chansrv_says alice "Detected remote smartcard"
! lab_server_card alice calls >"$LAB/run/calls" 2>&1 ||
	lab_fail "a program has a card: $(cat "$LAB/run/calls")"
grep -q '^establish: ' "$LAB/run/calls" || lab_fail "no program asked"
! grep -e success -e reader "$LAB/run/calls" >&2 || lab_fail "it has a service"

lab_say "nothing is known of it"
lab_expect "commands to the card" 0 "$(lab_tell one apdus)"
lab_expect "readers" 0 "$(show '.readers | length')"
lab_expect "certificates" 0 "$(lab_query main certs '.certs | length')"
lab_expect "roots" 0 "$(lab_query main roots '.roots | length')"
lab_expect "sessions" 1 "$(lab_sessions main)"
lab_alive client-alice || lab_fail "the client has gone"
