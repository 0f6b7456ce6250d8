#!/bin/bash
# Clients, servers and cards that break every rule hurt their own session alone:
# a good one beside them keeps its card, its certificates and its roots; the log
# says once what was wrong; nothing is left behind.
#
# usage: bad_input_hostile_peers.sh [CASE...]    (beginnings of names)
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
# A freed block kept for long looks like growth.
export ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=1
cp "$LAB_PKI/server.pem" "$LAB_PKI/server-key.pem" "$LAB/run/"

# scene NAME PORT: a daemon at PORT and PORT + 1, for a server at PORT + 2.
scene() {
	local common=(verify=none identity=claimed policy=removal)

	lab_config "$1" "$2" own
	lab_listen "$1" $(($2 + 1)) relay
	lab_target "$1" own $(($2 + 2)) rdpdr=own "${common[@]}"
	lab_target "$1" relay $(($2 + 2)) rdpdr=relay "${common[@]}"
	lab_policy "$1" removal RootCertificateCleanupOption=1
	lab_daemon "$1"
	# What must be the same after each case: how many readers have names
	# that cannot be shown (none), sessions, certificates, roots, processes,
	# and the names of what is in the run directory.
	cat >"$LAB/look-$1" <<-END
	ctl="$LAB_BUILD/proxy/cardproxyctl --socket $(lab_run_dir "$1")/control.sock"
	\$ctl readers | LC_ALL=C grep -c '[^ -~]'
	ctl="\$ctl --json"
	\$ctl sessions | jq -c '[.sessions[] | [.id, .user, .pid]]'
	\$ctl certs | jq -c '[.certs[] | [.user, .store, .sha256]]'
	\$ctl roots | jq -c '[.roots[] | [.sha256, .kind, .state, [.holders[].session]]]'
	pgrep -c -P ${LAB_PID[daemon-$1]}
	find $(lab_run_dir "$1") | sort
	END
}

# attack NAME PORT CASE...
attack() {
	local name=$1 port=$2

	shift 2
	lab_start "attack-$name" "$LAB_BUILD/tests/hostile/adversary" \
		--port "$port" --relay-port $((port + 1)) \
		--server-port $((port + 2)) --cert "$LAB/run/server.pem" \
		--key "$LAB/run/server-key.pem" --pki "$LAB_PKI" \
		--log "$LAB/log/daemon-$name" --look "sh $LAB/look-$name" \
		--gate "${LAB_PID[daemon-$name]}" "$@"
}

# survived NAME: all of its cases went well.
survived() {
	local status=0

	wait "${LAB_PID[attack-$1]}" || status=$?
	cat "$LAB/log/attack-$1"
	[ "$status" = 0 ] || lab_fail "a case failed"
}

scene main 3902
if [ $# -gt 0 ]; then
	attack main 3902 "$@"
	survived main
	exit
fi
# Most of the time is spent waiting: the halves wait together.
scene second 3912
attack main 3902 x224 mcs gcc info fast half chunk devices removal announce \
	caps name- reply packets message completion server
attack second 3912 client ndr empty refused context handle names silent twice \
	flapping noisy restless card roots cert piv user root
survived main
survived second
