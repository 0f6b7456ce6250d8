#!/bin/bash
# The gate is killed at each of its system calls (or at every so many-th, see
# tests/sweep/sweep.sh), its start and its end included: everything ends with it
# within a second, what was stored stays, and the next daemon starts clean.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
. "$LAB_TESTS/sweep/sweep.sh"
SWEEP_KILLS=${LAB_SWEEP_KILLS:-30}
slowest=0 # that a root, or a process, stayed

sweep_scene

# All that cards and clients do, until the gate is killed.
live() {
	local life said gate=${LAB_PID[daemon-main]}

	for life in once leave again; do
		said=$(sweep_life "$life" "gate-$1" --port 3901 \
			--policy "sh $LAB/run/change $gate") ||
			lab_fail "gate killed at call $1, $life: $said"
		sweep_gone "$said"
		lab_alive daemon-main || return 0
	done
}

# The killer says when it is over; processes that are left may still say more.
run_until() {
	local start

	: >"$LAB/log/daemon-main"
	# As at its first start: it makes one.
	rm -f "$(lab_home main)/store/tls-certificate.pem"
	lab_start daemon-main "$LAB_BUILD/tests/sweep/killat" run "$1" \
		"$LAB_BUILD/proxy/cardproxyd" --config "$(lab_home main)/conf"
	lab_wait "the daemon answers or ends" lab_daemon_settled main
	if lab_alive daemon-main; then
		live "$1"
		kill -TERM "${LAB_PID[daemon-main]}" 2>/dev/null || true
	fi
	lab_wait "the gate's end" lab_dead daemon-main
	start=${EPOCHREALTIME/./}
	wait "${LAB_PID[daemon-main]}" || true
	unset "LAB_PID[daemon-main]"
	read -r how _ calls < <(grep -E '^(killed|ended) ' "$LAB/log/daemon-main")
	lab_wait -s 2 "all processes end" sweep_none_left
	sweep_slower $(((${EPOCHREALTIME/./} - start) / 1000))
	lab_audit main --stopped >"$LAB/log/audit" ||
		lab_fail "gate killed at call $1: $(cat "$LAB/log/audit")"
	[ ! -s "$(lab_home main)/store/cardproxy.db" ] ||
		sweep_check_stored sweep_list_stopped
}

run_until 0
lab_expect "a life that is only counted" ended "$how"
total=$calls
sweep_calls "$total" run_until
[ "$slowest" -le 1000 ] || lab_fail "something stayed for $slowest ms"
lab_say "gate: $total system calls, $kills kills, all gone after $slowest ms at" \
	"most"
lab_daemon main
lab_expect "sessions" 0 "$(lab_sessions main)"
lab_expect "roots" 0 "$(lab_roots main)"
lab_expect "half files" "" "$(find "$(lab_home main)" "$(lab_run_dir main)" \
	-name '*.new')"
sweep_check_stored sweep_list
