#!/bin/bash
# The auditor, which speaks after every scenario, is no yes-man: whatever is made
# wrong by hand in a view, in the store or among the processes, it finds, and says
# which invariant is broken and where.
#
# shellcheck disable=SC2016 # commands that are evaluated where they are needed
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_proven
lab_pcscd two 5101
lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_card two 5101 gids "$LAB_CARDS/two-gids"
lab_client alice 3901 one alice
lab_client bob 3901 two bob
lab_wait "alice's and bob's roots" lab_has 2 lab_roots main
lab_wait "alice's certificates" lab_has $LAB_GIDS_CERTS lab_certs main alice
lab_wait "bob's certificates" lab_has $LAB_GIDS_CERTS lab_certs main bob
run=$(lab_run_dir main)
store=$(lab_home main)/store
view=$(lab_view main alice)
other=$(lab_view main bob)
logon=${view##*/}
lab_wait "alice's link" test "$run/user/61001" -ef "$view"
lab_wait "bob's link" test "$run/user/61002" -ef "$other"

# says DATABASE [--stopped]: its first reason, "" when all is well.
says() {
	AUDITOR_ONCE=1 AUDITOR_CONFIG=$(lab_home main)/conf \
		"$LAB_BUILD/tests/audit/auditor" ${2:+"$2"} "$1" "$run" \
		>"$LAB/run/said" || true
	jq -r .first "$LAB/run/said"
}

# finds WANTED SAID
finds() {
	case $2 in
	"$1"*) ;;
	*) lab_fail "the auditor should say '$1', and says '$2'" ;;
	esac
}

# spoiled WANTED COMMAND UNDO
spoiled() {
	eval "$2"
	finds "$1" "$(says "$store/cardproxy.db")"
	eval "$3"
}

lab_expect "at the start" "" "$(says "$store/cardproxy.db")"

pid=$(lab_session main pid alice)

# It would repair what it comes by.
keeper=$(ss -Hxlp src "$run/control.sock" |
	sed -n 's/.*pid=\([0-9]*\).*/\1/p' | head -n 1)
kill -STOP "$keeper"
mine=$(basename "$(find "$view/certs" -name '*.pem')" .pem)
link=$(find "$view/certs" -type l -printf '%f\n')
cert=$(find "$view/personal" -name '*.pem' ! -name '*.uri.pem' | sort | head -n 1)
theirs=$(find "$other/certs" -name '*.pem')
theirs_own=$(find "$other/personal" -name '*.json' | head -n 1)

lab_say "views"
spoiled "I1: shown without reason: $view/anchors" \
	'cp -p "$theirs" "$view/anchors"' 'rm "$view/anchors/${theirs##*/}"'
spoiled "I7: shown without reason: $view/personal" \
	'cp -p "$theirs_own" "$view/personal"' \
	'rm "$view/personal/${theirs_own##*/}"'
spoiled "I3: not shown: $view/trust/anchors" \
	'mv "$view/trust/anchors/$mine.pem" "$LAB/run"' \
	'mv "$LAB/run/$mine.pem" "$view/trust/anchors"'
spoiled "I3: is not its name: $view/anchors" \
	'mv "$view/anchors/$mine.pem" "$LAB/run"
	install -m 644 -o labproxy -g labproxy "$theirs" "$view/anchors/$mine.pem"' \
	'mv "$LAB/run/$mine.pem" "$view/anchors"'
spoiled "I3: of another: $view/personal" \
	'mv "${cert%.pem}.json" "$LAB/run"
	install -m 644 -o labproxy -g labproxy "$theirs_own" "${cert%.pem}.json"' \
	'mv "$LAB/run/$(basename "$cert" .pem).json" "$view/personal"'
spoiled "I3: no link to: $view/certs/$mine" \
	'rm "$view/certs/$link"' 'ln -s "$mine.pem" "$view/certs/$link"'
spoiled "I1: leads astray: $view/certs/abcdef01.0" \
	'ln -s "$mine.pem" "$view/certs/abcdef01.0"' \
	'rm "$view/certs/abcdef01.0"'
spoiled "I1: leads astray: $view/intermediates/more" \
	'ln -s /etc/ssl/certs "$view/intermediates/more"' \
	'rm "$view/intermediates/more"'
for at in "" /certs /anchors /trust /trust/anchors /intermediates /personal; do
	spoiled "I8: left over: $view$at/.new" \
		'touch "$view$at/.new"' 'rm "$view$at/.new"'
