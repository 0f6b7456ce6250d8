#!/bin/bash
# The host's own session manager names the log-on and tells of its end: elogind,
# xrdp's desktops through its PAM module.  A lost connection leaves the log-on
# and its root; another client resumes it; and the log-on's end on the host is
# the end of both, at once.
#
# elogind is not installed: its packages are fetched once, into the build, and
# unpacked in the lab.
. "$(dirname "$0")/../lab/lab.sh"
packages=$LAB_BUILD/tests/elogind

fetch() {
	mkdir -p "$packages"
	(cd "$packages" && apt-get -q download elogind libpam-elogind) ||
		rm -rf "$packages"
}

# elogind keeps account of processes in a hierarchy of control groups that has
# its name; ours is a branch of that, and nobody clears it up but we.
clear_groups() {
	local at

	at=$(mktemp -d)
	# shellcheck disable=SC2016
	unshare --mount bash -c '
		mount -t cgroup -o none,name=elogind lab "$1" &&
			find "$1" -mindepth 1 -depth -type d \
				-path "*/cardproxy-lab.*" -exec rmdir {} +' \
		clear "$at" 2>/dev/null || true
	rmdir "$at"
}

if [ -z "${LAB_INSIDE:-}" ]; then
	compgen -G "$packages/*.deb" >/dev/null || fetch >/dev/null 2>&1
	compgen -G "$packages/*.deb" >/dev/null || {
		echo "skipped: no package source has elogind"
		exit 77
	}
	status=0
	(lab_enter "$@") || status=$?
	clear_groups
	exit "$status"
fi
lab_enter "$@"

elogind=$LAB/elogind
for package in "$packages"/*.deb; do
	dpkg-deb -x "$package" "$elogind"
done
daemon=$(find "$elogind" -path '*/lib/elogind/elogind' -o -name elogind \
	-path '*/libexec/*' | head -n 1)
module=$(find "$elogind" -name pam_elogind.so)
# Debian 13 has the daemon elsewhere than its library.
libraries=$(dirname "$(find "$elogind" -name 'libelogind-shared-*' | head -n 1)")

loginctl() {
	LD_LIBRARY_PATH=$libraries "$(find "$elogind" -path '*/bin/loginctl')" \
		--no-pager "$@"
}

# The branch is seen as if it were all.
mkdir "$LAB/groups"
mount -t cgroup -o none,name=elogind lab "$LAB/groups"
branch=$LAB/groups/$(basename "$LAB")
mkdir "$branch"
echo $$ >"$branch/cgroup.procs"
mount -t tmpfs -o mode=755 lab /sys/fs/cgroup
mkdir /sys/fs/cgroup/elogind
mount --bind "$branch" /sys/fs/cgroup/elogind
mount -o remount,ro /sys/fs/cgroup # or it would add the machine's own

cat >"$LAB/etc/bus.conf" <<END
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
END
mkdir /run/dbus
: >/run/utmp
lab_start bus dbus-daemon --config-file="$LAB/etc/bus.conf" --nofork --nopidfile
lab_wait "the system's bus" test -S /run/dbus/system_bus_socket
lab_start elogind unshare --cgroup env LD_LIBRARY_PATH="$libraries" \
	SYSTEMD_LOG_TARGET=console "$daemon"
lab_wait "elogind" loginctl list-sessions

lab_pam
printf '%s required pam_unix.so\n' auth account session >/etc/pam.d/xrdp-sesman
echo "session required $module" >>/etc/pam.d/xrdp-sesman

lab_pcscd one 5001
lab_pcscd two 5003
lab_xrdp 4001
lab_config main 3901 xrdp
lab_target main xrdp 4001 "ca_file=$LAB_PKI/one/root.pem" rdpdr=relay \
	"identity=pam | host" policy=log-off
lab_policy main log-off RootCertificateCleanupOption=2
lab_listen main 3902 host
lab_target main host 4001 "ca_file=$LAB_PKI/one/root.pem" rdpdr=relay \
	identity=host policy=log-off
lab_listen main 3903 alone
lab_target main alone 4001 "ca_file=$LAB_PKI/one/root.pem" rdpdr=relay \
	identity=host-alone policy=log-off
lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_card two 5003 gids "$LAB_CARDS/two-gids"

# The host's log-ons; beside their files lie pipes.  One that is closing is over.
log_ons() {
	find /run/systemd/sessions -maxdepth 1 -type f \
		! -exec grep -q '^STATE=closing' {} \; -printf '%f\n'
}

count_log_ons() {
	log_ons | wc -l
}

views() {
	find "$(lab_run_dir main)/session" -mindepth 1 -maxdepth 1 -type d
}

alice() {
	lab_session main "$1" alice
}

# The host ends a log-on; elogind of Debian 13 leaves its processes running.
end_on_host() {
	loginctl terminate-session "$1"
	pkill -KILL -U alice,bob || true
}

