#!/bin/bash
# Where passwords are checked by PAM, one process stays root, with the privileges
# of the service file's drop-in: it keeps few of them and no network, ends with
# the gate, and when it dies the daemon goes on and says what to do.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_pcscd one 5001
lab_display 1
lab_shadow 4001 1
lab_config main 3901 shadow
lab_target main shadow 4001 verify=none rdpdr=own identity=pam

# The capabilities that the drop-in leaves.
bound=-all
for capability in $(sed -n 's/^CapabilityBoundingSet=//p' \
	"$LAB_SOURCE/proxy/cardproxyd-pam.conf"); do
	capability=${capability#CAP_}
	bound+=,+${capability,,}
done
lab_start daemon-main setpriv --bounding-set "$bound" --inh-caps=-all \
	"$LAB_BUILD/proxy/cardproxyd" --config "$(lab_home main)/conf"
lab_wait "the daemon answers or ends" lab_daemon_settled main
lab_alive daemon-main || lab_fail "the daemon does not start"

# field PID NAME: of its status
field() {
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

# of_root: the daemon's processes that are root
of_root() {
	pgrep -x -u root cardproxyd || true
}
lab_wait "one process is root" lab_has 1 eval 'of_root | wc -l'
voucher=$(of_root)
[ "$voucher" != "${LAB_PID[daemon-main]}" ] || lab_fail "the gate is root"
lab_expect "its parent" "${LAB_PID[daemon-main]}" "$(field "$voucher" PPid)"

# KILL 5, SETGID 6, SETUID 7, DAC_READ_SEARCH 2, AUDIT_WRITE 29
lab_expect "capabilities" 00000000200000e4 "$(field "$voucher" CapEff)"
lab_expect "bounding set" 00000000200000e4 "$(field "$voucher" CapBnd)"
lab_expect "no new privileges" 1 "$(field "$voucher" NoNewPrivs)"
lab_expect "seccomp" 2 "$(field "$voucher" Seccomp)"
lab_expect "core size" 0 \
	"$(awk '/^Max core/ { print $5 }' "/proc/$voucher/limits")"
lab_expect "network sockets" "" \
	"$(ss -Hanptu | grep -F "pid=$voucher," || true)"
for fd in "/proc/$voucher/fd"/*; do
	case $(readlink "$fd") in
	socket:* | pipe:* | anon_inode:* | /dev/null | "$LAB"/log/*) ;;
	*) lab_fail "the voucher has $(readlink "$fd")" ;;
	esac
done
for pid in $(pgrep -x -u labproxy cardproxyd); do
	lab_expect "capabilities of $pid" 0000000000000000 \
		"$(field "$pid" CapEff)"
done

lab_say "a session gets no answer and goes on"
lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_client alice 3901 one alice
lab_wait "a session" lab_has 1 lab_sessions main
kill -KILL "$voucher"
lab_wait "the log says it" grep -q voucher-ended "$LAB/log/daemon-main"
grep -q "restart the daemon" "$LAB/log/daemon-main" ||
	lab_fail "the log does not say what to do"
lab_expect "sessions" 1 "$(lab_sessions main)"
lab_expect "certificates" 0 "$(lab_certs main alice)"
lab_stop client-alice
lab_stop daemon-main

lab_say "it ends with the gate, whatever ends the gate"
lab_daemon main
lab_wait "a voucher" lab_has 1 eval 'of_root | wc -l'
voucher=$(of_root)
lab_stop daemon-main KILL
gone() {
	[ ! -e "/proc/$voucher/status" ] ||
		[ "$(field "$voucher" State)" = "Z (zombie)" ]
}
lab_wait "the voucher's end" gone

lab_say "a daemon that is not root says that it cannot"
chmod a+rx "$LAB/home" 2>/dev/null || true
setpriv --reuid=labproxy --regid=labproxy --clear-groups \
	"$LAB_BUILD/proxy/cardproxyd" --config "$(lab_home main)/conf" \
	--check >"$LAB/log/check" 2>&1 || true
grep -q "identity = pam works only" "$LAB/log/check" ||
	lab_fail "--check says nothing of pam"
