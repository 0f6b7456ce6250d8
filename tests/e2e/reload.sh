#!/bin/bash
# SIGHUP: what a policy says counts at once, also for sessions that run; a file
# with a fault, or one that asks for the impossible, changes nothing; listeners
# come and go, and the others stay open.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_own
lab_daemon main
conf=$(lab_home main)/conf
log=$LAB/log/daemon-main

# reload RESULT: of the file as it is now.
reload() {
	local before
	before=$(grep -c "$1" "$log" || true)
	kill -HUP "${LAB_PID[daemon-main]}"
	lab_wait "reload: $1" more_than "$before" "$1"
}
more_than() {
	[ "$(grep -c "$2" "$log" || true)" -gt "$1" ]
}

lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_client alice 3901 one alice
lab_wait "the card's root" lab_has 1 lab_roots main
lab_wait "certificates" lab_has $LAB_GIDS_CERTS lab_certs main alice

lab_say "a root stays after the card once clean-up is off"
sed -i 's/^RootCertificateCleanupOption.*/RootCertificateCleanupOption=0/' "$conf"
reload 'reload.*done'
lab_tell one remove
lab_wait "an empty reader" lab_has empty lab_reader main card
lab_never 3 "the root has gone" lab_has 0 lab_roots main

lab_say "and goes with it once it is on again"
sed -i 's/^RootCertificateCleanupOption.*/RootCertificateCleanupOption=1/' "$conf"
reload 'reload.*done'
lab_tell one swap "$LAB_CARDS/one-gids" gids
lab_wait "the card is there" lab_has GIDS lab_reader main family
lab_wait "the card's root" lab_has 1 lab_roots main
lab_tell one remove
lab_wait "the root is gone" lab_has 0 lab_roots main

lab_say "no certificates come once propagation is off"
echo "CertPropEnabled=0" >>"$conf"
reload 'reload.*done'
lab_tell one swap "$LAB_CARDS/two-gids" gids
lab_never 4 "another card's root is there" lab_some lab_roots main
lab_expect "certificates" $LAB_GIDS_CERTS "$(lab_certs main alice)"
lab_say "and come once it is on, without a new card"
sed -i 's/^CertPropEnabled=.*/CertPropEnabled=1/' "$conf"
reload 'reload.*done'
lab_wait "the other card's root" lab_has 1 lab_roots main

lab_say "a bad file, and an address that is taken: the old one stays"
cp "$conf" "$LAB/run/good"
echo "NoSuchKey=1" >>"$conf"
reload 'refused: the old one stays'
grep -q "NoSuchKey" "$log" || lab_fail "the log does not name the fault"
cp "$LAB/run/good" "$conf"
lab_listen main 4001 taken
lab_target main taken 4002 verify=none
reload 'refused: the old one stays'
lab_client bob 3901 one bob
lab_wait "a second session" lab_has 2 lab_sessions main
lab_stop client-bob
cp "$LAB/run/good" "$conf"

lab_say "listeners come and go"
lab_listen main 3902 second
lab_target main second 4001 verify=none rdpdr=own identity=claimed
reload 'reload.*done'
lab_wait "the new listener" lab_listens 3902
lab_listens 3901 || lab_fail "the old listener has gone"
lab_client bob 3902 one bob
lab_wait "a session through it" lab_has 2 lab_sessions main
sed -i 's/^address = 127.0.0.1:3901/address = 127.0.0.1:3903/' "$conf"
reload 'reload.*done'
lab_wait "the moved listener" lab_listens 3903
! lab_listens 3901 || lab_fail "the old address is still open"
lab_expect "sessions" 2 "$(lab_sessions main)"
lab_alive client-alice || lab_fail "a client has gone with its listener"
lab_alive client-bob || lab_fail "a client has gone at a reload"
