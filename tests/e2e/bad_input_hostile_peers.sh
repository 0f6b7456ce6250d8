#!/bin/bash
# Clients, servers and cards that break every rule hurt their own session alone:
# a good one beside them keeps its card, its certificates and its roots; the log
# says once what was wrong; nothing is left behind.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
# A freed block kept for long looks like growth.
export ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=1

lab_config main 3902 own
lab_listen main 3903 relay
lab_target main own 4002 verify=none rdpdr=own identity=claimed policy=removal
lab_target main relay 4002 verify=none rdpdr=relay identity=claimed \
	policy=removal
lab_policy main removal RootCertificateCleanupOption=1
lab_daemon main

# What must be the same after each case: how many readers have names that cannot
# be shown (none), sessions, readers, certificates, roots,
# processes, and the names of what is in the run directory.
gate=${LAB_PID[daemon-main]}
cat >"$LAB/look" <<END
ctl="$LAB_BUILD/proxy/cardproxyctl --socket $(lab_run_dir main)/control.sock"
\$ctl readers | LC_ALL=C grep -c '[^ -~]'
ctl="\$ctl --json"
\$ctl sessions | jq -c '[.sessions[] | [.id, .user, .pid]]'
\$ctl certs | jq -c '[.certs[] | [.user, .store, .sha256]]'
\$ctl roots | jq -c '[.roots[] | [.sha256, .kind, .state, [.holders[].session]]]'
pgrep -c -P $gate
find $(lab_run_dir main) | sort
END
cp "$LAB_PKI/server.pem" "$LAB_PKI/server-key.pem" "$LAB/run/"
"$LAB_BUILD/tests/hostile/adversary" --port 3902 --relay-port 3903 \
	--server-port 4002 --cert "$LAB/run/server.pem" \
	--key "$LAB/run/server-key.pem" --pki "$LAB_PKI" \
	--log "$LAB/log/daemon-main" --gate "$gate" --look "sh $LAB/look" "$@" ||
	lab_fail "a case failed"