done
spoiled "I8: left over: $run/session/.gone" \
	'mkdir "$run/session/.gone"' 'rmdir "$run/session/.gone"'
spoiled "I8: left over: $run/policy.old" \
	'touch "$run/policy.old"' 'rm "$run/policy.old"'
dead=$(printf 'ab%.0s' {1..16})
spoiled "I1: a view of no live log-on: $run/session/$dead" \
	'cp -a "$view" "$run/session/$dead"' 'rm -r "$run/session/$dead"'
spoiled "I3: a log-on without a view: $logon" \
	'mv "$view" "$LAB/run/view"' 'mv "$LAB/run/view" "$view"'
spoiled "I1: shown without reason: $run/host/certs" \
	'install -m 644 -o labproxy -g labproxy "$theirs" "$run/host/certs"' \
	'rm "$run/host/certs/${theirs##*/}"'

lab_say "whom they let in"
# An access list as the kernel has it: acl MODE-OF-USER UID MODE-OF-OTHERS
acl() {
	perl -e 'my ($bits, $uid, $other) = @ARGV;
		print "0x", unpack "H*", pack "V(vvV)5", 2, 1, 7, ~0,
			2, $bits, $uid, 4, 5, ~0, 16, 7, ~0, 32, $other, ~0' "$@"
}
# give PATH LIST
give() {
	perl -e 'my ($path, $list) = @ARGV;
		my $bytes = pack "H*", substr $list, 2;
		my $name = "system.posix_acl_access";
		syscall(188, $path, $name, $bytes, length $bytes, 0) == 0
			or die "setxattr: $!"' "$@"
}
spoiled "I7: lets in another user: $view" \
	'give "$view" "$(acl 5 61002 0)"' 'give "$view" "$(acl 5 61001 0)"'
spoiled "I7: its mode is not 750: $view" \
	'give "$view" "$(acl 5 61001 5)"' 'give "$view" "$(acl 5 61001 0)"'
spoiled "I7: the user may do 7 with: $view" \
	'give "$view" "$(acl 7 61001 0)"' 'give "$view" "$(acl 5 61001 0)"'
spoiled "I7: keeps out its user: $view" \
	'mv "$view" "$LAB/run/view"; cp -r "$LAB/run/view" "$view"
	chmod 750 "$view"; chown -R labproxy:labproxy "$view"' \
	'rm -r "$view"; mv "$LAB/run/view" "$view"'
spoiled "I7: somebody else's: $view/certs" \
	'chown alice "$view/certs"' 'chown labproxy "$view/certs"'
spoiled "I7: its mode is not 755: $view/anchors" \
	'chmod 777 "$view/anchors"' 'chmod 755 "$view/anchors"'
spoiled "I7: not a plain file of ours: $cert" \
	'chmod 666 "$cert"' 'chmod 644 "$cert"'
spoiled "I7: not a plain file of ours: $view/krb5.conf" \
	'ln "$view/krb5.conf" "$run/../linked"' 'rm "$run/../linked"'
spoiled "I7: names another's: $view/p11-kit-trust.module" \
	'cp -a "$view/p11-kit-trust.module" "$LAB/run"
	cat "$other/p11-kit-trust.module" >"$view/p11-kit-trust.module"' \
	'cat "$LAB/run/p11-kit-trust.module" >"$view/p11-kit-trust.module"'
spoiled "I3: 0 of 1 anchors are named: $view/krb5.conf" \
	'cp -a "$view/krb5.conf" "$LAB/run"; : >"$view/krb5.conf"' \
	'cat "$LAB/run/krb5.conf" >"$view/krb5.conf"'

lab_say "users' links"
spoiled "I7: leads to another user's: $run/user/61001" \
	'ln -sfn "../session/${other##*/}" "$run/user/61001"' \
	'ln -sfn "../session/$logon" "$run/user/61001"'
spoiled "I1: leads to no live log-on: $run/user/61001" \
	'ln -sfn "../session/$dead" "$run/user/61001"' \
	'ln -sfn "../session/$logon" "$run/user/61001"'
spoiled "I7: leads elsewhere: $run/user/61001" \
	'ln -sfn "$view" "$run/user/61001"' \
	'ln -sfn "../session/$logon" "$run/user/61001"'