# While the client of that name is there, its session is a live one.
resumed_as() {
	[ "$(alice state)" != detached ] && [ "$(alice logon)" = "$1" ]
}

lab_say "a desktop begins"
lab_client first 3901 one alice
lab_wait "the certificates" lab_has $LAB_GIDS_CERTS lab_certs main alice
lab_wait "the host's log-on" lab_has 1 count_log_ons
name=$(log_ons)
lab_wait "it is named by the host" lab_has "logind:$name" alice host_session
lab_expect "the source" pam "$(alice source)"
lab_wait "the root" lab_has 1 lab_roots main
logon=$(alice logon)
view=$(views)

lab_say "its connection is lost"
lab_stop client-first KILL
lab_wait "the log-on is detached" lab_has detached alice state
lab_expect "roots" 1 "$(lab_roots main)"
lab_expect "the view" "$view" "$(views)"
lab_expect "the host's log-on" "$name" "$(log_ons)"

lab_say "another client resumes it"
lab_client second 3901 two alice
lab_wait "the same log-on" resumed_as "$logon"
lab_wait "which the host still names" \
	lab_has "logind:$name" alice host_session
lab_expect "the view" "$view" "$(views)"
lab_expect "the host's log-on" "$name" "$(log_ons)"
lab_wait "the other card's certificates" \
	lab_has $((2 * LAB_GIDS_CERTS)) lab_certs main alice
lab_wait "both cards' roots" lab_has 2 lab_roots main

lab_say "and loses it as well"
lab_stop client-second KILL
lab_wait "the log-on is detached" lab_has detached alice state
lab_expect "the view" "$view" "$(views)"

lab_say "the host ends it while nobody is connected"
end_on_host "$name"
lab_wait "the log-on's end" lab_has 0 lab_sessions main
lab_wait "no root" lab_has 0 lab_roots main
lab_wait "no view" test ! -e "$view"
lab_expect "the user's certificates" $((2 * LAB_GIDS_CERTS)) \
	"$(lab_certs main alice)"
lab_wait "no desktop" lab_has 0 count_log_ons

lab_say "the user ends it while the client is there"
lab_client third 3901 one alice
lab_wait "the host's log-on" lab_has 1 count_log_ons
name=$(log_ons)
lab_wait "it is named by the host" lab_has "logind:$name" alice host_session
lab_wait "the root" lab_has 1 lab_roots main
view=$(views)
kill "$(pgrep -U alice -f 'sleep infinity' | head -n 1)"
lab_wait "no root" lab_has 0 lab_roots main
lab_wait "no view" test ! -e "$view"
lab_stop client-third
lab_wait "the session's end" lab_has 0 lab_sessions main
lab_wait "no desktop" lab_has 0 count_log_ons

# Who has the control socket is the keeper.
keeper() {
	ss -Hxlp src "$(lab_run_dir main)/control.sock" |
		sed -n 's/.*pid=\([0-9]*\).*/\1/p' | head -n 1
}

lab_say "the host ends it while no keeper hears of it"
lab_client fourth 3901 one alice
lab_wait "the host's log-on" lab_has 1 count_log_ons
name=$(log_ons)
lab_wait "it is named by the host" lab_has "logind:$name" alice host_session
lab_wait "the root" lab_has 1 lab_roots main
lab_stop client-fourth KILL
lab_wait "the log-on is detached" lab_has detached alice state
deaf=$(keeper)
kill -STOP "$deaf"
end_on_host "$name"
lab_wait "no desktop" lab_has 0 count_log_ons
kill -KILL "$deaf"
lab_wait "the log-on's end" lab_has 0 lab_sessions main
lab_expect "roots" 0 "$(lab_roots main)"

# Alice's machine states bob's name and fails to log on; then he comes.
stranger() {
	lab_client "stranger-$1" "$1" one bob /p:wrong
	lab_wait "the stranger's session" lab_has 1 lab_sessions main
	lab_client "bob-$1" 4001 two bob
	lab_wait "bob's desktop" lab_has 1 count_log_ons
}

lab_say "who states another's name and waits is not him"
stranger 3902
lab_wait "the host tells of it" grep -q \
	'user=bob.* source=host .*kept until another source' \
	"$LAB/log/daemon-main"
lab_expect "the state" prelogon "$(lab_session main state)"
lab_expect "bob's certificates" 0 "$(lab_certs main bob)"
lab_stop client-stranger-3902
lab_stop client-bob-3902
end_on_host "$(log_ons)"
lab_wait "no desktop" lab_has 0 count_log_ons
lab_wait "the session's end" lab_has 0 lab_sessions main

lab_say "but where the target says that this is enough"
stranger 3903
lab_wait "he is" lab_has bob lab_session main user
