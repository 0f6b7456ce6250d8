#!/bin/bash
# Gate and keeper are after many sessions what they were after a few: as many
# descriptors and processes, and no more memory for each session that has been.
# Sessions with a card and a log-on, and connections that come in dozens.
#
# What is counted is what procfs says, by the auditor.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
# A sanitizer keeps what was freed, to catch who still uses it.
export ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=1:thread_local_quarantine_size_kb=16
lab_scene_desk
lab_start idle "$LAB_BUILD/tests/load/rdpload" server --port 4002 \
	--cert "$LAB_PKI/server.pem" --key "$LAB_PKI/server-key.pem"
lab_target main idle 4002 "ca_file=$LAB_PKI/one/root.pem" rdpdr=relay
lab_listen main 3902 idle
lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids"

# with_card COUNT FIRST: log-ons with a card, one after the other.
with_card() {
	local i

	for ((i = $2; i < $2 + $1; i++)); do
		lab_logon desk 3901 one alice "$i"
		lab_wait "the root" lab_has 1 lab_roots main
		lab_logoff desk alice
		lab_wait "its end" lab_has 0 lab_sessions main
	done
}

# in_dozens COUNT: connections that are up together and then gone.
in_dozens() {
	local i load=$LAB_BUILD/tests/load/rdpload

	for ((i = 0; i < $1; i += 20)); do
		: >"$LAB/log/load"
		rm -f "$LAB/run/load"
		mkfifo "$LAB/run/load"
		# shellcheck disable=SC2016
		lab_start load bash -c 'exec "$@" <>"$0"' "$LAB/run/load" \
			"$load" client --port 3902 --idle --count 20
		lab_wait "20 connections" grep -q "^up 20" "$LAB/log/load"
		echo >"$LAB/run/load"
		lab_wait "their end" lab_dead load
		lab_wait "the sessions' end" lab_has 0 lab_sessions main
	done
}

# settled: nobody is there, and the auditor has nothing to say.
settled() {
	lab_audit main && [ "$(held .sessions)" = 0 ] &&
		[ "$(held .processes)" = "${processes:-$(held .processes)}" ]
}

# held FILTER: what the auditor counted last.
held() {
	jq -r "$1" "$LAB/log/auditor"
}

# counted: the figures of now, as "gate-fds keeper-fds processes".
counted() {
	lab_wait "the processes of before" settled
	held '"\(.gate.descriptors) \(.keeper.descriptors) \(.processes)"'
}

# memory: KiB of the gate and of the keeper.
memory() {
	held '"\(.gate.private_kib) \(.keeper.private_kib)"'
}

# What a session may add, in bytes, to the gate and to the keeper, which has the
# rows of it in the cache of its store; a sanitizer has records of its own.
most="128 512"
! grep -q __asan_init "$LAB_BUILD/proxy/cardproxyd" || most="1024 2048"

# grown SESSIONS: since the base line.  What each leaves behind is a leak.
grown() {
	local now

	now=$(memory)
	lab_say "after $1 more: gate, keeper $now KiB"
	awk -v before="$before" -v now="$now" -v most="$most" -v count="$1" '
		BEGIN {
			split(before, b)
			split(now, n)
			split(most, m)
			exit n[1] - b[1] > count * m[1] / 1024 + 64 ||
				n[2] - b[2] > count * m[2] / 1024 + 64
		}' || lab_fail "after $1 sessions: $before, then $now KiB"
}

# What is made once is made by then: caches, certificates of the store, tables.
with_card 4 1
in_dozens 60
base=$(counted)
processes=$(held .processes)
before=$(memory)
lab_say "descriptors of gate and keeper, processes: $base"
lab_say "gate, keeper $before KiB"

in_dozens 200
lab_expect "held after 200 more" "$base" "$(counted)"
grown 200
in_dozens 400
lab_expect "held after 600 more" "$base" "$(counted)"
grown 600
with_card 8 5
lab_expect "held after 8 more with a card" "$base" "$(counted)"
grown 608
