#!/bin/bash
# A server that refuses, resets or falls silent, at whatever step: its client is
# let go within the deadlines, and a session beside it lives on.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_own
names=(refusing)
lab_listen main 3910 refusing
lab_target main refusing 4010 verify=none
port=11
for step in accepted confirmed greeted secured; do
	for end in close reset silent; do
		name=$step-$end
		names+=("$name")
		lab_start "$name" "$LAB_BUILD/tests/proxy/deadserver" \
			"40$port" $step $end \
			"$LAB_PKI/server.pem" "$LAB_PKI/server-key.pem"
		lab_wait "server $name" lab_listens "40$port"
		lab_listen main "39$port" "$name"
		lab_target main "$name" "40$port" verify=none
		port=$((port + 1))
	done
done
lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_client alice 3901 one alice
lab_wait "the good session" lab_has $LAB_GIDS_CERTS lab_certs main alice

port=10
for name in "${names[@]}"; do
	lab_client "$name" "39$port" one bob
	port=$((port + 1))
done
for name in "${names[@]}"; do
	lab_wait -s 90 "the client of $name is let go" lab_dead "client-$name"
done
# What the gate has forked: the keeper and one session.
processes() {
	pgrep -c -x -P "${LAB_PID[daemon-main]}" cardproxyd
}
lab_wait "the others' processes have gone" lab_has 2 processes
lab_alive client-alice || lab_fail "the good client has gone"
lab_expect "sessions" 1 "$(lab_sessions main)"

# refused TARGET WHAT: what the log says of it.
refused() {
	grep 'connection-refused' "$LAB/log/daemon-main" |
		grep "target=\"*$1" | grep -q "$2" ||
		lab_fail "$1: the log does not say '$2'"
}
refused refusing 'cannot be reached'
refused accepted-close 'closed without an answer'
# The reset may be there before the connection is seen to be.
refused accepted-reset 'closed without an answer\|cannot be reached'
refused accepted-silent 'does not answer'
refused confirmed-silent 'does not answer'
refused greeted-silent 'does not answer'

lab_say "and the card still works"
lab_tell one remove
lab_wait "the root is gone" lab_has 0 lab_roots main
