#!/bin/bash
# A card that answers nonsense, or not at all, gives no certificate and does no
# harm: the desktop goes on, and a good card afterwards is read.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_own
lab_daemon main

lab_card one 5001 gids "$LAB_CARDS/one-gids" --out
lab_tell one garbage on
lab_client alice 3901 one alice
lab_wait "a session" lab_has 1 lab_sessions main
pid=$(lab_session main pid)
for round in 1 2 3; do
	lab_say "nonsense, round $round"
	before=$(lab_tell one apdus)
	lab_tell one insert
	asked() { [ "$(lab_tell one apdus)" -gt "$before" ]; }
	lab_wait "the card is asked" asked
	lab_wait "the read has failed" lab_has failed lab_reader main card
	lab_tell one remove
	lab_wait "the reader is empty" lab_has empty lab_reader main card
done
lab_expect "certificates" 0 "$(lab_certs main)"
lab_expect "roots" 0 "$(lab_roots main)"

lab_say "a card that is not a card: random bytes instead of certificates"
mkdir "$LAB/odd"
for name in kxc00.der ksc01.der msroots.p7b; do
	head -c 1500 /dev/urandom >"$LAB/odd/$name"
done
lab_tell one garbage off
lab_tell one swap "$LAB/odd" gids
lab_never 3 "a certificate of random bytes" lab_some lab_certs main

lab_say "a card that falls silent, is pulled, and a good one"
lab_tell one remove
lab_tell one mute on
lab_tell one insert
sleep 2
lab_tell one remove
lab_tell one mute off
lab_tell one swap "$LAB_CARDS/one-gids" gids
lab_wait "the good card" lab_has $LAB_GIDS_CERTS lab_certs main alice
lab_wait "its root" lab_has 1 lab_roots main
lab_expect "the session's process" "$pid" "$(lab_session main pid)"
lab_alive client-alice || lab_fail "the client has gone"
