#!/bin/bash
# rdesktop's own smart card code instead of FreeRDP's, in both roles: the card's
# certificates come, its root goes with it, and the server has it as well.
#
# FreeRDP's shadow server refuses rdesktop (a number of its Erect Domain Request
# has two bytes where one would do), so the server without a card is xrdp too,
# told not to have one.
. "$(dirname "$0")/../lab/lab.sh"
. "$(dirname "$0")/../lab/follow.sh"
lab_enter "$@"
lab_scene_relay
lab_listen main 3902 plain
lab_target main plain 4001 verify=none rdpdr=own identity=claimed \
	policy=removal
lab_daemon main

lab_follow_relay lab_rdesktop
grep -A 1 -x 'select GIDS: success' "$LAB/run/calls" |
	grep -q 'sw 9000' || lab_fail "the server does not get at the card"
lab_follow_end alice
lab_expect "roots afterwards" 0 "$(lab_roots main)"

sed -i 's/^rdpdr=true/rdpdr=false/' "$LAB/xrdp/xrdp.ini"
lab_follow_own lab_rdesktop
