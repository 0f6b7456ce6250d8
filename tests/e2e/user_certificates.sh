#!/bin/bash
# What becomes of the user's certificates where an administrator wants something
# else than Windows does: UserCertificateCleanupOption, ArchiveStale, SkipExpired;
# and roots with short keys, which come by AllowWeakCardRoots alone.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_desk
conf=$(lab_home main)/conf
cp "$conf" "$LAB/run/conf"
log=$LAB/log/daemon-main
fingerprint() {
	openssl x509 -in "$1" -outform DER | sha256sum | cut -d ' ' -f 1
}

# The same card without the certificate for mail, and one whose root is weak.
cp -r "$LAB_CARDS/one-gids" "$LAB/run/renewed"
rm "$LAB/run/renewed/kxc02.der"
mail=$(fingerprint "$LAB_PKI/one/mail.pem")
cp -r "$LAB_CARDS/two-gids" "$LAB/run/weak"
openssl rand -hex 16 >"$LAB/run/weak/guid"
openssl req -x509 -newkey rsa:1024 -noenc -keyout /dev/null -days 30 \
	-subj "/O=Company weak/CN=Root weak" -out "$LAB/run/weak.pem" 2>/dev/null
openssl crl2pkcs7 -nocrl -certfile "$LAB/run/weak.pem" -outform DER \
	-out "$LAB/run/weak/msroots.p7b"
weak=$(fingerprint "$LAB/run/weak.pem")

# live KEY=VALUE...: the policy of everybody, also of who is there.
live() {
	cp "$LAB/run/conf" "$conf"
	lab_policy main default RootCertificateCleanupOption=1 "$@"
	lab_reload main
}
id=0
logon() {
	id=$((id + 1))
	lab_logon desk 3901 one "$1" $id
}
certs() {
	lab_certs main "$1@lab"
}
# archived USER: the certificates that are, by their thumbprints.
archived() {
	lab_query main "certs --user $1@lab" \
		'[.certs[] | select(.archived != "no") | .archived, .sha256] |
		join(" ")'
}
gone() {
	lab_wait "the root is gone" lab_has 0 lab_roots main
}
came() {
	lab_wait "the card's root" lab_has 1 lab_roots main
}

lab_policy main default RootCertificateCleanupOption=1
lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids"

lab_say "clean-up 0: they stay after the card and after the log-off"
live UserCertificateCleanupOption=0
logon alice
came
lab_tell one remove
gone
lab_expect "certificates" $LAB_GIDS_CERTS "$(certs alice)"
lab_leave_desk alice
lab_expect "certificates" $LAB_GIDS_CERTS "$(certs alice)"

lab_say "clean-up 1: they go with the card, and with a connection that is lost"
live UserCertificateCleanupOption=1
lab_tell one insert
logon bob
came
lab_expect "certificates" $LAB_GIDS_CERTS "$(certs bob)"
lab_tell one remove
gone
lab_wait "no certificates" lab_has 0 certs bob
lab_expect "files" "" "$(ls "$(lab_view main)/personal")"
lab_tell one insert
came
lab_expect "certificates" $LAB_GIDS_CERTS "$(certs bob)"
lab_stop client-bob KILL 2>/dev/null
lab_wait "no certificates" lab_has 0 certs bob
lab_expect "those that were to stay" $LAB_GIDS_CERTS "$(certs alice)"
lab_logon desk 3901 one bob $id
came
lab_leave_desk bob
lab_expect "certificates" 0 "$(certs bob)"

lab_say "clean-up 2: they stay after the card, and go with the log-off"
live UserCertificateCleanupOption=2
logon carol
came
lab_tell one remove
gone
lab_expect "certificates" $LAB_GIDS_CERTS "$(certs carol)"
lab_leave_desk carol
lab_expect "certificates" 0 "$(certs carol)"

lab_say "2 -> 1 while the card is away: they go now"
lab_tell one insert
logon carol
came
lab_tell one remove
gone
lab_expect "certificates" $LAB_GIDS_CERTS "$(certs carol)"
live UserCertificateCleanupOption=1
lab_wait "no certificates" lab_has 0 certs carol
lab_leave_desk carol

lab_say "what the card no longer has is archived, and comes back with it"
live ArchiveStale=0
lab_tell one insert
logon dave
came
lab_tell one remove
gone
lab_tell one swap "$LAB/run/renewed" gids
came
lab_expect "certificates" $LAB_GIDS_CERTS "$(certs dave)"
lab_expect "archived, without ArchiveStale" "" "$(archived dave)"
live ArchiveStale=1
lab_tell one remove
gone
lab_tell one insert
came
lab_wait "the one for mail is archived" lab_has "stale $mail" archived dave
lab_expect "certificates" $LAB_GIDS_CERTS "$(certs dave)"
lab_expect "of somebody else" "" "$(archived alice)"
lab_tell one remove
gone
lab_tell one swap "$LAB_CARDS/two-gids" gids
came
lab_expect "archived, by another card" "stale $mail" "$(archived dave)"
lab_tell one remove
gone
lab_tell one swap "$LAB_CARDS/one-gids" gids
came
lab_expect "archived" "" "$(archived dave)"
lab_leave_desk dave

lab_say "an expired one is left out where SkipExpired says so"
live SkipExpired=1
logon erin
came
lab_expect "certificates" $((LAB_GIDS_CERTS - 1)) "$(certs erin)"
grep -q ' cert-skipped .*reason="\?expired' "$log" || lab_fail "nobody says why"
live SkipExpired=0
lab_wait "it comes" lab_has $LAB_GIDS_CERTS certs erin

lab_say "a root of 1024 bits is refused, but where weak ones are allowed"
lab_tell one remove
gone
lab_tell one swap "$LAB/run/weak" gids
lab_wait "the refusal" grep -q " root-refused .*sha256=$weak" "$log"
lab_wait "the certificates" lab_has $((2 * LAB_GIDS_CERTS)) certs erin
lab_expect "roots" 0 "$(lab_roots main)"
live AllowWeakCardRoots=1
came
lab_expect "that one" "$weak" "$(lab_query main roots \
	'.roots[] | select(.kind == "anchor") | .sha256')"
live AllowWeakCardRoots=0
gone
lab_leave_desk erin
