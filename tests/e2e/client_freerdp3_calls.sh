#!/bin/bash
# A program on the server calls through to FreeRDP 3.  That client reads past
# the end of a call of xrdp's whose padding is missing, and crashes where xrdp
# gives the names of several readers one referent: the proxy writes such calls
# as they should be.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_relay
lab_daemon main

lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_client alice 3901 one alice
lab_wait "the server sees the card" \
	lab_chansrv_says alice "Detected remote smartcard"
lab_wait "the proxy has read the card" \
	grep -q " card-read " "$LAB/log/daemon-main"
for turn in $(seq 20); do
	lab_server_card alice together >"$LAB/run/together" || true
	grep -qx 'together: success' "$LAB/run/together" ||
		lab_fail "turn $turn: $(cat "$LAB/run/together")"
	lab_alive client-alice || lab_fail "the client has gone at turn $turn"
done
! grep -e 'parsed beyond its end' -e 'not fully parsed' \
	"$LAB/log/client-alice" >&2 || lab_fail "a call the client cannot read"
lab_expect "role" relay "$(lab_session main role)"
lab_expect "sessions" 1 "$(lab_sessions main)"
