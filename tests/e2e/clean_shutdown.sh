#!/bin/bash
# SIGTERM with sessions that live: all processes end, the exit status is 0, no
# view and no claim is left, and the next start is as good as the first.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_own
lab_pcscd two 5011
lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_card two 5011 gids "$LAB_CARDS/two-gids"

none_left() {
	! pgrep -x cardproxyd >/dev/null
}

for signal in TERM INT TERM; do
	lab_say "SIG$signal"
	lab_daemon main
	lab_expect "sessions" 0 "$(lab_sessions main)"
	lab_expect "roots" 0 "$(lab_roots main)"
	lab_client alice 3901 one alice
	lab_client bob 3901 two bob
	lab_wait "both roots" lab_has 2 lab_roots main
	lab_wait "alice's certificates" lab_has $LAB_GIDS_CERTS \
		lab_certs main alice

	pid=${LAB_PID[daemon-main]}
	kill "-$signal" "$pid"
	status=0
	wait "$pid" || status=$?
	unset 'LAB_PID[daemon-main]'
	lab_expect "exit status" 0 "$status"
	none_left || lab_fail "a process of the daemon outlives it"
	lab_expect "views" "" "$(ls "$(lab_run_dir main)/session")"
	lab_wait "alice's client notices" lab_dead client-alice
	lab_wait "bob's client notices" lab_dead client-bob
	grep -q ERRINFO_RPC_INITIATED_DISCONNECT "$LAB/log/client-alice" ||
		lab_fail "the client does not know that it was our will"
	: >"$LAB/log/client-alice"
done

lab_daemon main
lab_expect "alice's certificates" $LAB_GIDS_CERTS "$(lab_certs main alice)"
lab_expect "bob's certificates" $LAB_GIDS_CERTS "$(lab_certs main bob)"
lab_expect "roots" 0 "$(lab_roots main)"
