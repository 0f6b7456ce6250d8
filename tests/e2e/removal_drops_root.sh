#!/bin/bash
# RootCertificateCleanupOption = 1: a card's root leaves with the card, and what
# it vouched for is refused from then on. The user's certificates stay.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_own
lab_daemon main

lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_client alice 3901 one alice
lab_wait "the card's root" lab_has 1 lab_roots main
view=$(lab_view main)
lab_verifies "$view" "$LAB_PKI/one/user.pem" ||
	lab_fail "the user's certificate does not verify with the card inserted"
! lab_verifies "$view" "$LAB_PKI/two/user.pem" ||
	lab_fail "a certificate of another root verifies"

for round in 1 2 3; do
	lab_say "removal and insertion, round $round"
	lab_tell one remove
	lab_wait "the root is gone" lab_has 0 lab_roots main
	! lab_verifies "$view" "$LAB_PKI/one/user.pem" ||
		lab_fail "the user's certificate verifies without the card"
	lab_expect "the user's certificates" $LAB_GIDS_CERTS \
		"$(lab_certs main alice)"
	lab_tell one insert
	lab_wait "the root is back" lab_has 1 lab_roots main
	lab_verifies "$view" "$LAB_PKI/one/user.pem" ||
		lab_fail "the certificate does not verify after insertion"
done
