#!/bin/bash
# A kiosk: a card counts only for whom it names (RequireCardMatchesUser), by its
# name for log-ons, its e-mail address or the administrator's list; of a
# colleague's nothing is stored and nothing is trusted, and the reason is told.
# Beside it the list of roots that may come from cards.  All of it follows the
# configuration in a session that lives.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_desk
conf=$(lab_home main)/conf
cp "$conf" "$LAB/run/conf"
log=$LAB/log/daemon-main
map=$LAB/etc/cards
fingerprint() {
	openssl x509 -in "$1" -outform DER | sha256sum | cut -d ' ' -f 1
}
one=$(fingerprint "$LAB_PKI/one/root.pem")
two=$(fingerprint "$LAB_PKI/two/root.pem")

# Cards that name alice in one way only.  A card without its intermediate names
# her as well, so roots stay.
for way in upn mail; do
	cp -r "$LAB_CARDS/one-gids" "$LAB/run/$way"
	openssl rand -hex 16 >"$LAB/run/$way/guid"
done
rm "$LAB/run/upn/kxc02.der" "$LAB/run/mail"/{kxc00,ksc01,kxc04}.der

# policy KEY=VALUE...: of everybody, for the next reading of the file.
policy() {
	cp "$LAB/run/conf" "$conf"
	lab_policy main default RootCertificateCleanupOption=1 "$@"
}
# live KEY=VALUE...: the same for the sessions that live.
live() {
	policy "$@"
	lab_reload main
}

# logon DOMAIN USER: at the desk.
id=0
logon() {
	local had

	id=$((id + 1))
	had=$(lab_connections desk)
	lab_client "$2" 3901 one "$2"
	lab_wait "activation" lab_has $((had + 1)) lab_connections desk
	lab_order desk v2 $id "$2" "$1"
	lab_wait "the log-on" lab_is "rdp:$id $2@${1,,}" main sessions \
		'.sessions[0] | .host_session + " " + .user'
}
refusals() {
	grep -c " card-not-of-user .*what=\"$1\"" "$log" || true
}
reason() {
	lab_query main "sessions show $(lab_session main id)" \
		'.readers[] | select(.card != "empty") | .reason'
}
# nothing USER WHY: of the card in the reader is taken, and that is told.
nothing() {
	lab_wait "a reason" lab_has "$2" reason
	lab_expect "certificates" 0 "$(lab_certs main "$1")"
	lab_expect "roots" 0 "$(lab_roots main)"
	lab_expect "files" "" "$(cd "$(lab_view main)" && \
		find certs anchors trust intermediates -type f -name '*[0-9]*')"
}
others="no certificate on the card is the user's"

policy RequireCardMatchesUser=1
lab_daemon main
lab_start watch "$LAB_BUILD/proxy/cardproxyctl" \
	--socket "$(lab_run_dir main)/control.sock" --json watch
lab_card one 5001 gids "$LAB_CARDS/two-gids"

lab_say "a colleague's card: nothing of it is stored or trusted, and why is told"
logon ONE.TEST alice
nothing alice@one.test "$others"
lab_expect "warnings" 1 "$(refusals "$others")"
lab_wait "news of it" grep -q '"event":"card-not-of-user"' "$LAB/log/watch"

lab_say "it is swapped for the right one, and back: what was the right one's stays"
lab_tell one swap "$LAB_CARDS/one-gids" gids
lab_wait "the card's root" lab_has 1 lab_roots main
lab_expect "certificates" $LAB_GIDS_CERTS "$(lab_certs main alice@one.test)"
lab_verifies "$(lab_view main)" "$LAB_PKI/one/user.pem" ||
	lab_fail "her card is not trusted"
lab_tell one swap "$LAB_CARDS/two-gids" gids
lab_wait "the root is gone" lab_has 0 lab_roots main
lab_wait "a reason" lab_has "$others" reason
lab_expect "warnings" 2 "$(refusals "$others")"
lab_expect "of the colleague" 0 "$(lab_query main certs \
	'[.certs[] | select(.issuer | test("two"))] | length')"
lab_expect "keys that are there" 0 "$(lab_query main certs \
	'[.certs[] | select(.key_available)] | length')"
lab_leave_desk alice

# matches DIRECTORY: alice's log-on takes that card; refuses: nothing.
matches() {
	lab_tell one swap "$1" gids
	lab_wait "the card's root" lab_has 1 lab_roots main
}
refuses() {
	lab_tell one swap "$1" gids
	lab_wait "the root is gone" lab_has 0 lab_roots main
	lab_wait "a reason" lab_has "$others" reason
}
lab_say "by the name for log-ons alone"
live RequireCardMatchesUser=1 CardUserMatch=upn
lab_tell one remove
logon ONE.TEST alice
matches "$LAB/run/upn"
refuses "$LAB/run/mail"

lab_say "by the e-mail address alone, as soon as the policy says so"
live RequireCardMatchesUser=1 CardUserMatch=email
lab_wait "the card's root" lab_has 1 lab_roots main
refuses "$LAB/run/upn"
lab_leave_desk alice

lab_say "by the administrator's list, which may change"
echo "somebody@else.test = sha256:$one" >"$map"
live RequireCardMatchesUser=1 CardUserMatch=map CardUserMap="$map"
lab_tell one swap "$LAB_CARDS/one-gids" gids
logon LAB carol
nothing carol@lab "$others"
# listed TEXT: the list, in the session that lives.
listed() {
	echo "$1" >"$map"
	live RequireCardMatchesUser=1 CardUserMatch=map CardUserMap="$map"
}
user=$(fingerprint "$LAB_PKI/one/user.pem")
for line in "sha256:$user" "upn:alice@one.test" "mail:Alice@One.Test"; do
	listed "Carol@LAB = $line"
	lab_wait "the card's root by $line" lab_has 1 lab_roots main
	lab_expect "certificates" $LAB_GIDS_CERTS "$(lab_certs main carol@lab)"
	listed "dave@lab = $line"
	lab_wait "the root is gone without $line" lab_has 0 lab_roots main
	lab_wait "a reason" lab_has "$others" reason
done
live RequireCardMatchesUser=0
lab_wait "the card's root, without the check" lab_has 1 lab_roots main
lab_expect "the log-on" 1 "$(lab_sessions main)"

lab_say "roots that may come from cards, by a list that changes"
refused() {
	grep -c " root-refused .*sha256=$1" "$log" || true
}
live AllowedRootHashes="$two"
lab_wait "a root that is not listed is gone" lab_has 0 lab_roots main
lab_wait "its reason" grep -q \
	" root-refused .*reason=\"not on the list\" sha256=$one" "$log"
lab_expect "certificates" $LAB_GIDS_CERTS "$(lab_certs main carol@lab)"
lab_tell one swap "$LAB_CARDS/two-gids" gids
lab_wait "a root that is listed" lab_has 1 lab_roots main
lab_expect "refusals of it" 0 "$(refused "$two")"
lab_expect "that one" "$two" "$(lab_query main roots \
	'.roots[] | select(.kind == "anchor") | .sha256')"
live AllowedRootHashes="$one"
lab_wait "it is gone" lab_has 0 lab_roots main
live AllowedRootHashes="$one | $two"
lab_wait "it is back" lab_has 1 lab_roots main
lab_verifies "$(lab_view main)" "$LAB_PKI/two/user.pem" ||
	lab_fail "the listed root is not trusted"
lab_leave_desk carol
