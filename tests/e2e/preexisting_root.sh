#!/bin/bash
# A card's root that the host trusts already is a record and nothing else, and
# no removal of the card touches it. A root that only has the name of one that
# the host trusts is refused.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_own

# What the host trusts: its own, root one, and another "Root two".
bundle=$LAB/etc/anchors.pem
openssl req -x509 -newkey rsa:2048 -noenc -keyout /dev/null -days 30 \
	-subj "/O=COMPANY two/CN=Root  two" -out "$LAB/etc/other.pem" 2>/dev/null
cat "$LAB_PKI/one/root.pem" "$LAB/etc/other.pem" >"$bundle"
[ ! -r /etc/ssl/certs/ca-certificates.crt ] ||
	cat /etc/ssl/certs/ca-certificates.crt >>"$bundle"
sed -i "/^run_dir/a system_anchors = $bundle" "$(lab_home main)/conf"

# Every byte, name and date of what the system trusts.
trusted() {
	local dir

	for dir in /etc/ssl /usr/share/ca-certificates \
		/usr/local/share/ca-certificates /etc/ca-certificates; do
		[ ! -d $dir ] || tar -cf - "$dir" 2>/dev/null
	done | cat - "$bundle" | sha256sum
}
before=$(trusted)
lab_daemon main
lab_start watch "$LAB_BUILD/proxy/cardproxyctl" \
	--socket "$(lab_run_dir main)/control.sock" --json watch

# records: how many roots are on record as preexisting
records() {
	lab_query main roots \
		'[.roots[] | select(.kind == "preexisting")] | length'
}
fingerprint() {
	openssl x509 -in "$1" -outform DER | sha256sum | cut -d ' ' -f 1
}
says() {
	grep -q -- "$2" "$LAB/log/$1"
}

lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_client alice 3901 one alice
lab_wait "the user's certificates" lab_has $LAB_GIDS_CERTS lab_certs main alice
lab_wait "the root on record" lab_has 1 records
lab_expect "anchors of the session" 0 "$(lab_roots main)"
view=$(lab_view main)
lab_expect "files of anchors" 0 "$(find "$view/certs" "$view/anchors" \
	-mindepth 1 | wc -l)"
lab_wait "the intermediate" lab_has 1 eval "ls '$view/intermediates' | wc -l"
! lab_verifies "$view" "$LAB_PKI/one/user.pem" ||
	lab_fail "the view alone vouches for the card"
openssl verify -no-CApath -no-CAstore -CAfile "$bundle" \
	-untrusted "$LAB/run/untrusted" "$LAB_PKI/one/user.pem" >/dev/null ||
	lab_fail "the host does not vouch for the card"
root=$(fingerprint "$LAB_PKI/one/root.pem")
"$LAB_BUILD/proxy/cardproxyctl" --socket "$(lab_run_dir main)/control.sock" \
	roots explain "${root:0:16}" >"$LAB/log/explained"
says explained "This host trusts it already" ||
	lab_fail "the record is not explained"
lab_wait "news of it" says watch root-preexisting

lab_say "the card goes: the record goes, the host's root stays"
lab_tell one remove
lab_wait "no record" lab_has 0 records
lab_expect "what the host trusts" "$before" "$(trusted)"

lab_say "a card with a root that imitates the name of another"
lab_tell one swap "$LAB_CARDS/two-gids" gids
two=$(fingerprint "$LAB_PKI/two/root.pem")
lab_wait "the refusal" says watch "sha256=$two: has the name of a trust anchor"
says daemon-main "root-refused.*$two" || lab_fail "the refusal is not logged"
lab_wait "the card's intermediate" lab_has 1 \
	eval "ls '$view/intermediates' | wc -l"
lab_expect "anchors of the session" 0 "$(lab_roots main)"
lab_expect "records" 0 "$(records)"
! lab_verifies "$view" "$LAB_PKI/two/user.pem" ||
	lab_fail "the imitation is trusted"

lab_say "the bundle no longer has the name: sessions from now on take the root"
cat "$LAB_PKI/one/root.pem" >"$bundle.new"
mv "$bundle.new" "$bundle"
kill -HUP "${LAB_PID[daemon-main]}"
lab_wait "the reload" says daemon-main "reload.*done"
lab_stop client-alice
lab_wait "the session's end" lab_has 0 lab_sessions main
lab_client alice 3901 one alice
lab_wait "the card's root" lab_has 1 lab_roots main

lab_say "a bundle that is not there is a fault"
sed -i "s|^system_anchors.*|system_anchors = $LAB/etc/none.pem|" \
	"$(lab_home main)/conf"
! "$LAB_BUILD/proxy/cardproxyd" --config "$(lab_home main)/conf" --check \
	>"$LAB/log/check" 2>&1 || lab_fail "a missing bundle is taken"
says check "system_anchors: there is no such file" ||
	lab_fail "the fault is not told"
