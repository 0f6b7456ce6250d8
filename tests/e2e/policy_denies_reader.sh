#!/bin/bash
# A reader that the policy refuses does not exist: the server's programs do not
# see it, its card hears nothing, and nothing of it is propagated.  The reader
# beside it works, and a reload brings the refused one back.
#
# The client is rdesktop, see server_uses_card.sh.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_relay
cp "$(lab_home main)/conf" "$LAB/run/conf"
# The last section is the policy of the target.
echo "readers=deny * 00 00" >>"$(lab_home main)/conf"
lab_daemon main
lab_card refused 5001 gids "$LAB_CARDS/two-gids"
lab_card other 5002 piv "$LAB_CARDS/one-piv"

# names: of the readers the proxy tells of.
names() {
	lab_query main readers '[.readers[].name] | sort | join("|")'
}

# sees PATTERN: a program on the server says so, when it looks now.
sees() {
	lab_server_card alice calls >"$LAB/run/calls"
	grep -q "$1" "$LAB/run/calls"
}

lab_say "one reader of two"
lab_rdesktop alice 3901 one alice
lab_wait "the server sees the readers" \
	lab_chansrv_says alice "Detected remote smartcard"
lab_wait "the other card's certificates" \
	lab_has $LAB_PIV_CERTS lab_certs main alice
lab_expect "readers" "Virtual PCD one 00 01" "$(names)"
sees "reader Virtual PCD one 00 01, state 20" ||
	lab_fail "the server does not see the other: $(cat "$LAB/run/calls")"
! grep "one 00 00" "$LAB/run/calls" >&2 || lab_fail "the server sees it"
grep -A 1 "get PIV certificate: success" "$LAB/run/calls" | grep -q "sw 9000" ||
	lab_fail "the other card does not work: $(cat "$LAB/run/calls")"

lab_say "the refused card comes and goes"
lab_tell refused remove
lab_never 2 "the refused reader" sees "one 00 00"
lab_tell refused insert
lab_never 3 "the refused reader" sees "one 00 00"
lab_expect "readers" "Virtual PCD one 00 01" "$(names)"
lab_expect "certificates" $LAB_PIV_CERTS "$(lab_certs main alice)"
lab_expect "commands to the refused card" 0 "$(lab_tell refused apdus)"

lab_say "a reload brings it back"
cp "$LAB/run/conf" "$(lab_home main)/conf"
kill -HUP "${LAB_PID[daemon-main]}"
lab_wait "both readers" \
	lab_has "Virtual PCD one 00 00|Virtual PCD one 00 01" names
lab_wait "the certificates of both" \
	lab_has $((LAB_PIV_CERTS + LAB_GIDS_CERTS)) lab_certs main alice
lab_wait "the server sees it" sees "reader Virtual PCD one 00 00, state 20"
lab_alive client-alice || lab_fail "the client has gone"
