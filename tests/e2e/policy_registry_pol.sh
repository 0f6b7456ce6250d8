#!/bin/bash
# The machine's group policies: a Registry.pol renamed into the directory that
# the daemon watches changes what a session may, without a new log-on.  Root
# propagation off: the card's root goes; on again: it comes.  A file that is no
# good changes nothing.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_own
cache=$(lab_home main)/gpo_cache
guid='{31B2F340-016D-11D2-945F-00C04FB984F9}'
object=$cache/EXAMPLE.ORG/POLICIES/$guid/MACHINE
log=$LAB/log/daemon-main
mkdir -p "$cache"
sed -i "s|^\[daemon\]|&\npolicy_directory = $cache|" "$(lab_home main)/conf"

# policy VALUE...: as Samba caches an object, also its directories.
policy() {
	mkdir -p "$object"
	"$LAB_BUILD/tests/propagate/mkpol" "$@" >"$object/tmpx1y2z3"
	mv "$object/tmpx1y2z3" "$object/REGISTRY.POL"
}

# value KEY: "VALUE ORIGIN" as the daemon has it in force for the session.
value() {
	lab_query main "policy show $(lab_session main id)" \
		'.sections[0].values[] | select(.key == $key) |
		.value + " " + .origin' --arg key "$1"
}
shows() {
	[ "$(value "$1")" = "$2" ]
}

lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_client alice 3901 one alice
lab_wait "the card's root" lab_has 1 lab_roots main
lab_wait "certificates" lab_has $LAB_GIDS_CERTS lab_certs main alice
session=$(lab_session main id)
lab_expect "the root switch" "1 default" \
	"$(value EnableRootCertificatePropagation)"

lab_say "root propagation is turned off"
policy EnableRootCertificatePropagation=0
lab_wait "the root is gone" lab_has 0 lab_roots main
lab_wait "its origin" shows EnableRootCertificatePropagation "0 $guid"
lab_expect "certificates" $LAB_GIDS_CERTS "$(lab_certs main alice)"
grep -q "policy section=removal.*EnableRootCertificatePropagation=0 ($guid)" \
	"$log" || grep -q "EnableRootCertificatePropagation=0.*31B2F340" "$log" ||
	lab_fail "the log does not say what changed"

lab_say "a file that is cut changes nothing"
head -c 100 "$object/REGISTRY.POL" >"$object/tmpcut"
mv "$object/tmpcut" "$object/REGISTRY.POL"
lab_wait "the log names the byte" grep -q "REGISTRY.POL: byte [0-9]" "$log"
lab_never 2 "the root is back" lab_has 1 lab_roots main
lab_expect "the root switch" "0 $guid" \
	"$(value EnableRootCertificatePropagation)"

lab_say "and on again"
policy EnableRootCertificatePropagation=1
lab_wait "the root is back" lab_has 1 lab_roots main
lab_wait "its origin" shows EnableRootCertificatePropagation "1 $guid"

lab_say "and the policy goes altogether"
rm "$object/REGISTRY.POL"
lab_wait "the default" shows EnableRootCertificatePropagation "1 default"
lab_expect "roots" 1 "$(lab_roots main)"

lab_expect "the session" "$session" "$(lab_session main id)"
lab_alive client-alice || lab_fail "the client has gone"
