#!/bin/bash
# The acceptance list of certificate propagation: cards that leave their readers.
#
# proves: certprop-23 certprop-24 certprop-30
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_desk
lab_policy main others match_user=bob@lab RootCertificateCleanupOption=1 \
	UserCertificateCleanupOption=1
lab_policy main default RootCertificateCleanupOption=1

# "host" trusts the card's root already; the option is in the user's name.
bundle=$LAB/etc/anchors.pem
cp "$LAB_PKI/one/root.pem" "$bundle"
lab_config host 3902 desk
lab_target host desk 4001 ca_file="$LAB_PKI/one/root.pem" rdpdr=own \
	identity=session-info
for option in 0 1 2; do
	lab_policy host option$option match_user=opt$option@lab \
		RootCertificateCleanupOption=$option
done
sed -i "/^run_dir/a system_anchors = $bundle" "$(lab_home host)/conf"
trusted() {
	tar -cf - "$bundle" /etc/ssl /usr/share/ca-certificates \
		/usr/local/share/ca-certificates 2>/dev/null | sha256sum
}

# usable USER: certificates whose key is there, as the store has them.
usable() {
	lab_query main certs '[.certs[] | select(.user == $user and
		.key_available)] | length' --arg user "$1"
}
lab_daemon main
lab_daemon host
lab_card one 5001 gids "$LAB_CARDS/one-gids"

lab_say "withdrawal takes the root; what is the user's stays, without its key"
lab_logon desk 3901 one alice 1
lab_wait "the card's root" lab_has 1 lab_roots main
lab_expect "certificates with a key" $LAB_GIDS_CERTS "$(usable alice@lab)"
view=$(lab_view main)
lab_verifies "$view" "$LAB_PKI/one/user.pem" || lab_fail "it is not trusted"
lab_tell one remove
lab_wait "the root is gone" lab_has 0 lab_roots main
! lab_verifies "$view" "$LAB_PKI/one/user.pem" || lab_fail "it is trusted"
lab_wait "no key" lab_has 0 usable alice@lab
lab_expect "certificates" $LAB_GIDS_CERTS "$(lab_certs main alice@lab)"

lab_say "a reader that is unplugged is a withdrawal"
lab_tell one insert
lab_wait "the card's root" lab_has 1 lab_roots main
lab_expect "certificates with a key" $LAB_GIDS_CERTS "$(usable alice@lab)"
lab_stop pcscd-one
lab_wait "the root is gone" lab_has 0 lab_roots main
lab_wait "no key" lab_has 0 usable alice@lab
lab_expect "certificates" $LAB_GIDS_CERTS "$(lab_certs main alice@lab)"
lab_logoff desk alice
rm -r "$LAB/pcscd-one"
lab_pcscd one 5001

lab_say "with UserCertificateCleanupOption = 1 the user's go as well"
lab_logon desk 3901 one bob 2
lab_wait "the card's root" lab_has 1 lab_roots main
lab_expect "certificates" $LAB_GIDS_CERTS "$(lab_certs main bob@lab)"
lab_tell one remove
lab_wait "certificates" lab_has 0 lab_certs main bob@lab
lab_expect "roots" 0 "$(lab_roots main)"
lab_logoff desk bob
lab_proved certprop-23

lab_say "one card in two readers: it has left when it has left the last"
lab_tell one insert
lab_card same 5002 gids "$LAB_CARDS/one-gids"
lab_logon desk 3901 one carol 3
present() {
	lab_query main readers '[.readers[] | select(.card == "present")] | length'
}
lab_wait "both cards" lab_has 2 present
grep -q ' duplicate-card .*duplicate card id' "$LAB/log/daemon-main" ||
	lab_fail "nobody is warned of two cards with one id"
view=$(lab_view main)
for first in one same; do
	lab_expect "roots" 1 "$(lab_roots main)"
	lab_tell $first remove
	lab_wait "one card" lab_has 1 present
	lab_never 1 "the root goes" lab_has 0 lab_roots main
	lab_verifies "$view" "$LAB_PKI/one/user.pem" || lab_fail "no trust"
	lab_expect "keys" $LAB_GIDS_CERTS "$(usable carol@lab)"
	lab_tell $first insert
	lab_wait "both cards" lab_has 2 present
done
lab_tell one remove
lab_tell same remove
lab_wait "the root is gone" lab_has 0 lab_roots main
! lab_verifies "$view" "$LAB_PKI/one/user.pem" || lab_fail "it is trusted"
lab_logoff desk carol
lab_proved certprop-24

lab_say "what the host trusts is a record, and outlives every clean-up"
before=$(trusted)
records() {
	lab_query host roots '[.roots[] | select(.kind == "preexisting" and
		.state == "present")] | length'
}
files() {
	find "$1/certs" "$1/anchors" -mindepth 1 | wc -l
}
for option in 0 1 2; do
	lab_tell one insert
	had=$(lab_connections desk)
	lab_client opt$option 3902 one opt$option
	lab_wait "activation" lab_has $((had + 1)) lab_connections desk
	lab_order desk v2 1$option opt$option LAB
	lab_wait "the record" lab_has 1 records
	lab_expect "anchors of ours" "0 0" \
		"$(lab_roots host) $(files "$(lab_view host)")"
	lab_tell one remove
	lab_wait "an empty reader" lab_has empty lab_reader host card
	[ $option != 1 ] || lab_wait "no record" lab_has 0 records
	lab_expect "what the host trusts" "$before" "$(trusted)"
	lab_logoff desk opt$option
	lab_wait "no session" lab_has 0 lab_sessions host
	lab_expect "records in force" 0 "$(records)"
	lab_expect "what the host trusts" "$before" "$(trusted)"
	openssl verify -no-CApath -no-CAstore -CAfile "$bundle" \
		"$LAB_PKI/one/intermediate.pem" >/dev/null ||
		lab_fail "the host does not trust its own root"
done
lab_proved certprop-30