spoiled "I8: left over: $run/user/.new" \
	'ln -s "../session/$logon" "$run/user/.new"' 'rm "$run/user/.new"'
spoiled "I7: its mode is not 711: $run/user" \
	'chmod 755 "$run/user"' 'chmod 711 "$run/user"'

lab_say "the store's files"
spoiled "I7: open to others: $store/cardproxy.db" \
	'chmod 644 "$store/cardproxy.db"' 'chmod 600 "$store/cardproxy.db"'
spoiled "I8: left over: $store/cardproxy.db.part" \
	'touch "$store/cardproxy.db.part"' 'rm "$store/cardproxy.db.part"'

# A copy of the store that says something else.
written() {
	rm -rf "$LAB/copy"
	mkdir -m 700 "$LAB/copy"
	cp "$store"/cardproxy.db{,-wal} "$LAB/copy"
	sqlite3 "$LAB/copy/cardproxy.db" "PRAGMA foreign_keys = off; $2" >/dev/null
	chmod 600 "$LAB"/copy/*
	finds "$1" "$(says "$LAB/copy/cardproxy.db")"
}

lab_say "what the store says"
written "" ""
written "I1: a root in force without a live log-on" \
	"UPDATE session SET ended_at = 1 WHERE session_id = '$logon'"
written "I1: a root in force without a live log-on" \
	"UPDATE proxy SET epoch = epoch + 1"
written "I1: a root that ends with its card, and the card is gone" \
	"UPDATE claim SET present = 0 WHERE session_id = '$logon'"
written "I1: a disconnected log-on is too old" \
	"UPDATE session SET detached_at = 1, expires_at = 2
		WHERE session_id = '$logon'"
written "I1: a root of a log-on without a user" \
	"UPDATE session SET user_key = NULL WHERE session_id = '$logon'"
written "I1: kept after its session, but not meant to be" \
	"UPDATE claim SET kept = 1 WHERE session_id = '$logon'"
written "I3: a certificate is not its SHA-256" \
	"UPDATE cert SET der = CAST(der || x'00' AS BLOB)"
written "I3: a row refers to nothing" \
	"DELETE FROM cert WHERE sha256 IN (SELECT sha256 FROM entry LIMIT 1)"
written "I3: an entry under the number of another certificate" \
	"UPDATE entry SET cert_no = (SELECT c.no FROM cert c
		WHERE c.sha256 <> entry.sha256 LIMIT 1)"
written "I3: a claim under the number of another certificate" \
	"UPDATE claim SET cert_no = (SELECT c.no FROM cert c
		WHERE c.sha256 <> claim.sha256 LIMIT 1)"
written "I3: an entry that nothing backs" \
	"UPDATE entry SET kept = 0; DELETE FROM claim WHERE scope = 'user:alice'"
written "I3: an entry of no store" "UPDATE entry SET store = 7 WHERE store = 1"
written "I7: a certificate claimed for another user than the log-on's" \
	"UPDATE claim SET scope = 'user:bob' WHERE scope = 'user:alice'"
written "I7: a root claimed for another log-on's scope" \
	"UPDATE claim SET scope = 'session:$dead' WHERE scope = 'session:$logon'"
written "I7: leads to a name nobody proved: $run/user/61001" \
	"UPDATE session SET identity_source = 'claimed'
		WHERE session_id = '$logon'"

lab_say "processes"
spoiled "I3: two processes hold the store" \
	'sleep 600 <"$store/cardproxy.db" & holder=$!' \
	'kill "$holder"; wait "$holder" || true'
finds "I1: a view without a daemon" "$(says "$store/cardproxy.db" --stopped)"
# A session that is killed while nobody can note it.
kill -KILL "$pid"
lab_wait "its end" test ! -e "/proc/$pid"
finds "I1: 2 log-ons are connected, 1 processes are" \
	"$(says "$store/cardproxy.db")"
kill -CONT "$keeper"
lab_wait "the view is gone" test ! -e "$view"
lab_wait "the link is gone" test ! -L "$run/user/61001"
lab_expect "at the end" "" "$(says "$store/cardproxy.db")"
spoiled "I8: the keeper holds " \
	'perl -MIO::Socket::UNIX -e '\''my @held = map {
		IO::Socket::UNIX->new(Peer => $ARGV[0]) } 1 .. 60; sleep 600'\'' \
		"$run/control.sock" & holder=$!
	sleep 1' \
	'kill "$holder"; wait "$holder" || true'
