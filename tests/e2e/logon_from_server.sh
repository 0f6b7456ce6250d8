#!/bin/bash
# The server says who has logged on, and whether the end is a log-off: nothing
# is stored before, not even for the name the client states; a log-off takes the
# roots away at once; a lost connection is told as what it is.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"

# The server of FreeRDP under our orders, where its headers were installed.
server=$LAB_BUILD/tests/logon/logonserver
[ -x "$server" ] || {
	echo "no logonserver was built: nothing to do"
	exit 0
}

order() {
	echo "$*" >&9
}
says() {
	grep -q -- "$1" "$LAB/log/daemon-main"
}
counts() {
	[ "$(grep -c -- "$1" "$LAB/log/$2")" = "$3" ]
}

lab_pcscd one 5001
mkfifo "$LAB/run/orders"
exec 9<>"$LAB/run/orders"
# shellcheck disable=SC2016
lab_start logonserver bash -c 'exec "$@" <"$0"' "$LAB/run/orders" \
	"$server" 4001 "$LAB_PKI/server.pem" "$LAB_PKI/server-key.pem"
lab_wait "the server" lab_listens 4001

lab_config main 3901 desk
lab_target main desk 4001 ca_file="$LAB_PKI/one/root.pem" rdpdr=own \
	identity=session-info policy=logoff
lab_policy main logoff RootCertificateCleanupOption=2
lab_listen main 3902 believing
lab_target main believing 4001 ca_file="$LAB_PKI/one/root.pem" \
	rdpdr=own "identity=claimed | session-info" \
	policy=logoff
lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids"

lab_say "nobody is known before the server speaks, whoever the client claims"
lab_client alice 3901 one bob
lab_wait "activation" counts active logonserver 1
lab_wait "the card" lab_has settling lab_reader main card
order plain
lab_wait "a notice without a name" says 'logon-info.*kind=plain'
order cookie 7
lab_wait "a cookie" says 'logon-info.*logon_id=7'
lab_never 2 "a certificate of nobody" lab_some lab_certs main
lab_expect "the state" prelogon "$(lab_session main state)"

lab_say "the server names the account"
order v2 7 Alice CONTOSO
lab_wait "the card's root" lab_has 1 lab_roots main
lab_expect "the user" alice@contoso "$(lab_session main user)"
lab_expect "the log-on" rdp:7 "$(lab_session main host_session)"
lab_some lab_certs main alice@contoso || lab_fail "nothing was stored"
lab_expect "certificates of the claimed name" 0 "$(lab_certs main bob)"
says 'identity user=alice@contoso source=session-info log_on=rdp:7' ||
	lab_fail "the log does not say who decided"

lab_say "a log-off by the user, while the connection goes on"
view=$(lab_view main)
order error 12
lab_wait "the root is gone" lab_has 0 lab_roots main
lab_wait "the view is gone" test ! -e "$view/anchors/"*
lab_wait "what the server says" says 'error-info code=12 name=logoff-by-user'
order leave
lab_wait "the session's end" lab_has 0 lab_sessions main
lab_wait "which is a log-off" says 'session-end.*end=log-off'
lab_wait "the client's end" lab_dead client-alice
lab_some lab_certs main alice@contoso || lab_fail "nothing was stored"

lab_say "a server that only says so in its ultimatum"
lab_client alice 3901 one bob
lab_wait "activation" counts active logonserver 2
order v2 8 alice CONTOSO
lab_wait "the card's root" lab_has 1 lab_roots main
order leave
lab_wait "the root is gone" lab_has 0 lab_roots main
lab_wait "a log-off" says 'end=log-off because="the server ended it'

lab_say "a connection that is lost"
lab_client alice 3901 one bob
lab_wait "activation" counts active logonserver 3
order v2 9 alice CONTOSO
lab_wait "the card's root" lab_has 1 lab_roots main
lab_stop client-alice KILL
lab_wait "no log-off" says 'end=disconnect because="the server said nothing'

lab_say "an administrator who disconnects"
lab_client alice 3901 one bob
lab_wait "activation" counts active logonserver 4
order v2 9 alice CONTOSO
lab_wait "the user" lab_has alice@contoso lab_session main user
order error 1
lab_wait "what the server says" says 'name=disconnect-by-administrator'
order leave
lab_wait "no log-off either" says 'end=disconnect because="the server said so'

lab_say "a claim counts until the server names another"
lab_client bob 3902 one bob
lab_wait "activation" counts active logonserver 5
lab_wait "the claimed user's certificates" lab_some lab_certs main bob
order v2 10 carol CONTOSO
lab_wait "the server's word" says 'reason="a better source names another user'
lab_wait "the other user's certificates" lab_some \
	lab_certs main carol@contoso
lab_stop client-bob
