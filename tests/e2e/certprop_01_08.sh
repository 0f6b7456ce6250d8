#!/bin/bash
# The acceptance list of certificate propagation: its policy, in real sessions
# of a server that tells log-on from log-off, by group policies alone.
#
# proves: certprop-01 certprop-02 certprop-03 certprop-04 certprop-07 certprop-08
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_desk
cache=$(lab_home main)/gpo_cache
mkdir -p "$cache"
sed -i "s|^\[daemon\]|&\npolicy_directory = $cache|" "$(lab_home main)/conf"
log=$LAB/log/daemon-main

# policy VALUE...: the machine's only group policy, for what begins from now on.
policy() {
	local before

	before=$(changes gate group-policy)
	"$LAB_BUILD/tests/propagate/mkpol" "$@" >"$cache/new"
	mv "$cache/new" "$cache/a.pol"
	lab_wait "the gate reads $*" more_changes "$before" gate group-policy
}

# changes WHO EVENT: how often the log tells of it.
changes() {
	grep -c " $1[^ ]* $2 " "$log" || true
}
more_changes() {
	local before=$1

	shift
	[ "$(changes "$@")" -gt "$before" ]
}

# live VALUE...: the same for the session that lives; it has them afterwards.
live() {
	local before

	before=$(changes session policy)
	policy "$@"
	lab_wait "the session has $*" more_changes "$before" session policy
}

id=0
# logon USER: and its card, which is there already.
logon() {
	id=$((id + 1))
	lab_logon desk 3901 one "$1" $id
}
card_is() {
	lab_wait "the card is $1" lab_has "$1" lab_reader main card
}

# kept: anchors that stay after the log-on they came with.
kept() {
	lab_query main roots '[.roots[] | select(.kind == "anchor" and
		.state == "kept")] | length'
}

lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids"

lab_say "no policy: all comes, roots stay with the log-on and go with it"
logon alice
lab_wait "the card's root" lab_has 1 lab_roots main
lab_expect "certificates" $LAB_GIDS_CERTS "$(lab_certs main alice@lab)"
lab_tell one remove
card_is empty
lab_never 1 "the root goes with the card" lab_has 0 lab_roots main
lab_verifies "$(lab_view main)" "$LAB_PKI/one/user.pem" ||
	lab_fail "the root is not trusted any more"
lab_leave_desk alice
lab_expect "roots after log-off" "0 0" "$(lab_roots main) $(kept)"
lab_expect "certificates" $LAB_GIDS_CERTS "$(lab_certs main alice@lab)"
lab_proved certprop-01

lab_say "propagation is off, that of roots is on: nothing, and one warning"
lab_tell one insert
policy CertPropEnabled=0 EnableRootCertificatePropagation=1
logon bob
card_is present
lab_tell one remove
card_is empty
lab_tell one insert
card_is present
lab_never 1 "a root" lab_some lab_roots main
lab_expect "certificates" 0 "$(lab_certs main bob@lab)"
lab_expect "commands to the card" 0 "$(lab_query main \
	"sessions show $(lab_session main id)" '.sessions[0].usage.commands // 0')"
lab_expect "warnings" 1 "$(changes session policy-ineffective)"
lab_leave_desk bob
lab_proved certprop-02

lab_say "roots are off: certificates alone"
policy EnableRootCertificatePropagation=0
logon carol
lab_wait "certificates" lab_has $LAB_GIDS_CERTS lab_certs main carol@lab
card_is present
lab_expect "roots" 0 "$(lab_roots main)"
lab_expect "files of roots" "" "$(ls "$(lab_view main)/anchors")"
lab_leave_desk carol
lab_proved certprop-03

# cleanup WITHDRAWN LOGGED-OFF VALUE...: what is left after each, under a policy.
# A lost connection (without a grace) is a withdrawal.
cleanup() {
	local withdrawn=$1 after=$2

	shift 2
	lab_say "clean-up by ${*:-no policy at all}"
	policy "$@"
	lab_tell one insert
	logon dave
	lab_wait "the card's root" lab_has 1 lab_roots main
	lab_stop client-dave KILL 2>/dev/null
	lab_wait "nobody is connected" lab_has detached lab_session main state
	lab_wait "roots after disconnection" lab_has "$withdrawn" \
		lab_roots main
	lab_logon desk 3901 one dave $id
	card_is present
	lab_wait "the card's root, again" lab_has 1 lab_roots main
	lab_expect "sessions" 1 "$(lab_sessions main)"
	lab_tell one remove
	card_is empty
	lab_wait "roots after withdrawal" lab_has "$withdrawn" lab_roots main
	lab_expect "certificates" $LAB_GIDS_CERTS "$(lab_certs main dave@lab)"
	lab_leave_desk dave
	lab_expect "roots after log-off" "0 $after" \
		"$(lab_roots main) $(kept)"
	lab_expect "certificates" $LAB_GIDS_CERTS "$(lab_certs main dave@lab)"
	lab_ctl main roots purge >/dev/null
	lab_expect "kept roots, purged" 0 "$(kept)"
}
cleanup 1 1 RootCertificateCleanupOption=0
cleanup 0 0 RootCertificateCleanupOption=1
cleanup 1 0 RootCertificateCleanupOption=2
cleanup 1 0 RootCertificateCleanupOption=3
cleanup 1 0 RootCertificateCleanupOption:1
cleanup 1 0
lab_proved certprop-04

