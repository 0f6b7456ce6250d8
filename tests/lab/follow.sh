# What the scenarios of one client after another share; sourced after lab.sh.

# lab_follow USER ROLE: one card after the other, in a session that is there
# with the card of lab_card one.
lab_follow() {
	lab_wait "the card's certificates" \
		lab_has $LAB_GIDS_CERTS lab_certs main "$1"
	lab_wait "the card's root" lab_has 1 lab_roots main
	lab_expect "role" "$2" "$(lab_session main role)"
	lab_tell one remove
	lab_wait "the root is gone" lab_has 0 lab_roots main
	lab_wait "an empty reader" lab_has empty lab_reader main card
	lab_tell one insert
	lab_wait "the card's root again" lab_has 1 lab_roots main
	lab_tell one swap "$LAB_CARDS/one-piv" piv
	lab_wait "the other card" lab_has PIV lab_reader main family
	lab_wait "the first one's root is gone" lab_has 0 lab_roots main
	lab_alive "client-$1" || lab_fail "the client has gone"
	lab_tell one swap "$LAB_CARDS/one-gids" gids
	lab_wait "the first one's root again" lab_has 1 lab_roots main
}

# lab_follow_relay CLIENT: alice at a server that has the card too, and whose
# calls reach it; what they said is in $LAB/run/calls.
lab_follow_relay() {
	lab_say "a server that has the card too"
	lab_card one 5001 gids "$LAB_CARDS/one-gids"
	"$1" alice 3901 one alice
	lab_wait "the server sees the card" \
		lab_chansrv_says alice "Detected remote smartcard"
	lab_follow alice relay
	lab_server_card alice calls >"$LAB/run/calls" ||
		lab_fail "the server's calls: $(cat "$LAB/run/calls")"
	grep -q 'state 20$' "$LAB/run/calls" ||
		lab_fail "the server sees no card"
}

# lab_follow_own CLIENT: bob at a server that never speaks rdpdr.
lab_follow_own() {
	lab_say "a server that never speaks rdpdr"
	"$1" bob 3902 one bob
	lab_wait "a session" lab_has 1 lab_sessions main
	lab_follow bob own
	lab_follow_end bob
}

lab_follow_end() {
	lab_stop "client-$1"
	lab_wait "the session's end" lab_has 0 lab_sessions main
}
