# shellcheck shell=bash
# What the benchmarks need beside lab.sh: processor time, sizes, medians and
# lines of JSON.  Sourced by tests/bench after lab.sh.

# shellcheck disable=SC2034
BENCH_LOAD=$LAB_BUILD/tests/load

# bench_note TEXT: progress, for whoever watches.
bench_note() {
	echo "bench: $*" >&2
}

# bench_print KEY=VALUE...: one JSON object on descriptor 3.  A value is JSON
# where it can be read as such, else text.
bench_print() {
	jq -nc '[$ARGS.positional[] | index("=") as $at |
		{(.[:$at]): (.[$at + 1:] | (. as $text | try fromjson catch $text))}] | add' \
		--args "$@" >&3
}

# bench_calc EXPRESSION: four digits are more than these machines deserve.
bench_calc() {
	awk "BEGIN { printf \"%.4g\", $1 }"
}

# bench_holds EXPRESSION: true or false
bench_holds() {
	awk "BEGIN { print ($1) ? \"true\" : \"false\" }"
}

# bench_median: of the numbers on standard input, one a line
bench_median() {
	sort -g | awk '{ n[NR] = $1 } END {
		print NR % 2 ? n[(NR + 1) / 2] : (n[NR / 2] + n[NR / 2 + 1]) / 2 }'
}

# bench_cpu PID...: nanoseconds of processor time of all their threads
bench_cpu() {
	local pid

	for pid; do
		cat /proc/"$pid"/task/*/schedstat
	done | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}

# bench_private PID: KiB of memory that no other process shares
bench_private() {
	awk '/^Private_(Clean|Dirty):/ { sum += $2 } END { print sum }' \
		"/proc/$1/smaps_rollup"
}

# bench_processes DAEMON: the gate and its children
bench_processes() {
	local gate=${LAB_PID[daemon-$1]}

	echo "$gate" $(pgrep -P "$gate")
}

# bench_daemon NAME: as lab_daemon, with the usual log; what is a child later
# and is not one now is a session.
bench_daemon() {
	sed -i 's/^log_level = .*/log_level = info/' "$(lab_home "$1")/conf"
	lab_daemon "$1"
	sleep 0.5
	BENCH_NOT_SESSIONS=$(bench_processes "$1")
}

# bench_sessions DAEMON: the processes of its sessions
bench_sessions() {
	bench_processes "$1" | tr ' ' '\n' |
		grep -vxF "$(tr ' ' '\n' <<<"$BENCH_NOT_SESSIONS")" || true
}

# bench_start NAME COMMAND...: as lab_start, with a standard input that takes
# the lines of bench_line NAME and has no end.
bench_start() {
	local name=$1

	shift
	rm -f "$LAB/run/$name" "$LAB/log/$name"
	mkfifo "$LAB/run/$name"
	# shellcheck disable=SC2016
	lab_start "$name" bash -c 'exec "$@" <>"$0"' "$LAB/run/$name" "$@"
}

bench_line() {
	echo >"$LAB/run/$1"
}

# bench_says NAME WORD: waits for a line that begins so, for two minutes
bench_says() {
	lab_wait -s 120 "$1 says $2" grep -q "^$2" "$LAB/log/$1"
}

# bench_traffic PORT: bytes both ways of the one connection to that port
bench_traffic() {
	ss -Htin state established "dport = :$1" | awk '{
		for (i = 1; i <= NF; i++)
			if (split($i, part, ":") == 2 && (part[1] == "bytes_received" ||
			    part[1] == "bytes_acked"))
				sum += part[2]
	} END { printf "%.0f\n", sum }'
}

# bench_order ROUND A B: A B in even rounds, B A in odd ones
bench_order() {
	if [ $(($1 % 2)) = 0 ]; then
		echo "$2 $3"
	else
		echo "$3 $2"
	fi
}
