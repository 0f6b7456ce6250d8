#!/bin/bash
# RootScope = host: a root of the administrator's list is trusted by everybody on
# this host, below <run>/host, and only as long as somebody's card or log-on backs
# it; a root that is not on the list stays with its session.  What the system
# itself trusts does not change.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
fingerprint() {
	openssl x509 -in "$1" -outform DER | sha256sum | cut -d ' ' -f 1
}
one=$(fingerprint "$LAB_PKI/one/root.pem")
two=$(fingerprint "$LAB_PKI/two/root.pem")
lab_scene_desk policy=everybody
lab_pcscd two 5011
lab_desk other 4002
lab_listen main 3902 other
lab_target main other 4002 ca_file="$LAB_PKI/one/root.pem" rdpdr=own \
	identity=session-info policy=everybody
lab_policy main everybody RootCertificateCleanupOption=1 RootScope=host \
	HostRootHashes="$one"
conf=$(lab_home main)/conf
host=$(lab_run_dir main)/host
mkdir "$LAB/run/certs"
for company in one two; do
	for name in user intermediate; do
		install -m 644 "$LAB_PKI/$company/$name.pem" \
			"$LAB/run/certs/$company-$name.pem"
	done
done

# everybody COMPANY: a user without any session trusts that card, by the host.
everybody() {
	lab_as bob openssl verify -purpose sslclient -no-CAfile -no-CAstore \
		-CApath "$host/certs" \
		-untrusted "$LAB/run/certs/$1-intermediate.pem" \
		"$LAB/run/certs/$1-user.pem"
}
nobody() {
	! everybody "$1"
}
# within USER COMPANY: the session of that user trusts that card.
within() {
	openssl verify -purpose sslclient -no-CAfile -no-CAstore \
		-CApath "$(lab_view main "$1@lab")/certs" \
		-untrusted "$LAB/run/certs/$2-intermediate.pem" \
		"$LAB/run/certs/$2-user.pem"
}
files() {
	find "$host" -type f | wc -l
}
# Names, modes and contents of what all programs trust.
trusted() {
	tar -cf - /etc/ssl /usr/share/ca-certificates \
		/usr/local/share/ca-certificates 2>/dev/null | sha256sum
}

before=$(trusted)
lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_card two 5011 gids "$LAB_CARDS/two-gids"

lab_say "without a session: what is pinned for the host, until it is unpinned"
lab_expect "files of the host" 0 "$(files)"
lab_ctl main roots pin --scope host --reason "for all" \
	"$LAB_PKI/two/root.pem" >/dev/null
lab_wait "everybody trusts it" everybody two
lab_expect "sessions" 0 "$(lab_sessions main)"
lab_ctl main roots unpin --scope host "$two" >/dev/null
lab_wait "nobody trusts it" nobody two
lab_expect "files of the host" 0 "$(files)"

lab_say "a root of the list is everybody's, another one is its session's"
lab_logon desk 3901 one alice 1
lab_logon other 3902 two bob 2
lab_wait "everybody trusts alice's card" everybody one
lab_wait "bob's session trusts his card" within bob two
nobody two >/dev/null 2>&1 || lab_fail "everybody trusts bob's card"
within alice one >/dev/null || lab_fail "alice's session does not trust her card"
! within bob one >/dev/null 2>&1 || lab_fail "it is in bob's view as well"
lab_as_in main bob@lab bob openssl verify -purpose sslclient -no-CAfile \
	-untrusted "$LAB/run/certs/one-intermediate.pem" \
	"$LAB/run/certs/one-user.pem" ||
	lab_fail "bob's programs do not look at what the host trusts"
! within alice two >/dev/null 2>&1 || lab_fail "alice trusts bob's card"
lab_expect "scopes" "host session session" "$(lab_query main roots \
	'[.roots[] | select(.kind == "anchor")] | sort_by(.sha256 != $one, .scope) |
	map(.scope | split(":")[0]) | join(" ")' --arg one "$one")"
lab_expect "what the system trusts" "$before" "$(trusted)"

lab_say "a card in another session backs it as well"
lab_tell two swap "$LAB_CARDS/one-gids" gids
backers() {
	lab_query main roots '[.roots[] | select(.scope == "host") |
		.holders[]] | length'
}
lab_wait "both back it" lab_has 2 backers
lab_tell one remove
lab_wait "one backs it" lab_has 1 backers
everybody one >/dev/null || lab_fail "it goes with the first card"
lab_tell two swap "$LAB_CARDS/two-gids" gids
lab_wait "nobody trusts it" nobody one
lab_expect "files of the host" 0 "$(files)"
lab_wait "bob's session trusts his card" within bob two

lab_say "a session that is killed leaves nothing to everybody"
lab_tell one insert
lab_wait "everybody trusts it" everybody one
kill -KILL "$(lab_session main pid alice@lab)"
lab_wait "nobody trusts it" nobody one
within bob two >/dev/null || lab_fail "bob has lost his root"
lab_stop client-alice KILL 2>/dev/null

lab_say "nor does a daemon that is killed, once it is back"
lab_logon desk 3901 one alice 3
lab_wait "everybody trusts it" everybody one
lab_ctl main roots pin --scope host "$LAB_PKI/two/root.pem" >/dev/null
pkill -KILL -x cardproxyd
lab_stop daemon-main KILL 2>/dev/null
lab_stop client-alice KILL 2>/dev/null
lab_stop client-bob KILL 2>/dev/null
lab_daemon main
lab_expect "sessions" 0 "$(lab_sessions main)"
lab_wait "nobody trusts the card's" nobody one
everybody two >/dev/null || lab_fail "the pinned one is gone"
lab_ctl main roots unpin --scope host "$two" >/dev/null
lab_wait "nobody trusts it" nobody two

lab_say "option 2: with the card's removal it stays, with the log-off it goes"
sed -i 's/^RootCertificateCleanupOption.*/RootCertificateCleanupOption=2/' \
	"$conf"
kill -HUP "${LAB_PID[daemon-main]}"
lab_wait "the new policy" lab_is 2 main "policy show" '[.sections[].values[] |
	select(.key == "RootCertificateCleanupOption").value][0]'
lab_logon desk 3901 one alice 4
lab_wait "everybody trusts it" everybody one
lab_tell one remove
lab_wait "an empty reader" lab_has empty lab_reader main card
lab_never 1 "it goes with the card" nobody one
lab_logoff desk alice
lab_wait "nobody trusts it" nobody one
lab_wait "no session" lab_has 0 lab_sessions main

lab_say "a list that loses a root takes it from everybody, not from its session"
lab_tell one insert
lab_logon desk 3901 one alice 5
lab_wait "everybody trusts it" everybody one
sed -i "s/^HostRootHashes.*/HostRootHashes=$two/" "$conf"
kill -HUP "${LAB_PID[daemon-main]}"
lab_wait "nobody trusts it" nobody one
lab_wait "her session does" within alice one
lab_logoff desk alice
lab_wait "no session" lab_has 0 lab_sessions main
lab_expect "files of the host" 0 "$(files)"
lab_expect "what the system trusts" "$before" "$(trusted)"
