#!/bin/bash
# Sessions, the keeper and the gate are killed at any moment while a dozen
# clients insert and remove cards and come and go: nothing that was seen stored
# is lost, nothing has a wrong owner, no root outlives its reason by more than a
# second, and gate and keeper are in the end what they were in the beginning.
#
# LAB_SWEEP_KILLS and LAB_SWEEP_SEED say how many and which.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
. "$LAB_TESTS/sweep/sweep.sh"
SWEEP_KILLS=${LAB_SWEEP_KILLS:-100}
seed=${LAB_SWEEP_SEED:-$$$RANDOM}
clients=12
growth_max_kb=4096
declare -A kills=([session]=0 [keeper]=0 [gate]=0)
lab_say "seed $seed"
RANDOM=$seed

sweep_scene
store=$(lab_home main)/store/cardproxy.db

# Who holds the store.
keeper() {
	local fd pid

	for pid in $(pgrep -P "${LAB_PID[daemon-main]}"); do
		for fd in /proc/"$pid"/fd/*; do
			[ "$fd" -ef "$store" ] || continue
			echo "$pid"
			return
		done
	done
}

# figures PID: descriptors, and KiB of its own memory.
figures() {
	local descriptors=(/proc/"$1"/fd/*)

	echo "${#descriptors[@]}" \
		"$(awk '/^RssAnon:/ { print $2 }' "/proc/$1/status")"
}

start_daemon() {
	lab_daemon main
	lab_wait "a keeper" lab_has 1 has_keeper
}
has_keeper() {
	keeper | wc -l
}

kill_session() {
	local found=() pid holder

	holder=$(keeper)
	for pid in $(pgrep -P "${LAB_PID[daemon-main]}"); do
		[ "$pid" = "$holder" ] || found+=("$pid")
	done
	[ "${#found[@]}" -gt 0 ] || return 0
	kill -KILL "${found[RANDOM % ${#found[@]}]}" 2>/dev/null &&
		kills[session]=$((kills[session] + 1))
	true
}

kill_keeper() {
	local pid

	pid=$(keeper)
	[ -z "$pid" ] || ! kill -KILL "$pid" 2>/dev/null ||
		kills[keeper]=$((kills[keeper] + 1))
}

# Now and then with all that it has started: who starts the daemon again then
# sees to it that no root is left.
kill_gate() {
	[ $((RANDOM % 2)) = 0 ] || pkill -KILL -x cardproxyd
	lab_stop daemon-main KILL 2>/dev/null
	kills[gate]=$((kills[gate] + 1))
	lab_wait -s 5 "all processes end" sweep_none_left
	start_daemon
}

killed() {
	echo $((kills[session] + kills[keeper] + kills[gate]))
}

# signal_clients SIGNAL
signal_clients() {
	local client

	for ((client = 1; client <= clients; client++)); do
		kill "-$1" "${LAB_PID[client-$client]}"
	done
}

# The auditor needs a moment without news: the clients hold still for it.
check() {
	local client

	lab_wait "a keeper" lab_has 1 has_keeper
	signal_clients STOP
	lab_wait "the control socket" lab_ctl main sessions
	lab_audit main >"$LAB/log/audit" ||
		lab_fail "after $(killed) kills: $(cat "$LAB/log/audit")"
	sweep_check_stored sweep_list
	signal_clients CONT
	for ((client = 1; client <= clients; client++)); do
		lab_alive "client-$client" ||
			lab_fail "client $client: $(cat "$LAB/log/client-$client")"
	done
}

has_descriptors() {
	local descriptors

	read -r descriptors _ < <(figures "$2")
	[ "$descriptors" = "$1" ]
}

# Some bytes come together in a life, descriptors do not.
expect_as_before() {
	local what=$1 pid=$2 descriptors_before=$3 kb_before=$4 descriptors kb

	ls -l "/proc/$pid/fd" >"$LAB/log/descriptors-$what"
	lab_wait "$descriptors_before descriptors of the $what" \
		has_descriptors "$descriptors_before" "$pid"
	read -r descriptors kb < <(figures "$pid")
	lab_say "$what: $descriptors_before then $descriptors descriptors," \
		"$kb_before then $kb KiB"
	[ $((kb - kb_before)) -lt $growth_max_kb ] ||
		lab_fail "the $what has grown: $kb_before KiB, now $kb"
}

start_daemon
# What is opened once stays open.
sweep_life once first --port 3902 >/dev/null || lab_fail "the first client"
lab_wait "its session's end" lab_has 1 pgrep -c -P "${LAB_PID[daemon-main]}"
gate_first=$(figures "${LAB_PID[daemon-main]}")
keeper_first=$(figures "$(keeper)")
for ((client = 1; client <= clients; client++)); do
	lab_start "client-$client" "$LAB_BUILD/tests/sweep/cardlife" load \
		--user "user$client" --port 3901 --seed $((seed + client)) \
		--run-dir "$(lab_run_dir main)" --journal "$SWEEP_JOURNAL" \
		--soon "$SWEEP_SOON_MS"
done
lab_wait "something stored" test -s "$SWEEP_JOURNAL"

# A gate takes all others with it, so it is killed least, and not at the end:
# the last one has to show that it does not grow.
for ((round = 1; $(killed) < SWEEP_KILLS; round++)); do
	sleep "0.$((RANDOM % 4))$((RANDOM % 10))"
	case $((RANDOM % 20)) in
	0) [ $((5 * $(killed))) -gt $((4 * SWEEP_KILLS)) ] || kill_gate ;;
	1 | 2 | 3 | 4) kill_keeper ;;
	*) kill_session ;;
	esac
	[ $((round % 25)) != 0 ] || check
done
check
signal_clients TERM
for ((client = 1; client <= clients; client++)); do
	wait "${LAB_PID[client-$client]}" ||
		lab_fail "client $client: $(cat "$LAB/log/client-$client")"
done
lab_say "$(killed) kills: ${kills[session]} of sessions, ${kills[keeper]} of" \
	"keepers, ${kills[gate]} of gates; roots gone after" \
	"$(sort -nk2 "$LAB"/log/client-* | awk '/^gone/ { print $2 }' |
		tail -n 1) ms at most; $(sort -u "$SWEEP_JOURNAL" | wc -l)" \
	"certificates kept"
lab_wait "all sessions end" lab_has 0 lab_roots main
lab_wait "all processes of sessions end" lab_has 1 \
	pgrep -c -P "${LAB_PID[daemon-main]}"
sweep_check_stored sweep_list
# shellcheck disable=SC2086
expect_as_before gate "${LAB_PID[daemon-main]}" $gate_first
# shellcheck disable=SC2086
expect_as_before keeper "$(keeper)" $keeper_first
