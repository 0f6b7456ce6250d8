#!/bin/bash
# Two people at two machines, through one proxy: neither sees a reader, a
# certificate or a root of the other.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_relay
lab_pcscd two 5011
lab_daemon main

lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_card two 5011 gids "$LAB_CARDS/two-gids"
lab_client alice 3901 one alice
lab_client bob 3901 two bob
lab_wait "alice's certificates" lab_has $LAB_GIDS_CERTS lab_certs main alice
lab_wait "bob's certificates" lab_has $LAB_GIDS_CERTS lab_certs main bob
alice=$(lab_session main id alice)
bob=$(lab_session main id bob)
lab_wait "alice's root" lab_has 1 lab_roots main "$alice"
lab_wait "bob's root" lab_has 1 lab_roots main "$bob"

# names SESSION: the readers of a session
names() {
	lab_query main readers \
		'[.readers[] | select(.session == $session) | .name] | sort | join(",")' \
		--arg session "$1"
}
case "$(names "$alice")" in
*two*) lab_fail "alice has bob's reader" ;;
*one*) ;;
*) lab_fail "alice has no reader" ;;
esac
case "$(names "$bob")" in
*one*) lab_fail "bob has alice's reader" ;;
*two*) ;;
*) lab_fail "bob has no reader" ;;
esac

# issuers USER: who signed what is in that user's store
issuers() {
	lab_query main certs \
		'[.certs[] | select(.user == $user) | .issuer] | unique | join(";")' \
		--arg user "$1"
}
case "$(issuers alice)" in
*two*) lab_fail "alice has a certificate of bob" ;;
esac
case "$(issuers bob)" in
*one*) lab_fail "bob has a certificate of alice" ;;
esac

check_views() {
	lab_verifies "$(lab_view main alice)" "$LAB_PKI/one/user.pem" ||
		lab_fail "alice's session does not trust alice's root"
	! lab_verifies "$(lab_view main alice)" "$LAB_PKI/two/user.pem" ||
		lab_fail "alice's session trusts bob's root"
	! lab_verifies "$(lab_view main bob)" "$LAB_PKI/one/user.pem" ||
		lab_fail "bob's session trusts alice's root"
}
check_views
lab_verifies "$(lab_view main bob)" "$LAB_PKI/two/user.pem" ||
	lab_fail "bob's session does not trust bob's root"

lab_say "one goes, the other stays as it was"
lab_stop client-bob
lab_wait "bob's end" lab_has 1 lab_sessions main
lab_expect "roots" 1 "$(lab_roots main)"
lab_verifies "$(lab_view main alice)" "$LAB_PKI/one/user.pem" ||
	lab_fail "alice's root has gone with bob"

lab_say "the same card in two sessions: the root leaves one of them"
lab_tell two swap "$LAB_CARDS/one-gids" gids
lab_client bob 3901 two bob
lab_wait "bob's session" lab_has 2 lab_sessions main
lab_wait "one root, in both" lab_has 1 lab_roots main \
	"$(lab_session main id bob)"
lab_tell two remove
lab_wait "bob's root is gone" lab_has 0 lab_roots main \
	"$(lab_session main id bob)"
lab_expect "alice's root" 1 "$(lab_roots main "$alice")"
lab_verifies "$(lab_view main alice)" "$LAB_PKI/one/user.pem" ||
	lab_fail "alice's root has gone with bob's card"
