#!/bin/bash
# A server that shows its own log-in screen has no desktop yet, and nobody there
# who speaks rdpdr: the proxy plays that half, and hands over when the user has
# logged on.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_relay
sed -i 's/rdpdr=relay/rdpdr=auto\nown_after=2/' "$(lab_home main)/conf"
lab_daemon main

# Its user types into the window: the cursor is in it, there is no one else.
type_in() {
	DISPLAY=:50 timeout 20 xdotool mousemove 400 300 "$@"
}

window_of() {
	DISPLAY=:50 timeout 20 xdotool search --onlyvisible --name rdesktop
}

lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_client_with rdesktop alice one -u alice -r scard -g 800x600 "$LAB_HOST:3901"
lab_wait "the proxy plays the server's half" \
	lab_has own lab_session main role
lab_wait "the card's certificates" lab_has $LAB_GIDS_CERTS lab_certs main alice
lab_wait "the card's root" lab_has 1 lab_roots main
lab_wait "the window" window_of
! lab_chansrv_says alice "Detected remote smartcard" ||
	lab_fail "there is a desktop already"

lab_say "the user logs on"
type_in type --delay 50 secret
type_in key Return
lab_wait "the server sees the card" \
	lab_chansrv_says alice "Detected remote smartcard"
lab_wait "the server has taken over" lab_has relay lab_session main role
lab_wait "the card's root, still or again" lab_has 1 lab_roots main
lab_wait "a card that is read again" lab_has GIDS lab_reader main family
lab_server_card alice calls >"$LAB/run/calls" ||
	lab_fail "the server's calls: $(cat "$LAB/run/calls")"
grep -A 1 -x 'select GIDS: success' "$LAB/run/calls" |
	grep -q 'sw 9000' || lab_fail "the server does not get at the card"
lab_tell one remove
lab_wait "no root" lab_has 0 lab_roots main
lab_tell one swap "$LAB_CARDS/one-piv" piv
lab_wait "the new card" lab_has PIV lab_reader main family
lab_alive client-alice || lab_fail "the client has gone"
