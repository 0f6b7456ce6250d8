#!/bin/bash
# A session that is killed takes its roots with it and nothing else: another
# session goes on, and the next client is served.
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
lab_wait "both roots" lab_has 2 lab_roots main
view=$(lab_view main alice)

kill -KILL "$(lab_session main pid alice)"
lab_wait "alice's end" lab_has 1 lab_sessions main
lab_wait "alice's root is gone" lab_has 1 lab_roots main
lab_wait "alice's view is gone" test ! -e "$view"
lab_wait "alice's client notices" lab_dead client-alice
lab_expect "alice's certificates" $LAB_GIDS_CERTS "$(lab_certs main alice)"
lab_alive client-bob || lab_fail "bob's client has gone too"
lab_verifies "$(lab_view main bob)" "$LAB_PKI/two/user.pem" ||
	lab_fail "bob's root has gone too"

lab_client again 3901 one alice
lab_wait "alice is back" lab_has 2 lab_sessions main
lab_wait "and her root" lab_has 2 lab_roots main
