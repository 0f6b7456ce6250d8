#!/bin/bash
# With a full disk nothing is stored by half and the desktop goes on; with room
# again the card is stored.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_own
home=$(lab_home main)
mount -t tmpfs -o size=1m,mode=700,uid=61003,gid=61003 small "$home/store"
lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids" --out
lab_client alice 3901 one alice
lab_wait "a session" lab_has 1 lab_sessions main
lab_wait "an empty reader" lab_has empty lab_reader main card

dd if=/dev/zero of="$home/store/filler" bs=1k 2>/dev/null || true
lab_tell one insert
asked() { [ "$(lab_tell one apdus)" -gt 10 ]; }
lab_wait "the card is read" asked
lab_never 3 "a root that is not stored" lab_some lab_roots main
lab_alive client-alice || lab_fail "the client has gone"
lab_expect "certificates" 0 "$(lab_certs main)"

rm "$home/store/filler"
lab_tell one remove
lab_wait "the reader is empty" lab_has empty lab_reader main card
lab_tell one insert
lab_wait "the card's certificates" lab_has $LAB_GIDS_CERTS lab_certs main alice
lab_wait "the card's root" lab_has 1 lab_roots main
lab_alive client-alice || lab_fail "the client has gone"
