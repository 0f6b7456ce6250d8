#!/bin/bash
# A session whose policy had no redirection gets it by a reload, and the card is
# there without a new connection: where the proxy plays the server's half, and
# where a server does that had been told of no card.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_relay
lab_display 1
lab_shadow 4002 1
conf=$(lab_home main)/conf
log=$LAB/log/daemon-main
echo "redirect=no" >>"$conf"
sed -i "/^\[policy/i [target shadow]\naddress=$LAB_HOST:4002\nverify=none\nrdpdr=own\nidentity=claimed\npolicy=removal\n\n[listen shadow]\naddress=$LAB_HOST:3902\ntarget=shadow\n" "$conf"
lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids"

reason() {
	lab_query main "sessions show $(lab_session main id)" '.sessions[0].reason'
}

closed() {
	reason | grep -q policy
}

# redirect yes|no: in sessions that run
redirect() {
	sed -i "s/^redirect=.*/redirect=$1/" "$conf"
	lab_reload main
}

lab_say "a server that never speaks rdpdr"
lab_client alice 3902 one alice
lab_wait "a reason that names the policy" closed
lab_wait "the client's device is known" grep -q 'device.*hidden' "$log"
lab_expect "commands to the card" 0 "$(lab_tell one apdus)"
redirect yes
lab_wait "the card's certificates" lab_has $LAB_GIDS_CERTS lab_certs main alice
lab_expect "role" own "$(lab_session main role)"
redirect no
lab_wait "a reason that names the policy" closed
lab_wait "no root" lab_has 0 lab_roots main
redirect yes
lab_wait "the card's root again" lab_has 1 lab_roots main
lab_alive client-alice || lab_fail "the client has gone"
lab_stop client-alice
lab_wait "the session's end" lab_has 0 lab_sessions main

lab_say "a server that was told of no card"
redirect no
lab_client bob 3901 one bob
lab_wait "a reason that names the policy" closed
lab_wait "the server's half" lab_chansrv_says bob "connection received"
lab_never 3 "a card on the server" \
	lab_chansrv_says bob "Detected remote smartcard"
redirect yes
lab_wait "the device is announced to it" grep -q 'device-shown' "$log"
lab_wait "the server has the card" \
	lab_chansrv_says bob "Detected remote smartcard"
lab_wait "the card's certificates" lab_has $LAB_GIDS_CERTS lab_certs main bob
lab_expect "reason" "" "$(reason)"
lab_alive client-bob || lab_fail "the client has gone"
