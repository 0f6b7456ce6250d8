#!/bin/bash
# The log-in that belongs to a session has its variables: pam_cardproxy finds
# the session at the keeper while xrdp opens the log-in, and a program of the
# desktop trusts what the card brought, without being told.  Nothing is believed:
# the password proves the name, to the proxy as to xrdp.  A log-in of another user
# gets nothing, whoever claims its name.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_proven
lab_policy main server RootCertificateCleanupOption=1 RootPurpose=server
sed -i 's/policy=removal/policy=server/' "$(lab_home main)/conf"

# The module where its users may look.
install -m 755 "$LAB_BUILD/store/pam_cardproxy.so" "$LAB/run/pam_cardproxy.so"
cat >>/etc/pam.d/xrdp-sesman <<END
session optional $LAB/run/pam_cardproxy.so socket=$(lab_run_dir main)/control.sock wait=5000
END
lab_daemon main

# variable USER NAME: of the xterm in that user's desktop.
variable() {
	local pid

	pid=$(pgrep -u "$1" -x xterm | head -n 1)
	[ -n "$pid" ] || return 0
	tr '\0' '\n' <"/proc/$pid/environ" | sed -n "s/^$2=//p"
}

lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_client alice 3901 one alice
lab_wait "alice's desktop" pgrep -u alice -x xterm
lab_wait "the card's root" lab_has 1 lab_roots main
view=$(lab_view main alice)
lab_expect "the source" pam "$(lab_session main source alice)"
lab_expect "the session" "$(lab_session main id alice)" \
	"$(variable alice CARDPROXY_SESSION)"
lab_expect "the view" "$view" "$(variable alice CARDPROXY_VIEW)"
[[ $(variable alice SSL_CERT_DIR) == "$view/certs:"?* ]] ||
	lab_fail "SSL_CERT_DIR is '$(variable alice SSL_CERT_DIR)'"
lab_expect "KRB5_CONFIG" "$view/krb5.conf:/etc/krb5.conf" \
	"$(variable alice KRB5_CONFIG)"

# A program with the environment of that desktop, as that user.
verifies() {
	local pid settings

	pid=$(pgrep -u alice -x xterm | head -n 1)
	mapfile -d '' settings <"/proc/$pid/environ"
	(
		cd /
		env -i "${settings[@]}" setpriv --reuid=alice --regid=alice \
			--clear-groups openssl verify -purpose sslserver \
			-no-CAfile -no-CAstore "$LAB/run/server.pem"
	)
}

install -m 644 "$LAB_PKI/server.pem" "$LAB/run/server.pem"
verifies >"$LAB/log/openssl" 2>&1 ||
	lab_fail "a program of the desktop does not trust the card's root"
lab_tell one remove
lab_wait "the root is gone" lab_has 0 lab_roots main
! verifies >/dev/null 2>&1 || lab_fail "it trusts a card that is gone"

# Somebody states bob's name at the proxy, with a card and a wrong password; then
# bob logs on past the proxy.  There is no session of his, and so no variables.
lab_tell one insert
lab_client stranger 3901 one bob /p:wrong
lab_wait "the stranger is refused" grep -q 'source=pam reason=denied' \
	"$LAB/log/daemon-main"
lab_client bob 4001 one bob
lab_wait "bob's desktop" pgrep -u bob -x xterm
lab_expect "variables of bob" "" "$(variable bob CARDPROXY_VIEW)"
lab_expect "bob's session" null "$(lab_session main user bob)"
lab_expect "bob's certificates" 0 "$(lab_certs main bob)"
lab_alive client-stranger || lab_fail "the stranger has left"
