#!/bin/bash
# A session is killed at each of its system calls (or at every so many-th, see
# tests/sweep/sweep.sh): its roots are gone within a second, what was stored
# stays, and the session beside it does not notice.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
. "$LAB_TESTS/sweep/sweep.sh"
SWEEP_KILLS=${LAB_SWEEP_KILLS:-12}

sweep_scene
lab_daemon main
gate=${LAB_PID[daemon-main]}
lab_start canary "$LAB_BUILD/tests/sweep/cardlife" steady --user canary \
	--port 3902 --run-dir "$(lab_run_dir main)" --journal "$SWEEP_JOURNAL"
beats() {
	grep -c beat "$LAB/log/canary"
}
lab_wait "the canary" lab_some beats

# kill_at LIFE N: sets how and the calls that were made; raises slowest.
kill_at() {
	local life=$1 user=$1-$2 fd pid said

	[ "$life" = once ] || sweep_life leave "$user" --port 3901 >/dev/null ||
		lab_fail "the connection before"
	: >"$LAB/log/daemon-main"
	exec {fd}< <("$LAB_BUILD/tests/sweep/killat" child "$gate" "$2")
	read -r -t 20 -u "$fd" how
	lab_expect "the killer" traced "$how"
	said=$(sweep_life "$life" "$user" --port 3901 \
		--policy "sh $LAB/run/change $gate") ||
		lab_fail "$life, killed at call $2: $said"
	read -r -t 20 -u "$fd" how pid calls || lab_fail "the session lives on"
	exec {fd}<&-
	sweep_gone "$said"
	lab_audit main >"$LAB/log/audit" ||
		lab_fail "$life, killed at call $2: $(cat "$LAB/log/audit")"
	sweep_check_stored sweep_list
	lab_alive canary || lab_fail "the canary is dead"
}

for life in once again; do
	slowest=0
	kill_at "$life" 0
	lab_expect "a life that is only counted" ended "$how"
	total=$calls
	sweep_calls "$total" kill_at "$life"
	lab_say "$life: $total system calls, $kills kills, roots gone after" \
		"$slowest ms at most"
done
before=$(beats)
more() {
	[ "$(beats)" -gt "$before" ]
}
lab_wait "the canary lives on" more
kill -TERM "${LAB_PID[canary]}"
wait "${LAB_PID[canary]}" || lab_fail "the canary: $(tail -n 3 "$LAB/log/canary")"
