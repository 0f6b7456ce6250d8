#!/bin/bash
# With a server that speaks rdpdr the proxy stands in between: the card's
# certificates are propagated, and the server has the card as before.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_relay
lab_daemon main

lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_client alice 3901 one alice
lab_wait "the server sees the card" \
	lab_chansrv_says alice "Detected remote smartcard"
lab_wait "the card's certificates" lab_has $LAB_GIDS_CERTS lab_certs main alice
lab_wait "the card's root" lab_has 1 lab_roots main
lab_expect "role" relay "$(lab_session main role)"

lab_tell one swap "$LAB_CARDS/one-piv" piv
lab_wait "the root is gone" lab_has 0 lab_roots main
lab_wait "the new card" lab_has PIV lab_reader main family
lab_alive client-alice || lab_fail "the client has gone"
