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
# lab_peers.sh and lab_daemon.sh have the peers and the daemon under test.
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

# --- the rest of it ------------------------------------------------------

. "$LAB_TESTS/lab/lab_peers.sh"
. "$LAB_TESTS/lab/lab_daemon.sh"
