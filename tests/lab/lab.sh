# The lab: real peers on one machine, in a world of their own.  Sourced by the
# demonstration and by the end-to-end tests:
#
#   . "$(dirname "$0")/../lab/lab.sh"
#   lab_enter "$@"
#
# lab_enter runs the script again in private mount, network, process and IPC
# namespaces.  The script is process 1 there: when it ends, for whatever
# reason, all that it started ends with it, also what changed its user.  /tmp,
# /run, the users, the configuration of xrdp and of pcscd are private, so the
# machine does not change.  All files are below $LAB, which is removed at the
# end (unless LAB_KEEP is set).
#
#   LAB_BUILD   the build directory with proxy/ and tests/card/ (default:
#               build/asan of the source tree)
#   LAB_PKI     a directory pki.sh has filled; made when it is not given
#   LAB_PARENT  where $LAB is made (default: /tmp)
#
# Every wait has an end.  A failure prints what was expected and the last lines
# of each log.
set -euo pipefail
umask 022

LAB_SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LAB_TESTS=$LAB_SOURCE/tests
LAB_BUILD=${LAB_BUILD:-$LAB_SOURCE/build/asan}
LAB_HOST=127.0.0.1
# Under a sanitizer on a busy machine things take their time.
LAB_PATIENCE=${LAB_PATIENCE:-30}

# --- the world -----------------------------------------------------------

# Run this script again inside; does not return outside.
lab_enter() {
	local status=0

	if [ -n "${LAB_INSIDE:-}" ]; then
		lab_settle
		return
	fi
	[ "$(id -u)" = 0 ] || {
		echo "${0##*/}: run me as root" >&2
		exit 1
	}
	LAB=$(mktemp -d "${LAB_PARENT:-/tmp}/cardproxy-lab.XXXXXX")
	chmod 755 "$LAB"
	trap 'rm -rf "$LAB"' EXIT
	trap 'exit 1' INT TERM HUP
	env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		LC_ALL=C.UTF-8 HOME="$LAB/home/root" LAB_INSIDE=1 LAB="$LAB" \
		LAB_BUILD="$LAB_BUILD" LAB_PATIENCE="$LAB_PATIENCE" \
		LAB_PKI="${LAB_PKI:-}" LAB_KEEP="${LAB_KEEP:-}" \
		LAB_SWEEP_STRIDE="${LAB_SWEEP_STRIDE:-}" \
		LAB_SWEEP_FIRST="${LAB_SWEEP_FIRST:-}" \
		LAB_SWEEP_KILLS="${LAB_SWEEP_KILLS:-}" \
		LAB_SWEEP_SEED="${LAB_SWEEP_SEED:-}" \
		unshare --mount --net --pid --ipc --uts --fork --mount-proc \
		--kill-child=KILL bash "$0" "$@" </dev/null &
	LAB_CHILD=$!
	trap 'kill -KILL $LAB_CHILD 2>/dev/null || true; exit 1' INT TERM HUP
	wait "$LAB_CHILD" || status=$?
	if [ -n "${LAB_KEEP:-}" ]; then
		echo "kept: $LAB"
		trap - EXIT
	fi
	exit "$status"
}

