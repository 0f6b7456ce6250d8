#!/bin/bash
# The log-in that belongs to a session has its variables: pam_cardproxy finds
# the session at the keeper while xrdp opens the log-in, and a program of the
# desktop trusts what the card brought, without being told.  A log-in of another
# user gets nothing.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_relay
lab_policy main server RootCertificateCleanupOption=1 RootPurpose=server
sed -i 's/policy=removal/policy=server/' "$(lab_home main)/conf"

# A PAM configuration of our own, and the module where its users may look.
install -m 755 "$LAB_BUILD/store/pam_cardproxy.so" "$LAB/run/pam_cardproxy.so"
cp -r /etc/pam.d "$LAB/etc/pam.d"
cat >>"$LAB/etc/pam.d/xrdp-sesman" <<END
session optional $LAB/run/pam_cardproxy.so socket=$(lab_run_dir main)/control.sock claimed wait=5000
END
mount --bind "$LAB/etc/pam.d" /etc/pam.d
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

# Bob logs on past the proxy: there is no session of his, and so no variables.
lab_client bob 4001 one bob
lab_wait "bob's desktop" pgrep -u bob -x xterm
lab_expect "variables of bob" "" "$(variable bob CARDPROXY_VIEW)"
