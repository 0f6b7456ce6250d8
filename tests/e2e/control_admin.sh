#!/bin/bash
# What an administrator does with cardproxyctl: a pinned root survives the
# card's removal and the log-off, and goes when it is unpinned; certificates
# leave as PKCS#7 and as a serialised store of Windows; a name that was set
# survives the next insertion; a backup is sound; who only looks changes nothing.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_own
sed -i '/^run_dir/a control_group = bob' "$(lab_home main)/conf"
# The daemon gives its socket to a group it is a member of.
sed 's/^bob:.*/&labproxy/' /etc/group >"$LAB/run/group"
cat "$LAB/run/group" >/etc/group
lab_daemon main
lab_ctl_plain() {
	timeout 20 "$LAB_BUILD/proxy/cardproxyctl" \
		--socket "$(lab_run_dir main)/control.sock" "$@"
}

# By the pinned root alone: the intermediate left with the card.
trusts() {
	openssl verify -no-CAfile -no-CAstore -CApath "$view/certs" \
		-purpose sslclient -untrusted "$LAB_PKI/one/intermediate.pem" \
		"$LAB_PKI/one/user.pem" >"$LAB/run/verify" 2>&1
}

lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_client alice 3901 one alice
lab_wait "the card's root" lab_has 1 lab_roots main
view=$(lab_view main)
root=$(lab_query main roots '.roots[] | select(.kind == "anchor") | .sha256')
cert=$(lab_query main "certs --user alice" '.certs[0].sha256')

lab_say "a pin"
lab_ctl main roots pin --scope user:alice --reason "needed" "$root" >/dev/null
lab_expect "the pin" "user:alice needed" \
	"$(lab_query main "roots explain $root" \
		'.pins[0] | .scope + " " + .reason')"
lab_tell one remove
lab_wait "the claim is gone" lab_has 0 lab_roots main
trusts ||
	lab_fail "the pinned root left with the card"
lab_stop client-alice
lab_wait "the session's end" lab_has 0 lab_sessions main
lab_client alice 3901 one alice
lab_wait "a new session" lab_has 1 lab_sessions main
lab_wait "its user" lab_has alice lab_session main user
view=$(lab_view main)
lab_wait "the pinned root in the next session" trusts
lab_ctl main roots unpin "$root" >/dev/null
! trusts ||
	lab_fail "the root is there after it was unpinned"

lab_say "a pin of a file"
lab_ctl main roots pin --scope user:alice "$LAB_PKI/one/root.pem" >/dev/null
trusts ||
	lab_fail "the root from a file is not trusted"
! lab_ctl main roots pin --scope host "$LAB_PKI/one/user.pem" 2>/dev/null ||
	lab_fail "a certificate that is no root was pinned"
lab_ctl main roots unpin "$root" >/dev/null

lab_say "exports"
lab_ctl_plain certs export --user alice --format p7b >"$LAB/run/alice.p7b"
lab_expect "certificates in PKCS#7" $LAB_GIDS_CERTS \
	"$(openssl pkcs7 -in "$LAB/run/alice.p7b" -print_certs |
		grep -c 'BEGIN CERT')"

lab_say "properties"
lab_ctl main certs set "$cert" --user alice "friendly-name=My own name" \
	archived=no >/dev/null
lab_ctl_plain certs export --user alice --format sst "$cert" \
	>"$LAB/run/alice.sst"
lab_expect "the file's type" CERT \
	"$(dd if="$LAB/run/alice.sst" bs=1 skip=4 count=4 2>/dev/null)"
lab_ctl main certs set "$cert" --user alice "friendly-name=Another" >/dev/null
lab_ctl main certs import-properties --user alice "$LAB/run/alice.sst" \
	>/dev/null 2>&1
lab_tell one insert
lab_wait "the root is back" lab_has 1 lab_roots main
lab_expect "the name after an insertion" "My own name" \
	"$(lab_query main "certs --user alice" \
		'.certs[] | select(.sha256 == $cert) | .friendly_name' \
		--arg cert "$cert")"
lab_expect "the audit" root-unpinned "$(lab_query main audit \
	'[.audit[] | select(.session == "admin")] | map(.event) |
		map(select(. == "root-unpinned"))[0]')"

lab_say "a backup"
lab_ctl_plain store backup "$LAB/run/backup.db" >/dev/null
lab_ctl_plain store check "$LAB/run/backup.db"
lab_ctl_plain store check
! lab_ctl_plain store backup "$LAB/run/backup.db" 2>/dev/null ||
	lab_fail "a backup was overwritten"

lab_say "who only looks"
chmod 755 "$LAB" "$LAB/run"
as_bob() {
	timeout 20 setpriv --reuid=bob --regid=bob --clear-groups \
		"$LAB_BUILD/proxy/cardproxyctl" \
		--socket "$(lab_run_dir main)/control.sock" --json "$@"
}
as_bob roots >/dev/null || lab_fail "a member of the group may not look"
! as_bob roots pin --scope host "$root" 2>"$LAB/run/refusal" ||
	lab_fail "a member of the group may pin"
grep -q "only root" "$LAB/run/refusal" || lab_fail "not that refusal"
! as_bob store backup "$LAB/run/bob.db" 2>/dev/null ||
	lab_fail "a member of the group may copy the store"
lab_expect "pins" 0 "$(lab_query main roots '.pins | length')"
