#!/bin/bash
# The acceptance list of certificate propagation: more than one session, and one
# with more than one client.
#
# proves: certprop-25 certprop-26 certprop-27 certprop-33
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
# Two desks, and two machines whose readers have one name.
lab_scene_desk
lab_pcscd two 5011 one
lab_desk other 4002
lab_listen main 3902 other
lab_target main other 4002 ca_file="$LAB_PKI/one/root.pem" rdpdr=own \
	identity=session-info
lab_policy main same match_user='erin@lab | heidi@lab' \
	UserCertificateCleanupOption=2
lab_policy main back match_user='frank@lab | grace@lab' \
	RootCertificateCleanupOption=1 DisconnectGraceSeconds=600
lab_policy main default RootCertificateCleanupOption=1
lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_card two 5011 gids "$LAB_CARDS/two-gids"

# trusts USER COMPANY: does that session?
trusts() {
	lab_verifies "$(lab_view main "$1@lab")" "$LAB_PKI/$2/user.pem"
}
# field USER FIELD, roots USER
field() {
	lab_session main "$2" "$1@lab"
}
roots() {
	lab_roots main "$(field "$1" logon)"
}

lab_say "the anchor of a session is none in another"
lab_logon desk 3901 one alice 1
lab_logon other 3902 two bob 2
lab_wait "alice's root" lab_has 1 roots alice
lab_wait "bob's root" lab_has 1 roots bob
trusts alice one || lab_fail "alice does not trust her root"
trusts bob two || lab_fail "bob does not trust his root"
! trusts alice two || lab_fail "alice trusts bob's root"
! trusts bob one || lab_fail "bob trusts alice's root"
lab_expect "roots of all" 2 "$(lab_roots main)"
lab_expect "scopes" true "$(lab_query main roots \
	'[.roots[] | .scope | startswith("session:")] | all')"
lab_proved certprop-33

lab_say "one card in two sessions: withdrawal is of one"
lab_tell two swap "$LAB_CARDS/one-gids" gids
lab_wait "bob has the same root" trusts bob one
lab_tell one remove
lab_wait "alice's root is gone" lab_has 0 roots alice
lab_expect "bob's root" 1 "$(roots bob)"
! trusts alice one || lab_fail "alice trusts it still"
trusts bob one || lab_fail "bob does not trust it any more"
lab_logoff desk alice
lab_expect "bob's root" 1 "$(roots bob)"
lab_logoff other bob
lab_wait "no root" lab_has 0 lab_roots main
lab_proved certprop-25

lab_say "two log-ons of a user: each backs what it brought"
lab_tell one insert
lab_logon desk 3901 one erin-a 3
lab_logon other 3902 two erin-b 4
kept_by() {
	find "$(lab_run_dir main)/session/$1/personal" -name '*.pem' | wc -l
}
log_on_of() {
	lab_query main sessions '.sessions[] | select(.host_session == $name) |
		.logon' --arg name "rdp:$1"
}
a=$(log_on_of 3)
b=$(log_on_of 4)
lab_wait "a root here" lab_has 1 lab_roots main "$a"
lab_wait "a root there" lab_has 1 lab_roots main "$b"
lab_expect "certificates" $LAB_GIDS_CERTS "$(lab_certs main erin@lab)"
files=$(kept_by "$a")
[ "$files" -ge $LAB_GIDS_CERTS ] || lab_fail "no files: $files"
lab_logoff other erin-b
lab_wait "one session" lab_has 1 lab_sessions main
lab_expect "certificates" $LAB_GIDS_CERTS "$(lab_certs main erin@lab)"
lab_expect "files" "$files" "$(kept_by "$a")"
lab_expect "roots" 1 "$(lab_roots main)"
lab_logoff desk erin-a
lab_wait "no session" lab_has 0 lab_sessions main
lab_expect "certificates" 0 "$(lab_certs main erin@lab)"
lab_expect "roots" 0 "$(lab_roots main)"
lab_proved certprop-26

# Grace holds what the lost connection had, until the new one has been looked at.
lab_say "another client: a reader of the same name, another card"
lab_tell two swap "$LAB_CARDS/two-gids" gids
lab_logon desk 3901 one frank-a 5
lab_wait "the card's root" trusts frank one
logon=$(field frank logon)
name=$(lab_reader main name)
lab_stop client-frank-a KILL
lab_wait "nobody is connected" lab_has detached field frank state
trusts frank one || lab_fail "the grace is none"
lab_logon desk 3901 two frank-b 5
lab_wait "the other card's root" trusts frank two
lab_wait "the first card's root is gone" lab_has 1 lab_roots main
! trusts frank one || lab_fail "the first card's root is trusted"
lab_expect "the log-on" "$logon" "$(field frank logon)"
lab_expect "the reader" "$name" "$(lab_reader main name)"
lab_expect "the other card's holder" 1 "$(roots frank)"
lab_logoff desk frank-b
lab_wait "no session" lab_has 0 lab_sessions main

lab_say "the same card at another client: nothing leaves"
lab_tell two swap "$LAB_CARDS/one-gids" gids
lab_logon desk 3901 one grace-a 6
lab_wait "the card's root" trusts grace one
lab_stop client-grace-a KILL
lab_wait "nobody is connected" lab_has detached field grace state
lab_logon desk 3901 two grace-b 6
lab_wait "the card" lab_has present lab_reader main card
lab_never 1 "the root goes" lab_has 0 lab_roots main
lab_expect "certificates" $LAB_GIDS_CERTS "$(lab_certs main grace@lab)"
lab_logoff desk grace-b
lab_wait "no session" lab_has 0 lab_sessions main
lab_expect "roots" 0 "$(lab_roots main)"

# Windows moves a session to the client that comes: the first one still stands.
lab_say "another client takes over: the log-on is the same, without its card"
lab_tell two remove
lab_logon desk 3901 one heidi-a 7
lab_wait "the card's root" trusts heidi one
logon=$(field heidi logon)
view=$(lab_view main heidi@lab)
lab_logon desk 3901 two heidi-b 7
lab_expect "the log-on" "$logon" "$(field heidi logon)"
lab_stop client-heidi-a KILL
lab_wait "one connection" lab_has 1 lab_sessions main
lab_never 2 "the root goes" lab_has 0 lab_roots main
lab_expect "the log-on" "$logon" "$(field heidi logon)"
lab_verifies "$view" "$LAB_PKI/one/user.pem" || lab_fail "the view is gone"
lab_logoff desk heidi-b
lab_wait "no session" lab_has 0 lab_sessions main
lab_expect "roots" 0 "$(lab_roots main)"

lab_say "and with the root of a card that is not at the other client"
lab_logon desk 3901 one judy-a 8
lab_wait "the card's root" trusts judy one
logon=$(field judy logon)
lab_logon desk 3901 two judy-b 8
lab_wait "the root is gone" lab_has 0 lab_roots main
lab_tell two insert
lab_wait "the root is back" lab_has 1 lab_roots main
lab_stop client-judy-a KILL
lab_wait "one connection" lab_has 1 lab_sessions main
lab_never 2 "the root goes" lab_has 0 lab_roots main
lab_expect "the log-on" "$logon" "$(field judy logon)"
lab_logoff desk judy-b
lab_wait "no session" lab_has 0 lab_sessions main
lab_expect "roots" 0 "$(lab_roots main)"
lab_proved certprop-27
