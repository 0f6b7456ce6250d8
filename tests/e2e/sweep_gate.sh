#!/bin/bash
# The gate is killed at each of its system calls (or at every so many-th, see
# tests/sweep/sweep.sh), its start and its end included: everything ends with it
# within two seconds, what was stored stays, and the next daemon starts clean.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
. "$LAB_TESTS/sweep/sweep.sh"
SWEEP_KILLS=${LAB_SWEEP_KILLS:-30}
slowest=0
kills=0

sweep_scene

# What the killer says when it is over is the last line.
run_until() {
	local start=$EPOCHREALTIME user=gate-$1 life

	lab_start daemon-main "$LAB_BUILD/tests/sweep/killat" run "$1" \
		"$LAB_BUILD/proxy/cardproxyd" --config "$(lab_home main)/conf"
	lab_wait "the daemon answers or ends" lab_daemon_settled main
	if lab_alive daemon-main; then
		life=$(sweep_life once "$user" --port 3901 --soon 2000 --policy \
			"sh $LAB/run/change ${LAB_PID[daemon-main]}") ||
			lab_fail "gate killed at call $1: $life"
		kill -TERM "${LAB_PID[daemon-main]}" 2>/dev/null || true
	fi
	lab_wait "the gate's end" lab_dead daemon-main
	start=${EPOCHREALTIME/./}
	wait "${LAB_PID[daemon-main]}" || true
	unset "LAB_PID[daemon-main]"
	read -r how _ calls < <(tail -n 1 "$LAB/log/daemon-main")
	lab_wait -s 3 "all processes end" sweep_none_left
	waited=$(((${EPOCHREALTIME/./} - start) / 1000))
	[ "$waited" -le "$slowest" ] || slowest=$waited
	lab_audit main --stopped >"$LAB/log/audit" ||
		lab_fail "gate killed at call $1: $(cat "$LAB/log/audit")"
	[ ! -s "$(lab_home main)/store/cardproxy.db" ] ||
		sweep_check_stored sweep_list_stopped
}

run_until 0
lab_expect "a life that is only counted" ended "$how"
total=$calls
stride=${LAB_SWEEP_STRIDE:-$((total / SWEEP_KILLS + 1))}
for ((n = 1; n <= total; n += stride)); do
	run_until "$n"
	[ "$how" != killed ] || kills=$((kills + 1))
done
[ "$kills" -gt 0 ] || lab_fail "nothing was killed"
lab_say "gate: $total system calls, $kills kills, all gone after $slowest ms at" \
	"most"
lab_daemon main
lab_expect "sessions" 0 "$(lab_sessions main)"
lab_expect "roots" 0 "$(lab_roots main)"
sweep_check_stored sweep_list
