#!/bin/bash
# When the client disconnects or its network breaks, the session and its trust
# are over; the user's certificates stay.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_own
lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids"

for signal in TERM KILL; do
	lab_say "a client that ends by SIG$signal"
	lab_client alice 3901 one alice
	lab_wait "the card's root" lab_has 1 lab_roots main
	view=$(lab_view main)
	lab_stop client-alice $signal
	lab_wait "the session's end" lab_has 0 lab_sessions main
	lab_wait "the root is gone" lab_has 0 lab_roots main
	lab_wait "the view is gone" test ! -e "$view"
	lab_expect "the user's certificates" $LAB_GIDS_CERTS \
		"$(lab_certs main alice)"
done

lab_say "a server that goes away"
lab_client alice 3901 one alice
lab_wait "the card's root" lab_has 1 lab_roots main
lab_stop shadow-4001 KILL
lab_wait "the session's end" lab_has 0 lab_sessions main
lab_wait "the root is gone" lab_has 0 lab_roots main
