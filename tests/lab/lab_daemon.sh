# shellcheck shell=bash
# The daemon in the lab: its configuration, what it says of itself, and the
# scenes that several scripts begin with.  Sourced by lab.sh.

# --- the daemon under test -----------------------------------------------

# lab_config NAME PORT TARGET: begin a configuration: where it listens and the
# target of that listener.  Its store is below lab_home NAME, its views and its
# control socket in lab_run_dir NAME.
lab_home() {
	echo "$LAB/daemon-$1"
}

lab_run_dir() {
	echo "/run/cardproxy-$1"
}

lab_config() {
	local name=$1 port=$2 target=$3 home run

	home=$(lab_home "$name")
	run=$(lab_run_dir "$name")
	mkdir -p "$home/store" "$run"
	chown -R labproxy:labproxy "$home" "$run"
	cat >"$home/conf" <<-END
	[daemon]
	user = labproxy
	log_level = debug

	[listen $target]
	address = $LAB_HOST:$port
	target = $target

	[store]
	path = $home/store/cardproxy.db
	run_dir = $run

	END
}

# lab_target DAEMON TARGET PORT [KEY=VALUE...], lab_policy DAEMON POLICY
# [KEY=VALUE...], lab_listen DAEMON PORT TARGET
lab_section() {
	local file title=$2

	file=$(lab_home "$1")/conf
	shift 2
	{
		echo "[$title]"
		printf '%s\n' "$@"
		echo
	} >>"$file"
}

lab_target() {
	local daemon=$1 target=$2 port=$3

	shift 3
	lab_section "$daemon" "target $target" "address=$LAB_HOST:$port" "$@"
}

lab_policy() {
	local daemon=$1 policy=$2

	shift 2
	lab_section "$daemon" "policy $policy" "$@"
}

lab_listen() {
	lab_section "$1" "listen $3" "address=$LAB_HOST:$2" "target=$3"
}

# lab_daemon NAME: start it; ready when its control socket answers.
lab_daemon() {
	local name=$1

	lab_start "daemon-$name" "$LAB_BUILD/proxy/cardproxyd" \
		--config "$(lab_home "$name")/conf"
	lab_wait "daemon $name answers or ends" lab_daemon_settled "$name"
	lab_alive "daemon-$name" || lab_fail "daemon $name does not start"
}

lab_daemon_settled() {
	lab_dead "daemon-$1" || lab_ctl "$1" sessions
}

# lab_reload NAME: it reads its file again, and has done so afterwards.
lab_reload() {
	local before

	before=$(lab_reloads "$1")
	kill -HUP "${LAB_PID[daemon-$1]}"
	lab_wait "daemon $1 has its new file" lab_reloaded "$1" "$before"
}

lab_reloads() {
	grep -c 'reload.*done' "$LAB/log/daemon-$1" || true
}

lab_reloaded() {
	[ "$(lab_reloads "$1")" -gt "$2" ]
}

# lab_ctl NAME COMMAND...: JSON, as cardproxyctl prints it.
lab_ctl() {
	local name=$1

	shift
	timeout 20 "$LAB_BUILD/proxy/cardproxyctl" \
		--socket "$(lab_run_dir "$name")/control.sock" --json "$@"
}

# lab_query NAME COMMAND FILTER [JQ-OPTION...]: what the filter gives.
lab_query() {
	local name=$1 command=$2 filter=$3

	shift 3
	# shellcheck disable=SC2086
	lab_ctl "$name" $command | jq -r "$@" "$filter"
}

# lab_is WANTED NAME COMMAND FILTER: for lab_wait.
lab_is() {
	local wanted=$1

	shift
	[ "$(lab_query "$@")" = "$wanted" ]
}

# What the daemon knows, as counts and names; one place knows its JSON.
lab_sessions() {
	lab_query "$1" sessions '.sessions | length'
}

# lab_session DAEMON FIELD [USER]: of the only session, or of that user's.
lab_session() {
	lab_query "$1" sessions \
		'[.sessions[] | select($user == "" or .user == $user)][0][$field]' \
		--arg field "$2" --arg user "${3:-}"
}

# lab_certs DAEMON [USER]: how many in Personal stores.
lab_certs() {
	lab_query "$1" certs \
		'[.certs[] | select(.store == "MY" and
			($user == "" or .user == $user))] | length' \
		--arg user "${2:-}"
}

# lab_roots DAEMON [SESSION]: how many trust anchors are there.
lab_roots() {
	lab_query "$1" roots \
		'[.roots[] | select(.kind == "anchor" and .state == "present" and
			($session == "" or
			any(.holders[]; .session == $session)))] | length' \
		--arg session "${2:-}"
}

