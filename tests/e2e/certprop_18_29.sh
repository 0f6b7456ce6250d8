#!/bin/bash
# The acceptance list of certificate propagation: what a card that comes again
# does to what is there already.
#
# proves: certprop-18 certprop-29
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_desk
lab_policy main default RootCertificateCleanupOption=1
log=$LAB/log/daemon-main
user=$(openssl x509 -in "$LAB_PKI/one/user.pem" -outform DER | sha256sum |
	cut -d ' ' -f 1)

# The same card with alice's certificate beside another key.
cp -r "$LAB_CARDS/one-gids" "$LAB/run/moved"
mv "$LAB/run/moved/kxc00.der" "$LAB/run/moved/kxc06.der"
# And another card with the same certificate.
cp -r "$LAB_CARDS/one-gids" "$LAB/run/copied"
openssl rand -hex 16 >"$LAB/run/copied/guid"

# entry FILTER: of alice's certificate, each that there is.
entry() {
	lab_query main "certs --user alice@lab" \
		'.certs[] | select(.sha256 == $user) | '"$1" --arg user "$user"
}
# comes COMMAND...: the card, and it has been looked at.
comes() {
	lab_wait "the root is gone" lab_has 0 lab_roots main
	lab_tell one "$@"
	lab_wait "the card's root" lab_has 1 lab_roots main
}

lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_logon desk 3901 one alice 1
lab_wait "the card's root" lab_has 1 lab_roots main
lab_expect "certificates" $LAB_GIDS_CERTS "$(lab_certs main alice@lab)"
first=$(entry .container)
card=$(entry .card_id)
given=$(entry '.friendly_name | length > 0')

lab_say "twice: one entry for each, and the name that was set stays"
lab_expect "a name of ours" true "$given"
lab_ctl main certs set "$user" --user alice@lab \
	"friendly-name=Alice's own name" "description=For the door" >/dev/null
lab_tell one remove
lab_wait "no key" lab_has false entry .key_available
comes insert
lab_expect "certificates" $LAB_GIDS_CERTS "$(lab_certs main alice@lab)"
lab_expect "the entry" "Alice's own name For the door $first $card true" \
	"$(entry '[.friendly_name, .description, .container, .card_id,
		(.key_available | tostring)] | join(" ")')"

lab_say "beside another key of the card: the binding follows"
lab_tell one remove
comes swap "$LAB/run/moved" gids
moved=$(entry .container)
[ -n "$moved" ] && [ "$moved" != "$first" ] ||
	lab_fail "the key is still looked for in $first"
lab_expect "certificates" $LAB_GIDS_CERTS "$(lab_certs main alice@lab)"
lab_expect "the entry" "Alice's own name For the door $card true" \
	"$(entry '[.friendly_name, .description, .card_id,
		(.key_available | tostring)] | join(" ")')"

lab_say "on another card: the binding follows there as well"
lab_tell one remove
comes swap "$LAB/run/copied" gids
lab_expect "certificates" $LAB_GIDS_CERTS "$(lab_certs main alice@lab)"
lab_expect "the entry" "Alice's own name For the door $first true" \
	"$(entry '[.friendly_name, .description, .container,
		(.key_available | tostring)] | join(" ")')"
[ "$(entry .card_id)" != "$card" ] || lab_fail "the card is still the first"
files=$(lab_view main)/personal
grep -qr "Alice's own name" "$files" || lab_fail "no file has the name"
lab_proved certprop-18

# The cards have one ATR, and the client sleeps while they are swapped: all that
# can be seen is that the reader's counter has moved.
lab_say "a swap that nobody could watch is a withdrawal and an insertion"
events() {
	sed -n 's/.* \(card-inserted\|card-removed\|card-read\) .*/\1/p' "$log"
}
inserts() {
	lab_tell one status | jq .inserts
}
atr_is_read() {
	lab_pcsc one opensc-tool --atr | grep -q :
}
had=$(events | wc -l)
next=$(($(inserts) + 1))
kill -STOP "${LAB_PID[client-alice]}"
lab_tell one swap "$LAB_CARDS/two-gids" gids
lab_wait "the other card" lab_has $next inserts
lab_wait "its reader has it" atr_is_read
kill -CONT "${LAB_PID[client-alice]}"
two() {
	lab_verifies "$(lab_view main)" "$LAB_PKI/two/user.pem"
}
lab_wait "the other card's root" two
lab_expect "roots" 1 "$(lab_roots main)"
! lab_verifies "$(lab_view main)" "$LAB_PKI/one/user.pem" ||
	lab_fail "the first card's root is trusted"
lab_expect "certificates" $((2 * LAB_GIDS_CERTS)) "$(lab_certs main alice@lab)"
lab_expect "keys that are there" $LAB_GIDS_CERTS "$(lab_query main certs \
	'[.certs[] | select(.key_available)] | length')"
lab_expect "events" "card-removed card-inserted card-read" \
	"$(events | tail -n +$((had + 1)) | tr '\n' ' ' | sed 's/ $//')"
lab_proved certprop-29
