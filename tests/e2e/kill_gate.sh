#!/bin/bash
# When the whole daemon is killed and started again, no session, no claim and no
# trust of before is left; the users' certificates are.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_own
lab_daemon main

lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_client alice 3901 one alice
lab_wait "the card's root" lab_has 1 lab_roots main
lab_wait "certificates" lab_has $LAB_GIDS_CERTS lab_certs main alice

# Without its gate the rest must not go on for ever.
none_left() {
	! pgrep -x cardproxyd >/dev/null
}

lab_stop daemon-main KILL
lab_stop client-alice KILL
lab_wait "all processes of the daemon end" none_left

lab_daemon main
lab_expect "sessions" 0 "$(lab_sessions main)"
lab_expect "roots" 0 "$(lab_roots main)"
lab_expect "views" "" "$(ls "$(lab_run_dir main)/session")"
lab_expect "certificates" $LAB_GIDS_CERTS "$(lab_certs main alice)"

lab_say "all of it killed at once"
lab_client alice 3901 one alice
lab_wait "the card's root" lab_has 1 lab_roots main
pkill -KILL -x cardproxyd
lab_stop daemon-main KILL
lab_stop client-alice KILL
lab_daemon main
lab_expect "sessions" 0 "$(lab_sessions main)"
lab_expect "roots" 0 "$(lab_roots main)"
lab_expect "views" "" "$(ls "$(lab_run_dir main)/session")"
lab_client alice 3901 one alice
lab_wait "a new session" lab_has 1 lab_roots main