# lab_reader DAEMON FIELD: of the first reader with a card, else of the first.
lab_reader() {
	lab_query "$1" readers \
		'([.readers[] | select(.card != "empty")] + .readers)[0][$field]' \
		--arg field "$2"
}

# lab_has WANTED FUNCTION...: for lab_wait.
lab_has() {
	local wanted=$1

	shift
	[ "$("$@")" = "$wanted" ]
}

# lab_some FUNCTION...: the number is not 0.
lab_some() {
	[ "$("$@")" -gt 0 ]
}

# The directory of a session's view.
lab_view() {
	echo "$(lab_run_dir "$1")/session/$(lab_session "$1" logon "${2:-}")"
}

# lab_verifies VIEW CERTIFICATE: by OpenSSL, for a client (the default
# RootPurpose), trusting that view alone.
lab_verifies() {
	cat "$1"/intermediates/* >"$LAB/run/untrusted" 2>/dev/null || true
	openssl verify -purpose sslclient -no-CAfile -no-CAstore \
		-CApath "$1/certs" -untrusted "$LAB/run/untrusted" "$2" >/dev/null 2>&1
}

# --- scenes that several scripts begin with ------------------------------

# A machine with a virtual reader, a shadow server that never speaks rdpdr, and
# a daemon "main" at 3901 that plays the server's half.  Cards' roots leave with
# the card.  Arguments: further keys of the target.
lab_scene_own() {
	lab_pcscd one 5001
	lab_display 1
	lab_shadow 4001 1
	lab_config main 3901 shadow
	lab_target main shadow 4001 verify=none rdpdr=own identity=claimed \
		policy=removal "$@"
	lab_policy main removal RootCertificateCleanupOption=1
}

# xrdp, and a daemon "main" at 3901 that stands in its channel.
lab_scene_relay() {
	lab_pcscd one 5001
	lab_xrdp 4001
	lab_config main 3901 xrdp
	lab_target main xrdp 4001 verify=none rdpdr=relay identity=claimed \
		policy=removal "$@"
	lab_policy main removal RootCertificateCleanupOption=1
}

# lab_scene_desk [KEY=VALUE...]: a desk, and a daemon "main" at 3901 that believes
# what it says of log-ons.
lab_scene_desk() {
	lab_pcscd one 5001
	lab_desk desk 4001
	lab_config main 3901 desk
	lab_target main desk 4001 ca_file="$LAB_PKI/one/root.pem" rdpdr=own \
		identity=session-info "$@"
}

# lab_leave_desk NAME: that client, the only one of the scene, logs off.
lab_leave_desk() {
	lab_logoff desk "$1"
	lab_wait "no session" lab_has 0 lab_sessions main
}

# lab_pam: PAM's configuration is ours, and knows the proxy's question.
lab_pam() {
	cp -r /etc/pam.d "$LAB/etc/pam.d"
	printf '%s required pam_unix.so\n' auth account \
		>"$LAB/etc/pam.d/cardproxy"
	mount --bind "$LAB/etc/pam.d" /etc/pam.d
}

# xrdp as lab_scene_relay has it, and nothing is believed: the server's
# certificate is checked, and so is the password of who logs on.
lab_scene_proven() {
	lab_pam
	lab_pcscd one 5001
	lab_xrdp 4001
	lab_config main 3901 xrdp
	lab_target main xrdp 4001 ca_file="$LAB_PKI/one/root.pem" rdpdr=relay \
		identity=pam policy=removal "$@"
	lab_policy main removal RootCertificateCleanupOption=1
}

# lab_as USER COMMAND...: on this host, with nothing of ours but PATH and HOME.
lab_as() {
	local user=$1

	shift
	(cd / && exec env -i PATH="$PATH" LC_ALL=C.UTF-8 HOME="$LAB/home/$user" \
		timeout 30 setpriv --reuid="$user" --regid="$user" \
		--clear-groups "$@")
}

# lab_as_in DAEMON SESSION-USER USER COMMAND...: the same with the variables of a
# session, which may be somebody else's.
lab_as_in() {
	local daemon=$1 session=$2 user=$3 settings

	shift 3
	settings=$("$LAB_BUILD/proxy/cardproxyctl" --socket \
		"$(lab_run_dir "$daemon")/control.sock" env --user "$session") ||
		return
	# shellcheck disable=SC2016
	lab_as "$user" bash -c 'eval "$0"; exec "$@"' "$settings" "$@"
}

# Cards of pki.sh: what a GIDS card gives (its computer certificate is none of
# the user's), and what a PIV card gives (9E is a device's).
LAB_GIDS_CERTS=4
LAB_PIV_CERTS=5