lab_say "policies that change while a session lives"
lab_tell one insert
lab_card two 5002 gids "$LAB_CARDS/two-gids" --out
logon erin
session=$(lab_session main id)
lab_wait "one root" lab_has 1 lab_roots main
live CertPropEnabled=0
lab_tell two insert
# two_is STATE: the card in the other slot
two_is() {
	lab_wait "the other card is $1" lab_is "$1" main readers \
		'.readers | sort_by(.name) | .[1].card'
}
two_is present
lab_never 1 "the other card's root" lab_has 2 lab_roots main
lab_expect "what was there" "1 $LAB_GIDS_CERTS" \
	"$(lab_roots main) $(lab_certs main erin@lab)"

lab_say "propagation 0 -> 1: all readers are looked at now"
live CertPropEnabled=1
lab_wait "both roots" lab_has 2 lab_roots main
lab_expect "certificates" $((2 * LAB_GIDS_CERTS)) "$(lab_certs main erin@lab)"

lab_say "roots 1 -> 0: out at once, but not with clean-up 0; 0 -> 1: back"
live EnableRootCertificatePropagation=0
lab_wait "no root" lab_has 0 lab_roots main
lab_expect "certificates" $((2 * LAB_GIDS_CERTS)) "$(lab_certs main erin@lab)"
live EnableRootCertificatePropagation=1
lab_wait "both roots" lab_has 2 lab_roots main
live RootCertificateCleanupOption=0
live RootCertificateCleanupOption=0 EnableRootCertificatePropagation=0
lab_never 1 "a root goes" lab_has 0 lab_roots main
lab_expect "roots" 2 "$(lab_roots main)"

lab_say "clean-up 2 -> 1: the roots of absent cards go now; 1 -> 2, 2 -> 0: later"
live RootCertificateCleanupOption=2
lab_tell two remove
two_is empty
lab_never 1 "its root goes" lab_has 1 lab_roots main
live RootCertificateCleanupOption=1
lab_wait "its root is gone" lab_has 1 lab_roots main
live RootCertificateCleanupOption=2
lab_tell one remove
card_is empty
live RootCertificateCleanupOption=0
lab_never 1 "a root comes or goes" lab_is true main roots \
	'[.roots[] | select(.kind == "anchor")] | length != 1'
lab_expect "the session" "$session" "$(lab_session main id)"
lab_leave_desk erin
lab_expect "kept" 1 "$(kept)"

lab_say "clean-up 0 -> 1: what is kept of ended log-ons stays until it is purged"
policy RootCertificateCleanupOption=1
lab_tell one insert
logon frank
lab_wait "the card's root" lab_has 1 lab_roots main
lab_expect "kept" 1 "$(kept)"

lab_say "redirection is blocked: as if the device were removed"
live RootCertificateCleanupOption=1 fEnableSmartCard=0
lab_wait "no root" lab_has 0 lab_roots main
lab_wait "no reader" lab_is 0 main readers '.readers | length'
live RootCertificateCleanupOption=1
lab_wait "the root is back" lab_has 1 lab_roots main
lab_expect "sessions of frank" 1 "$(lab_sessions main)"
lab_leave_desk frank
lab_expect "kept, still" 1 "$(kept)"
lab_ctl main roots purge >/dev/null
lab_proved certprop-07

lab_say "redirection is blocked from the first: no device, and the reason is told"
policy fEnableSmartCard=0
before=$(lab_tell one apdus)
logon grace
lab_wait "a reason that names the policy" lab_is true main sessions \
	'.sessions[0].reason | test("policy")'
lab_wait "the log says so" grep -q 'role role=none reason=.*policy' "$log"
lab_never 2 "a reader" lab_is true main readers '.readers | length > 0'
lab_expect "commands to the card" "$before" "$(lab_tell one apdus)"
lab_expect "certificates" 0 "$(lab_certs main grace@lab)"
lab_alive client-grace || lab_fail "the client has gone"
lab_proved certprop-08