# A private /tmp that still shows the directories below the real one: the
# sources, the build and $LAB may be there.
lab_private_tmp() {
	local new=$LAB/tmp entry

	mkdir "$new"
	mount -t tmpfs -o mode=1777 lab "$new"
	for entry in /tmp/*/; do
		[ -d "$entry" ] && [ ! -L "${entry%/}" ] || continue
		mkdir "$new/${entry#/tmp/}"
		# It may have gone meanwhile: then it is none of ours.
		mount --bind "$entry" "$new/${entry#/tmp/}" 2>/dev/null ||
			[ ! -d "$entry" ]
	done
	mount --move "$new" /tmp
	mkdir -m 1777 /tmp/.X11-unix /tmp/.ICE-unix
}

# lab_user NAME UID: a user with the password "secret" whose desktop is an
# xterm.
lab_user() {
	local home=$LAB/home/$1

	echo "$1:x:$2:$2::$home:/bin/bash" >>"$LAB/etc/passwd"
	echo "$1:x:$2:" >>"$LAB/etc/group"
	echo "$1:$LAB_SECRET:19000:0:99999:7:::" >>"$LAB/etc/shadow"
	mkdir -p "$home"
	printf '#!/bin/sh\nxterm &\nexec sleep infinity\n' >"$home/startwm.sh"
	chmod 755 "$home/startwm.sh"
	chown -R "$2:$2" "$home"
	chmod 700 "$home"
}

lab_settle() {
	local file

	ip link set lo up
	hostname lab
	mkdir -p "$LAB"/{home/root,etc,log,varlog,run}
	lab_private_tmp
	mount -t tmpfs -o mode=755 lab /run
	mkdir -p /run/{lock,pcscd,user}
	mount --bind "$LAB/varlog" /var/log
	for file in passwd group shadow; do
		cp -p /etc/$file "$LAB/etc/$file"
		mount --bind "$LAB/etc/$file" /etc/$file
	done
	LAB_SECRET=$(openssl passwd -6 -salt lab secret)
	lab_user alice 61001
	lab_user bob 61002
	lab_user labproxy 61003
	trap lab_on_exit EXIT
	trap 'lab_fail "line $LINENO: $BASH_COMMAND"' ERR
	set -E
	trap 'exit 1' INT TERM HUP
	export TMPDIR=/tmp
	lab_openssl
	export ASAN_OPTIONS=abort_on_error=0:log_path=$LAB/log/sanitizer
	export UBSAN_OPTIONS=print_stacktrace=1:log_path=$LAB/log/sanitizer
	if [ -z "$LAB_PKI" ]; then
		LAB_PKI=$LAB/pki
		"$LAB_TESTS/lab/pki.sh" "$LAB_PKI"
	fi
	LAB_CARDS=$LAB_PKI/cards
	chmod 1777 "$LAB/log"
	: >"$LAB/log/verify"
	chmod 666 "$LAB/log/verify"
}

# FreeRDP takes MD4 and RC4 from the legacy provider, where there is one.
lab_openssl() {
	openssl list -providers -provider legacy >/dev/null 2>&1 || return 0
	cat >"$LAB/etc/openssl.cnf" <<-END
	openssl_conf = start
	[start]
	providers = providers
	[providers]
	default = active
	legacy = active
	[active]
	activate = 1
	END
	LAB_OPENSSL_CONF=$LAB/etc/openssl.cnf
}

# --- saying and waiting --------------------------------------------------

lab_say() {
	[ -n "${LAB_QUIET:-}" ] || echo "$*"
}

# Bounded: a log may be anything.
lab_show_logs() {
	local log

	for log in "$LAB"/log/*; do
		[ -s "$log" ] || continue
		echo "--- ${log##*/}"
		tail -n 40 "$log" | cut -c 1-400
	done
}

lab_fail() {
	trap - ERR
	[ "$BASHPID" = 1 ] || exit 1
	{
		echo "FAILED: $*"
		lab_show_logs
	} >&2
	exit 1
}

# A script passes only when no sanitizer spoke and no card was asked for a PIN.
lab_on_exit() {
	local status=$?

	trap - EXIT ERR
	if [ "$status" = 0 ] && ls "$LAB"/log/sanitizer.* >/dev/null 2>&1; then
		echo "FAILED: a sanitizer found something" >&2
		lab_show_logs >&2
		status=1
	fi
	if [ "$status" = 0 ] && [ -s "$LAB/log/verify" ]; then
		echo "FAILED: a card was asked to verify a PIN" >&2
		status=1
	fi
	[ "$status" != 0 ] || lab_audit_all || status=1
	exit "$status"
}

# lab_audit NAME [--stopped]: what the daemon leaves on disk agrees with what
# must always hold; says why not.
lab_audit() {
	local store

	store=$(lab_home "$1")/store/cardproxy.db
	AUDITOR_CONFIG=$(lab_home "$1")/conf \
		"$LAB_BUILD/tests/audit/auditor" ${2:+"$2"} "$store" \
		"$(lab_run_dir "$1")" >"$LAB/log/auditor" 2>&1 ||
		{
			cat "$LAB/log/auditor" >&2
			return 1
		}
}

# Every daemon that ran, as it is and after its end.  LAB_NO_AUDIT is for a
# scenario whose store or directories are not the daemon's on purpose.
lab_audit_all() {
	local daemon status=0

	[ -z "${LAB_NO_AUDIT:-}" ] || return 0
	for daemon in "$LAB"/daemon-*/; do
		[ -d "$daemon" ] || continue
		daemon=$(basename "$daemon")
		daemon=${daemon#daemon-}
		if lab_alive "daemon-$daemon"; then
			lab_audit "$daemon" || status=1
			lab_stop "daemon-$daemon"
		fi
		lab_audit "$daemon" --stopped || status=1
	done
	[ "$status" = 0 ] || echo "FAILED: the auditor found something" >&2
	return "$status"
}

# lab_wait [-s SECONDS] WHAT COMMAND...: until COMMAND succeeds.
lab_wait() {
	local seconds=$LAB_PATIENCE what end

	if [ "$1" = -s ]; then
		seconds=$2
		shift 2
	fi
	what=$1
	shift
	end=$((SECONDS + seconds))
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] ||
			lab_fail "not within $seconds s: $what"
		sleep 0.1
	done
}

