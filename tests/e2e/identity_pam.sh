#!/bin/bash
# A password that PAM finds right makes the user, one that is wrong makes nobody;
# and afterwards neither is anywhere: in no log, in no file of the daemon's, and in
# the memory of none of its processes.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"

# Each is a word that nothing else has; alice's is the right one.
right=rigth-$RANDOM$RANDOM$RANDOM
wrong=worng-$RANDOM$RANDOM$RANDOM
hash=$(openssl passwd -6 -salt lab "$right")
sed "s|^alice:[^:]*:|alice:$hash:|" "$LAB/etc/shadow" >"$LAB/etc/shadow.new"
cat "$LAB/etc/shadow.new" >"$LAB/etc/shadow"
lab_pam

lab_pcscd one 5001
lab_xrdp 4001
lab_config main 3901 xrdp
lab_target main xrdp 4001 "ca_file=$LAB_PKI/one/root.pem" rdpdr=relay \
	identity=pam
lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids"

# in_memory WORD: processes of the daemon that have it in memory they can write
# to, and their roles; as ASCII and as UTF-16, which is what RDP sends.
in_memory() {
	local pid

	for pid in $(pgrep -x cardproxyd); do
		perl -e '
			my ($pid, $word) = @ARGV;
			my $wide = join "", map { "$_\0" } split //, $word;
			open my $maps, "<", "/proc/$pid/maps" or exit;
			open my $mem, "<:raw", "/proc/$pid/mem" or exit;
			while (<$maps>) {
				/^(\w+)-(\w+) rw/ or next;
				my ($at, $end) = (hex $1, hex $2);
				# the shadow of a sanitizer
				next if $end - $at > 1 << 28;
				my $last = "";
				while ($at < $end) {
					my $len = $end - $at;
					$len = 1 << 20 if $len > 1 << 20;
					sysseek $mem, $at, 0 or last;
					my $got = sysread $mem, my $part, $len;
					last unless $got;
					my $all = $last . $part;
					if (index($all, $word) >= 0 ||
					    index($all, $wide) >= 0) {
						print "$pid ";
						exit;
					}
					$last = substr $part, -256;
					$at += $got;
				}
			}' "$pid" "$1"
	done
}

nowhere() {
	lab_expect "a password in memory ($2)" "" "$(in_memory "$1")"
	! grep -qs -- "$1" "$LAB"/log/daemon-main ||
		lab_fail "a password is in the log ($2)"
	! grep -rqs -- "$1" "$(lab_home main)" "$(lab_run_dir main)" ||
		lab_fail "a password is in a file of the daemon's ($2)"
}
# We do find what is there, and only that.
[ -n "$(in_memory believing-nobody-xrdp)" ] &&
	lab_fail "what is nowhere was found"
[ -n "$(in_memory cardproxy)" ] || lab_fail "what is there was not found"

lab_say "a wrong password"
lab_client wrong 3901 one alice "/p:$wrong"
lab_wait "the answer" grep -q 'password-check.*result=denied' \
	"$LAB/log/daemon-main"
lab_wait "the session has it" grep -q 'source=pam reason=denied' \
	"$LAB/log/daemon-main"
lab_expect "the state" prelogon "$(lab_session main state)"
lab_expect "certificates" 0 "$(lab_certs main alice)"
nowhere "$wrong" "wrong, session lives"
lab_stop client-wrong
lab_wait "the session's end" lab_has 0 lab_sessions main

lab_say "the right one"
lab_client right 3901 one alice "/p:$right"
lab_wait "the certificates" lab_has $LAB_GIDS_CERTS lab_certs main alice
lab_expect "the source" pam "$(lab_session main source)"
# What is registered once names this: it leads to the log-on of the moment.
link=$(lab_run_dir main)/user/$(id -u alice)
lab_wait "alice's link" test "$link" -ef "$(lab_view main)"
nowhere "$right" "right, session lives"
lab_stop client-right
lab_wait "the session's end" lab_has 0 lab_sessions main
nowhere "$right" "right, session over"
lab_wait "no link without a log-on" test ! -L "$link"
lab_stop daemon-main
lab_expect "cores" "" "$(find "$LAB" /tmp -xdev -name 'core*' -newer "$LAB/etc/shadow.new" -type f 2>/dev/null || true)"
