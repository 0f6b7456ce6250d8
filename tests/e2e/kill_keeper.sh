#!/bin/bash
# A keeper that is killed is started again, the sessions tell it what they have,
# and nothing of what was stored is lost.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_own
lab_daemon main

lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_client alice 3901 one alice
lab_wait "the card's root" lab_has 1 lab_roots main
id=$(lab_session main id)
view=$(lab_view main)

# Who has the control socket is the keeper.
keeper() {
	ss -Hxlp src "$(lab_run_dir main)/control.sock" |
		sed -n 's/.*pid=\([0-9]*\).*/\1/p' | head -n 1
}

is_another() {
	local now

	now=$(keeper)
	[ -n "$now" ] && [ "$now" != "$1" ]
}

for round in 1 2; do
	lab_say "killed, round $round"
	old=$(keeper)
	[ -n "$old" ] || lab_fail "no keeper"
	kill -KILL "$old"
	lab_wait "another keeper" is_another "$old"
	lab_wait "the same session" lab_has "$id" lab_session main id
	lab_wait "the root is held again" lab_has 1 lab_roots main
	lab_expect "certificates" $LAB_GIDS_CERTS "$(lab_certs main alice)"
	lab_verifies "$view" "$LAB_PKI/one/user.pem" ||
		lab_fail "the view has lost the root"
	lab_alive client-alice || lab_fail "the client has gone"
done

lab_say "and the session's life goes on"
lab_tell one remove
lab_wait "the root is gone" lab_has 0 lab_roots main
lab_tell one swap "$LAB_CARDS/one-piv" piv
lab_wait "another card" lab_has PIV lab_reader main family

lab_say "a card that is pulled while there is no keeper"
lab_tell one swap "$LAB_CARDS/one-gids" gids
lab_wait "the card's root" lab_has 1 lab_roots main
old=$(keeper)
kill -STOP "$old"
lab_tell one remove
sleep 1
kill -KILL "$old"
lab_wait "another keeper" is_another "$old"
lab_wait "the same session" lab_has "$id" lab_session main id
lab_wait "the root is gone" lab_has 0 lab_roots main

# A gate that stands still hears of both at once.
lab_say "killed when the daemon is stopped"
lab_tell one swap "$LAB_CARDS/one-gids" gids
lab_wait "the card's root" lab_has 1 lab_roots main
kill -STOP "${LAB_PID[daemon-main]}"
kill -KILL "$(keeper)"
kill -TERM "${LAB_PID[daemon-main]}"
kill -CONT "${LAB_PID[daemon-main]}"
lab_wait "the daemon's end" lab_dead daemon-main
lab_expect "views" "" "$(ls "$(lab_run_dir main)/session")"
