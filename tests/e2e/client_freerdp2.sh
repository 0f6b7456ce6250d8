#!/bin/bash
# FreeRDP 2 as the client, in both roles: the card's certificates come, its root
# goes with it, and the server sees it as well.
#
# It does not see more: what xrdp takes from FreeRDP's answer to a Connect is the
# context and not the card.
. "$(dirname "$0")/../lab/lab.sh"
. "$(dirname "$0")/../lab/follow.sh"
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

lab_follow_relay lab_freerdp2
lab_follow_end alice
lab_expect "roots afterwards" 0 "$(lab_roots main)"

lab_follow_own lab_freerdp2
