#!/bin/bash
# xrdp never says who has logged on: the password the client states makes the
# user, and only the account that it fits.  Whoever states another's name gets
# nothing, neither with a wrong password nor where only the server is believed.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"

cp -r /etc/pam.d "$LAB/etc/pam.d"
printf '%s required pam_unix.so\n' auth account >"$LAB/etc/pam.d/cardproxy"
mount --bind "$LAB/etc/pam.d" /etc/pam.d

says() {
	grep -q -- "$1" "$LAB/log/daemon-main"
}

lab_pcscd one 5001
lab_xrdp 4001
lab_config main 3901 xrdp
lab_target main xrdp 4001 "ca_file=$LAB_PKI/one/root.pem" rdpdr=relay \
	identity=pam policy=removal
lab_listen main 3902 believing-server
lab_target main believing-server 4001 "ca_file=$LAB_PKI/one/root.pem" \
	rdpdr=relay identity=session-info
lab_policy main removal RootCertificateCleanupOption=1
lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids"

lab_say "a wrong password, and another's name"
lab_client mallory 3901 one bob /p:guessed
lab_wait "the answer" says 'identity source=pam reason=denied'
lab_expect "the state" prelogon "$(lab_session main state)"
lab_expect "certificates of bob" 0 "$(lab_certs main bob)"
lab_stop client-mallory
lab_wait "the session's end" lab_has 0 lab_sessions main

lab_say "a password that fits, and a domain that is nobody's"
lab_client alice 3901 one alice /d:contoso
lab_wait "the card's root" lab_has 1 lab_roots main
lab_expect "the user" alice "$(lab_session main user)"
lab_expect "the source" pam "$(lab_session main source)"
lab_some lab_certs main alice || lab_fail "nothing was stored"
lab_stop client-alice
lab_wait "the session's end" lab_has 0 lab_sessions main
lab_wait "the root is gone" lab_has 0 lab_roots main
says 'end=log-off because="it counts as the log-on' ||
	lab_fail "nobody could tell of a log-off: it should count as one"

lab_say "the server's word alone, which xrdp never gives"
lab_client bob 3902 one bob
lab_wait "the server sees the card" \
	lab_chansrv_says bob "Detected remote smartcard"
lab_expect "the state" prelogon "$(lab_session main state)"
pkill -u bob -x sleep
lab_wait "the end of the desktop" says 'ultimatum from=server'
lab_wait "the session's end" lab_has 0 lab_sessions main

lab_expect "certificates of bob" 0 "$(lab_certs main bob)"
lab_expect "certificates of another domain" 0 "$(lab_certs main alice@contoso)"
! grep -rqs -e guessed -e 'p=secret' "$LAB/log/daemon-main" ||
	lab_fail "a password is in the log"
