#!/bin/bash
# A program on the server uses the card as if the proxy were not there: the same
# codes, states and answers, also while the proxy reads the card itself, and
# while cards come and go.  Neither keeps the other waiting for ever.
#
# The client is rdesktop: what xrdp takes from FreeRDP's answer to a Connect is
# the context and not the card, so it cannot go on; and FreeRDP 3 aborts on some
# of xrdp 0.9's calls.  Both do so without the proxy too.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_relay
lab_daemon main

# same WHAT: what the program said now is what it said without the proxy.
same() {
	diff "$LAB/run/direct" "$LAB/run/relayed" >&2 ||
		lab_fail "the server does not see the same: $1"
}

# ready USER: the server's half is there.
ready() {
	lab_wait "the server sees the readers" \
		lab_chansrv_says "$1" "Detected remote smartcard"
}

lab_say "without the proxy"
lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_rdesktop bob 4001 one bob
ready bob
lab_server_card bob calls >"$LAB/run/direct" ||
	lab_fail "the calls without the proxy: $(cat "$LAB/run/direct")"
lab_stop client-bob

lab_say "with it, while it reads"
lab_rdesktop alice 3901 one alice
ready alice
lab_server_card alice calls >"$LAB/run/relayed" || true
same "at the beginning of a session"
lab_wait "the card's certificates" lab_has $LAB_GIDS_CERTS lab_certs main alice
lab_server_card alice calls >"$LAB/run/relayed" || true
same "with the proxy at rest"

lab_say "a card just inserted"
lab_tell one remove
lab_wait "the root is gone" lab_has 0 lab_roots main
lab_server_card alice watch 1 >"$LAB/run/watch" &
watch=$!
lab_wait "the server waits for a card" grep -q empty "$LAB/run/watch"
lab_tell one insert
wait "$watch" || lab_fail "the server's own wait: $(cat "$LAB/run/watch")"
lab_server_card alice calls >"$LAB/run/relayed" || true
same "just after an insertion"
lab_wait "the card's root" lab_has 1 lab_roots main

lab_say "a slow card: both want it at the same time"
lab_tell one remove
lab_wait "the root is gone" lab_has 0 lab_roots main
lab_tell one delay 30
lab_server_card alice loop 10 >"$LAB/run/loop" &
loop=$!
lab_tell one insert
wait "$loop" || lab_fail "the server's turns: $(cat "$LAB/run/loop")"
! grep -vE 'success$|whole' "$LAB/run/loop" >&2 || lab_fail "what failed"
lab_wait "the slow card's root" lab_has 1 lab_roots main
lab_tell one delay 0

lab_say "all readers in one call"
lab_server_card alice together >"$LAB/run/together"
grep -qx 'together: success' "$LAB/run/together" ||
	lab_fail "not answered: $(cat "$LAB/run/together")"

lab_say "20 turns, while the card stays"
lab_server_card alice loop 20 >"$LAB/run/loop"
grep -qx 'whole: 20' "$LAB/run/loop" ||
	lab_fail "the server's turns: $(cat "$LAB/run/loop")"

lab_say "20 turns, while cards are swapped"
lab_server_card alice loop 20 >"$LAB/run/loop" &
loop=$!
for card in piv gids piv; do
	lab_tell one swap "$LAB_CARDS/one-$card" "$card"
	sleep 1.5
done
wait "$loop" || lab_fail "the server's turns: $(cat "$LAB/run/loop")"
# Cards that go take a call with them; nothing else fails, and the last turns
# are whole again.
! grep -vE 'success$|whole|no card|removed|no smart card|reset|unpowered|unresponsive|communication error' \
	"$LAB/run/loop" >&2 || lab_fail "what else failed"
lab_wait "the last card's certificates" lab_has PIV lab_reader main family

lab_say "and the first card again"
lab_tell one swap "$LAB_CARDS/one-gids" gids
lab_wait "its family" lab_has GIDS lab_reader main family
lab_server_card alice calls >"$LAB/run/relayed" || true
same "at the end"
lab_wait "its root" lab_has 1 lab_roots main
lab_expect "role" relay "$(lab_session main role)"
lab_alive client-alice || lab_fail "the client has gone"
