#!/bin/bash
# A policy that takes trust back reaches all that a log-on has: also while nobody
# is connected to it, and what an earlier connection left.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_desk
lab_policy main gone match_user=carol@lab
lab_policy main default EnableRootCertificatePropagation=1 \
	RootCertificateCleanupOption=2 RequireCardMatchesUser=0
lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids"
conf=$(lab_home main)/conf

# set_to KEY VALUE: in the file, and reload
set_to() {
	sed -i "s/^$1=.*/$1=$2/" "$conf"
	lab_reload main
}
field() {
	lab_session main "$2" "$1@lab"
}
# leave NAME ID: a log-on with the card's root that nobody is connected to
leave() {
	lab_logon desk 3901 one "$1" "$2"
	lab_wait "the card's root" lab_has 1 lab_roots main
	lab_stop "client-$1" KILL
	lab_wait "nobody is connected" lab_has detached field "${1%%-*}" state
	view=$(lab_view main)
	lab_verifies "$view" "$LAB_PKI/one/user.pem" || lab_fail "no trust"
}
# back NAME ID: without the card, and off again
back() {
	lab_tell one remove
	lab_logon desk 3901 one "$1" "$2"
	lab_wait "an empty reader" lab_has empty lab_reader main card
}
off() {
	lab_leave_desk "$1"
	lab_tell one insert
}
gone() {
	lab_wait "the root is gone" lab_has 0 lab_roots main
	! lab_verifies "$view" "$LAB_PKI/one/user.pem" || lab_fail "it is trusted"
}

lab_say "roots are switched off while nobody is connected"
leave alice-a 1
lab_reload main
lab_never 1 "the root goes" lab_has 0 lab_roots main
set_to EnableRootCertificatePropagation 0
gone
set_to EnableRootCertificatePropagation 1
back alice-b 1
off alice-b

lab_say "the clean-up becomes removal"
leave bob-a 2
set_to RootCertificateCleanupOption 1
gone
set_to RootCertificateCleanupOption 2
back bob-b 2
off bob-b

lab_say "a card has to be its user's"
leave dave-a 3
set_to RequireCardMatchesUser 1
gone
set_to RequireCardMatchesUser 0
back dave-b 3
off dave-b

lab_say "the section is gone"
leave carol-a 4
sed -i '/^\[policy gone\]/,/^$/d' "$conf"
lab_reload main
gone
back carol-b 4
off carol-b

lab_say "what an earlier connection left: roots off, then removal"
leave erin-a 5
back erin-b 5
lab_expect "roots" 1 "$(lab_roots main)"
set_to EnableRootCertificatePropagation 0
gone
set_to EnableRootCertificatePropagation 1
off erin-b
leave frank-a 6
back frank-b 6
lab_expect "roots" 1 "$(lab_roots main)"
set_to RootCertificateCleanupOption 1
gone
off frank-b
