#!/bin/bash
# The acceptance list of certificate propagation: hostile cards beside a good
# one, and a client without readers that hears nothing for a minute of real time.
#
# The list speaks of a helper process whose crash costs one read.  The design
# has it otherwise: cards' bytes are parsed in the session's own process, by
# decoders that are fuzzed; a crash there ends this one connection and no other
# (kill_session.sh).  So 31 is proved by what a helper would have been for: no
# card, however malformed, ends the session or costs the other card in it.
#
# proves: certprop-31 certprop-32
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_desk
lab_pcscd_bare none
lab_policy main default RootCertificateCleanupOption=1
lab_daemon main
quiet_seconds=60

# requests: of any kind, that FreeRDP's card device was sent, by its own log.
requests() {
	grep -c 'SCARD_IOCTL\|IRP_MJ_DEVICE_CONTROL\|smartcard_irp_device_control_decode' \
		"$LAB/log/client-quiet" || true
}
lab_say "a client without readers"
WLOG_LEVEL=TRACE lab_logon desk 3901 none quiet 1
asked() { [ "$(requests)" -gt 0 ]; }
lab_wait "the first requests" asked
sleep 2
quiet_since=$SECONDS
first=$(requests)
lab_expect "readers" 0 "$(lab_query main readers '.readers | length')"

lab_say "a good card, and in the other slot one bad card after the other"
lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_card bad 5002 gids "$LAB_CARDS/two-gids" --out
lab_logon desk 3901 one alice 2
lab_wait "certificates" lab_has $LAB_GIDS_CERTS lab_certs main alice@lab
lab_wait "the card's root" lab_has 1 lab_roots main
pid=$(lab_session main pid alice@lab)
view=$(lab_view main alice@lab)

# state WANTED...: of the card in the other slot
state() {
	lab_query main readers '[.readers[] | select(.user == "alice@lab")] |
		sort_by(.name) | .[1].card'
}
settled() {
	case $(state) in
	failed | present) ;;
	*) false ;;
	esac
}
# harmless WHAT: all is as it was with the good card
harmless() {
	lab_wait "$1 is settled" settled
	lab_expect "$1: the session's process" "$pid" \
		"$(lab_session main pid alice@lab)"
	lab_expect "$1: certificates" $LAB_GIDS_CERTS \
		"$(lab_certs main alice@lab)"
	lab_verifies "$view" "$LAB_PKI/one/user.pem" ||
		lab_fail "$1: the good card's root is not trusted"
	! lab_verifies "$view" "$LAB_PKI/two/user.pem" ||
		lab_fail "$1: a root of the bad card is trusted"
}
# bad NAME: a card of files that this function's input fills in
bad() {
	mkdir -p "$LAB/bad/$1"
	openssl rand -hex 16 >"$LAB/bad/$1/guid"
}
good=$LAB_CARDS/two-gids
# Every field that counts or measures something says too much.
bad longer
printf '\x30\x84\xff\xff\xff\xff\x30\x84\x7f\xff\xff\xff' >"$LAB/bad/longer/kxc00.der"
cp "$LAB/bad/longer/kxc00.der" "$LAB/bad/longer/msroots.p7b"
bad deeper
{ printf '\x30\x80%.0s' $(seq 2000); } >"$LAB/bad/deeper/kxc00.der"
cp "$LAB/bad/deeper/kxc00.der" "$LAB/bad/deeper/msroots.p7b"
bad cut
head -c 700 "$good/kxc00.der" >"$LAB/bad/cut/kxc00.der"
head -c 900 "$good/msroots.p7b" >"$LAB/bad/cut/msroots.p7b"
bad random
head -c 3000 /dev/urandom >"$LAB/bad/random/kxc00.der"
head -c 9000 /dev/urandom >"$LAB/bad/random/msroots.p7b"
for card in longer deeper cut random; do
	lab_tell bad swap "$LAB/bad/$card" gids >/dev/null
	lab_wait "the card is $card" lab_is 2 main readers '[.readers[] |
		select(.user == "alice@lab" and .card != "empty")] | length'
	harmless "$card"
	lab_tell bad remove >/dev/null
	lab_wait "its reader is empty" lab_has empty state
done
lab_tell bad swap "$good" gids >/dev/null
lab_tell bad remove >/dev/null
lab_tell bad garbage on >/dev/null
lab_tell bad insert >/dev/null
harmless "noise"
lab_say "and the good card works in all of its ways"
lab_tell one remove
lab_wait "its root is gone" lab_has 0 lab_roots main
lab_tell one insert
lab_wait "its root is back" lab_has 1 lab_roots main
lab_tell bad remove
lab_tell bad garbage off
lab_tell bad insert
lab_wait "a good card where the bad ones were" lab_has 2 lab_roots main
lab_expect "the session's process" "$pid" "$(lab_session main pid alice@lab)"
lab_proved certprop-31

lab_say "no request has come to the client without readers"
while [ $((SECONDS - quiet_since)) -lt $quiet_seconds ]; do
	sleep 1
done
lab_expect "requests" "$first" "$(requests)"
lab_expect "commands" 0 "$(grep -c 'user=quiet@lab.*call=' \
	"$LAB/log/daemon-main" || true)"
lab_alive client-quiet || lab_fail "the client has gone"
lab_expect "the session" watching "$(lab_session main state quiet@lab)"
lab_proved certprop-32