# lab_expect WHAT WANTED GOT
lab_expect() {
	[ "$2" = "$3" ] || lab_fail "$1: expected '$2', got '$3'"
}

# lab_proved NUMBER...: tests that this script promises, in lines that begin with
# "# proves: ", and that tests/run counts beside the script.
lab_proved() {
	printf '%s ok\n' "$@"
}

# lab_never SECONDS WHAT COMMAND...: COMMAND keeps failing for that long.
lab_never() {
	local end=$((SECONDS + $1)) what=$2

	shift 2
	while [ "$SECONDS" -lt "$end" ]; do
		! "$@" >/dev/null 2>&1 || lab_fail "this must not be: $what"
		sleep 0.2
	done
}

# --- processes -----------------------------------------------------------

# lab_start NAME COMMAND...: in the background; log/NAME has what it says.
declare -A LAB_PID=()
lab_start() {
	local name=$1

	shift
	"$@" >>"$LAB/log/$name" 2>&1 &
	LAB_PID[$name]=$!
}

lab_alive() {
	[ -n "${LAB_PID[$1]:-}" ] && kill -0 "${LAB_PID[$1]}" 2>/dev/null
}

lab_dead() {
	! lab_alive "$1"
}

# lab_stop NAME [SIGNAL]: and wait until it is gone, or make it go.
lab_stop() {
	local pid=${LAB_PID[$1]:-} end=$((SECONDS + LAB_PATIENCE))

	[ -n "$pid" ] || return 0
	kill "-${2:-TERM}" "$pid" 2>/dev/null || true
	while kill -0 "$pid" 2>/dev/null; do
		if [ "$SECONDS" -ge "$end" ]; then
			kill -KILL "$pid" 2>/dev/null || true
		fi
		sleep 0.05
	done
	wait "$pid" 2>/dev/null || true
	unset "LAB_PID[$1]"
}

lab_listens() {
	[ -n "$(ss -Hltn "sport = :$1")" ]
}

# --- the card stack of a client ------------------------------------------

# lab_pcscd NAME PORT [READER]: a pcscd of its own with one virtual reader of two
# slots, at PORT and PORT + 1, called "Virtual PCD READER" (NAME, if left out).
# Its programs get lab_socket NAME.
lab_pcscd() {
	local name=$1 port=$2 run=$LAB/pcscd-$1 conf=$LAB/readers-$1 library
	local reader=${3:-$1}

	library=$(ls /usr/lib/pcsc/drivers/serial/libifdvpcd.so* | head -n 1)
	mkdir -p "$run" "$conf"
	printf 'FRIENDLYNAME "Virtual PCD %s"\nDEVICENAME /dev/null:0x%x\nLIBPATH %s\nCHANNELID 0x%x\n' \
		"$reader" "$port" "$library" "$port" >"$conf/vpcd"
	lab_pcscd_start "$name"
	lab_wait "reader of pcscd $name" lab_listens "$port"
}

# lab_pcscd_bare NAME: the same of a machine without readers.
lab_pcscd_bare() {
	mkdir -p "$LAB/pcscd-$1" "$LAB/readers-$1"
	lab_pcscd_start "$1"
}

lab_pcscd_start() {
	local name=$1 run=$LAB/pcscd-$1 conf=$LAB/readers-$1
	local options=(--foreground)

	# From 2.0 on it asks polkit, also about root, and there is none here.
	! pcscd --help 2>&1 | grep -q -e --disable-polkit ||
		options+=(--disable-polkit)
	# shellcheck disable=SC2016
	lab_start "pcscd-$name" unshare --mount bash -c '
		mount --bind "$1" /run/pcscd
		mount --bind "$2" /etc/reader.conf.d
		shift 2
		exec pcscd "$@"' pcscd "$run" "$conf" "${options[@]}"
	lab_wait "pcscd $name" test -S "$run/pcscd.comm"
}

lab_socket() {
	echo "$LAB/pcscd-$1/pcscd.comm"
}

# lab_pcsc NAME COMMAND...: a PC/SC program of that machine.
lab_pcsc() {
	local name=$1

	shift
	PCSCLITE_CSOCK_NAME=$(lab_socket "$name") timeout 60 "$@"
}

