#!/bin/bash
# A card works with a server that never speaks rdpdr: the proxy plays that half.
# The card may be there before the client connects, or come later.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_own
lab_daemon main

lab_say "the card first, then the client"
lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_client alice 3901 one alice
lab_wait "a session" lab_has 1 lab_sessions main
lab_wait "the card's certificates" lab_has $LAB_GIDS_CERTS lab_certs main alice
lab_wait "the card's root" lab_has 1 lab_roots main
lab_expect "role" own "$(lab_session main role)"
lab_expect "family" GIDS "$(lab_reader main family)"
lab_verifies "$(lab_view main)" "$LAB_PKI/one/user.pem" ||
	lab_fail "the user's certificate does not verify in the session's view"
lab_stop client-alice
lab_wait "the session's end" lab_has 0 lab_sessions main

lab_say "the client first, then another card"
lab_tell one remove
lab_client bob 3901 one bob
lab_wait "a session" lab_has 1 lab_sessions main
lab_wait "an empty reader" lab_has empty lab_reader main card
lab_expect "certificates of bob without a card" 0 "$(lab_certs main bob)"
lab_tell one swap "$LAB_CARDS/two-piv" piv
lab_wait "the card's certificates" lab_has $LAB_PIV_CERTS lab_certs main bob
lab_expect "family" PIV "$(lab_reader main family)"

lab_say "another card without a new session"
lab_tell one swap "$LAB_CARDS/two-gids" gids
lab_wait "the other card's root" lab_has 1 lab_roots main
lab_verifies "$(lab_view main)" "$LAB_PKI/two/user.pem" ||
	lab_fail "the user's certificate does not verify in the session's view"
