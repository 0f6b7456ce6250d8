# What the scenarios sweep_*.sh share; sourced after tests/lab/lab.sh.
#
#   LAB_SWEEP_STRIDE  kill at every so many-th system call; 1: at each.  Without
#                     it the scenario takes less than a minute
#   LAB_SWEEP_FIRST   from this one on (1)
#   LAB_SWEEP_KILLS   or so many in all
#   LAB_SWEEP_SEED    where chance decides
#
# Several that share the calls out by FIRST and STRIDE may run at once, each is
# in a world of its own: that is how tests/sweep/shards meets every call.

# A traced process cannot look for leaks.
export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0:quarantine_size_mb=1
SWEEP_JOURNAL=$LAB/run/journal
# A second is what a root may outlive its reason by.  Where that takes the start
# of a process, a sanitizer makes it longer.
SWEEP_SOON_MS=1000
! grep -q __asan_init "$LAB_BUILD/proxy/cardproxyd" || SWEEP_SOON_MS=3000
SWEEP_CONTROL=$(lab_run_dir main)/control.sock

# A server at 3904, and the configuration of a daemon "main" before it: at 3901
# with a policy that changes, at 3902 with one that does not.
sweep_scene() {
	local common=(verify=none rdpdr=own identity=claimed session_end=signal)

	cp "$LAB_PKI/server.pem" "$LAB_PKI/server-key.pem" "$LAB/run/"
	lab_start server "$LAB_BUILD/tests/sweep/cardlife" server --port 3904 \
		--cert "$LAB/run/server.pem" --key "$LAB/run/server-key.pem"
	lab_wait "the server" lab_listens 3904
	lab_config main 3901 desk
	lab_listen main 3902 quiet
	lab_target main desk 3904 policy=removal "${common[@]}"
	lab_target main quiet 3904 policy=quiet "${common[@]}"
	lab_policy main quiet RootCertificateCleanupOption=1
	lab_policy main removal RootCertificateCleanupOption=1
	: >"$SWEEP_JOURNAL"
	# There and back; the session says when it knows.
	cat >"$LAB/run/change" <<-END
	told() {
		grep -c ' policy section=removal' "$LAB/log/daemon-main"
	}
	for option in 2 1; do
		before=\$(told)
		sed -i "/^.policy removal/,\\\$s/=.\\\$/=\$option/" \
			"$(lab_home main)/conf"
		kill -HUP "\$1" 2>/dev/null || exit 0
		for i in 1 2 3 4 5 6 7 8 9 10; do
			[ "\$(told)" = "\$before" ] || break
			sleep 0.05
		done
	done
	END
}

# sweep_life LIFE USER [OPTION...]: of a client of the daemon.
sweep_life() {
	local life=$1 user=$2

	shift 2
	"$LAB_BUILD/tests/sweep/cardlife" "$life" --user "$user" \
		--run-dir "$(lab_run_dir main)" --journal "$SWEEP_JOURNAL" "$@"
}

# sweep_slower MS: raises slowest.
sweep_slower() {
	[ "$1" -le "$slowest" ] || slowest=$1
}

# sweep_gone TEXT: the same with how long, by what a life has said, its root
# stayed without a reason.
sweep_gone() {
	local word ms

	while read -r word ms; do
		[ "$word" != gone ] || sweep_slower "$ms"
	done <<<"$1"
}

# sweep_calls TOTAL KILL...: "KILL... N" at each call that is to be met, which
# sets how; sets kills.  No two lives are alike: one that makes more calls than
# the one that was counted is followed to its end.
sweep_calls() {
	local total=$1 n=${LAB_SWEEP_FIRST:-1}
	local stride=${LAB_SWEEP_STRIDE:-$(($1 / SWEEP_KILLS + 1))}

	shift
	kills=0
	while [ "$n" -le "$total" ] || [ "$how" = killed ]; do
		"$@" "$n"
		[ "$how" != killed ] || kills=$((kills + 1))
		n=$((n + stride))
	done
	[ "$kills" -gt 0 ] || lab_fail "nothing was killed"
}

# What has been seen stored is there, and everything belongs to whom it names.
# The command prints what is there: a user, a thumbprint and a subject in a line.
sweep_check_stored() {
	local there

	sort -u "$SWEEP_JOURNAL" >"$LAB/run/seen"
	there=$("$@") || lab_fail "the store cannot be listed"
	awk '{ print "stored", $1, $2 }' <<<"$there" | sort >"$LAB/run/there"
	lab_expect "lost" "" "$(comm -23 "$LAB/run/seen" "$LAB/run/there")"
	lab_expect "of somebody else" "" \
		"$(awk 'NF && $3 != "CN=" $1' <<<"$there")"
}

# Of a daemon that runs, and of one that does not.
sweep_list() {
	lab_query main certs '.certs[] | "\(.user) \(.sha256) \(.subject)"'
}
sweep_list_stopped() {
	sqlite3 -separator ' ' "$(lab_home main)/store/cardproxy.db" \
		'SELECT e.owner, lower(hex(e.sha256)), c.subject FROM entry e
		JOIN cert c USING (sha256) WHERE e.store = 1'
}

# No process of the daemon is left.
sweep_none_left() {
	! pgrep -x cardproxyd >/dev/null
}