# lab_card NAME PORT piv|gids DIRECTORY [OPTION...]: a card in that reader;
# --out to begin outside of it.
lab_card() {
	local name=$1 port=$2 profile=$3 dir=$4

	shift 4
	lab_start "card-$name" "$LAB_BUILD/tests/card/vcard" \
		"--$profile" "$dir" --port "$port" --log "$LAB/log/verify" \
		--control "$LAB/run/card-$name" "$@"
	lab_wait "card $name" test -S "$LAB/run/card-$name"
}

# lab_tell NAME COMMAND...: see vcard.c
lab_tell() {
	local name=$1

	shift
	"$LAB_BUILD/tests/card/vcard" --tell "$LAB/run/card-$name" "$@"
}

# --- servers and clients -------------------------------------------------

# lab_display NUMBER: an X server without a screen.
lab_display() {
	lab_start "display-$1" Xvfb ":$1" -screen 0 1024x768x24 -nolisten tcp \
		-noreset
	# Its socket is there a moment before it takes connections; with a reset
	# after its last client it would refuse the next for a moment.
	lab_wait "display $1" xdpyinfo -display ":$1"
}

# FreeRDP's certificate is made by itself, on first use, in the home.
lab_shadow() {
	local port=$1 display=$2

	mkdir -p "$LAB/home/shadow-$port"
	lab_start "shadow-$port" env DISPLAY=":$display" \
		HOME="$LAB/home/shadow-$port" \
		${LAB_OPENSSL_CONF:+OPENSSL_CONF="$LAB_OPENSSL_CONF"} \
		stdbuf -oL freerdp-shadow-cli3 "/port:$port" \
		"/bind-address:$LAB_HOST" /sec:tls -auth
	lab_wait "shadow server at $port" lab_listens "$port"
}

# lab_desk NAME PORT: FreeRDP's server half, see logonserver.c.  It says who has
# logged on and how that ends when lab_order tells it to.
lab_desk() {
	local name=$1 port=$2 program=$LAB_BUILD/tests/logon/logonserver

	[ -x "$program" ] || lab_fail "no logonserver: freerdp3-dev was missing"
	mkfifo "$LAB/run/desk-$name"
	# Its own end for writing keeps it from an end of file.
	# shellcheck disable=SC2016
	lab_start "desk-$name" bash -c 'exec "$@" <>"$0"' \
		"$LAB/run/desk-$name" "$program" "$port" \
		"$LAB_PKI/server.pem" "$LAB_PKI/server-key.pem"
	lab_wait "desk $name" lab_listens "$port"
}

# lab_order NAME ORDER...: followed by all that are connected.
lab_order() {
	local name=$1

	shift
	echo "$*" >"$LAB/run/desk-$name"
}

# lab_connections NAME: how many that desk has had.
lab_connections() {
	grep -c active "$LAB/log/desk-$1" || true
}

# lab_logon DESK PORT PCSCD NAME ID: the client of that name connects at PORT, and
# the desk says who has logged on as ID: the beginning of NAME, up to a "-", in
# the domain "lab".
lab_logon() {
	local desk=$1 port=$2 pcscd=$3 name=$4 id=$5 user=${4%%-*} had

	had=$(lab_connections "$desk")
	lab_client "$name" "$port" "$pcscd" "$user"
	lab_wait "activation" lab_has $((had + 1)) lab_connections "$desk"
	lab_order "$desk" v2 "$id" "$user" LAB
	lab_wait "the log-on of $user" lab_is 1 main sessions "[.sessions[] |
		select(.host_session == \"rdp:$id\")] | length"
}

# lab_logoff DESK NAME: that client's desk says that its log-on is over.
lab_logoff() {
	lab_order "$1" leave
	lab_wait "the end at desk $1" lab_has 0 lab_connected "$1"
	# After the server's end this client may wait for its card for long.
	lab_stop "client-$2" KILL 2>/dev/null
}

# lab_connected NAME: how many that desk has now.
lab_connected() {
	echo $(($(grep -c active "$LAB/log/desk-$1" || true) - \
		$(grep -c gone "$LAB/log/desk-$1" || true)))
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

# lab_xrdp PORT: sesman and xrdp with Xvnc; users alice and bob, password
# "secret".  Its configuration is a changed copy of the package's own.
lab_xrdp() {
	local port=$1 conf=$LAB/xrdp

	cp -r /etc/xrdp "$conf"
	rm -f "$conf/cert.pem" "$conf/key.pem"
	cp "$LAB_PKI/server.pem" "$conf/cert.pem"
	cp "$LAB_PKI/server-key.pem" "$conf/key.pem"
	chmod 755 "$conf"
	chmod 644 "$conf/key.pem"
	[ -s "$conf/rsakeys.ini" ] ||
		xrdp-keygen xrdp "$conf/rsakeys.ini" >/dev/null
	sed -i -e "s|^port=3389|port=tcp://$LAB_HOST:$port|" \
		-e "s|^certificate=.*|certificate=$conf/cert.pem|" \
		-e "s|^key_file=.*|key_file=$conf/key.pem|" \
		-e 's|^#*autorun=.*|autorun=Xvnc|' \
		-e "s|^LogFile=.*|LogFile=$LAB/log/xrdp|" \
		-e 's|^EnableSyslog=.*|EnableSyslog=false|' \
		-e '/^\[Xorg\]/,/^$/d' "$conf/xrdp.ini"
	sed -i -e "s|^LogFile=.*|LogFile=$LAB/log/xrdp-sesman|" \
		-e 's|^EnableSyslog=.*|EnableSyslog=false|' \
		-e 's|^KillDisconnected=.*|KillDisconnected=true|' \
		-e '/^\[Chansrv\]/a EnableFuseMount=false' "$conf/sesman.ini"
	mount --bind "$conf" /etc/xrdp
	# chansrv cannot make its sockets elsewhere, and says nothing about it.
	mkdir -p /run/xrdp/sockdir
	chown xrdp:xrdp /run/xrdp
	chmod 3777 /run/xrdp/sockdir
	lab_start xrdp-sesman-out xrdp-sesman -n
	lab_start xrdp-out xrdp -n
	lab_wait "xrdp at $port" lab_listens "$port"
}

# The log of a user's chansrv, which is the server's half of rdpdr.
lab_chansrv_says() {
	grep -rqs -- "$2" "$LAB/home/$1/.local/share/xrdp/"
}

# lab_server_card USER COMMAND...: see servercard.c; it runs as a program of that
# user's session.
lab_server_card() {
	local user=$1 home=$LAB/home/$1 program=$LAB/run/servercard socket

	shift
	# Where the build is, a user may not look.
	[ -e "$program" ] ||
		install -m 755 "$LAB_BUILD/tests/chansrv/servercard" "$program"
	socket=$(find "$home" -path '*/.pcsc*/pcscd.comm' | head -n 1)
	timeout 120 setpriv --reuid="$user" --regid="$user" --clear-groups \
		"$program" "$socket" "$@"
}

# lab_client NAME PORT PCSCD USER [OPTION...]: FreeRDP's client, with the smart
# cards of that pcscd; its display is :50.  No clipboard: that is a file system
# of the client's own, and a client that is killed in it does not go.
lab_client() {
	local name=$1 port=$2 pcscd=$3 user=$4

	shift 4
	[ -n "${LAB_PID[display-50]:-}" ] || lab_display 50
	mkdir -p "$LAB/home/client-$name"
	lab_start "client-$name" env DISPLAY=:50 \
		HOME="$LAB/home/client-$name" \
		PCSCLITE_CSOCK_NAME="$(lab_socket "$pcscd")" \
		${LAB_OPENSSL_CONF:+OPENSSL_CONF="$LAB_OPENSSL_CONF"} \
		stdbuf -oL xfreerdp3 "/v:$LAB_HOST:$port" /cert:ignore \
		/sec:tls "/u:$user" /p:secret /smartcard -clipboard \
		/size:800x600 "$@"
}

# lab_client_with COMMAND NAME PCSCD OPTION...: any other client; it says yes to
# the server's certificate when it asks.
lab_client_with() {
	local command=$1 name=$2 pcscd=$3

	shift 3
	[ -n "${LAB_PID[display-50]:-}" ] || lab_display 50
	mkdir -p "$LAB/home/client-$name"
	echo yes >"$LAB/home/client-$name/answer"
	# shellcheck disable=SC2016
	lab_start "client-$name" env DISPLAY=:50 \
		HOME="$LAB/home/client-$name" \
		PCSCLITE_CSOCK_NAME="$(lab_socket "$pcscd")" \
		${LAB_OPENSSL_CONF:+OPENSSL_CONF="$LAB_OPENSSL_CONF"} \
		bash -c 'exec "$@" <"$HOME/answer"' client \
		stdbuf -oL "$command" "$@"
}

# lab_rdesktop NAME PORT PCSCD USER, lab_freerdp2 NAME PORT PCSCD USER
lab_rdesktop() {
	lab_client_with rdesktop "$1" "$3" -u "$4" -p secret -r scard \
		-g 800x600 "$LAB_HOST:$2"
}

lab_freerdp2() {
	lab_client_with xfreerdp "$1" "$3" "/v:$LAB_HOST:$2" /cert:ignore \
		/sec:tls "/u:$4" /p:secret /smartcard -clipboard /size:800x600
}

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
