#!/bin/bash
# The account of a user who logged on here is removed: with it go the
# certificates and the claims, also those on roots that no clean-up ends, while
# everybody else's stay.  Until then nothing goes, and "users forget" does the
# same for whom the host cannot know.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"

# useradd and userdel replace files of /etc, so it is ours as a whole.
cp -a /etc "$LAB/etc-whole"
umount /etc/passwd /etc/group /etc/shadow
mount --bind "$LAB/etc-whole" /etc
uid=61050
useradd --uid $uid --no-user-group --create-home --home-dir "$LAB/home/leaver" \
	--password "$(openssl passwd -6 -salt lab secret)" leaver
printf '#!/bin/sh\nexec sleep infinity\n' >"$LAB/home/leaver/startwm.sh"
chmod 755 "$LAB/home/leaver/startwm.sh"

lab_pam
lab_pcscd one 5001
lab_xrdp 4001
lab_config main 3901 xrdp
lab_target main xrdp 4001 "ca_file=$LAB_PKI/one/root.pem" rdpdr=relay \
	identity=pam policy=keep
lab_policy main keep RootCertificateCleanupOption=0
lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids"

# roots USER: how many are on record for that user, in force or kept.
roots() {
	lab_query main roots \
		'[.roots[].holders[] | select(.user == $user)] | length' \
		--arg user "$1"
}

# log_on USER: and off again, when all is there.
log_on() {
	lab_client "$1" 3901 one "$1" /p:secret
	lab_wait "$1's certificates" lab_has $LAB_GIDS_CERTS lab_certs main "$1"
	lab_wait "$1's link" test -L "$(lab_run_dir main)/user/$(id -u "$1")"
	lab_wait "$1's roots" lab_some roots "$1"
	lab_stop "client-$1"
	lab_wait "the end of $1's session" lab_has 0 lab_sessions main
}
log_on leaver
log_on alice

lab_say "what is on record"
lab_expect "the generation" 1 "$(lab_query main roots \
	'[.roots[].holders[].policy_generation] | unique | .[]')"
lab_expect "the same in force" 1 "$(lab_query main "policy show" .generation)"
lab_expect "the clean-up of then" none "$(lab_query main roots \
	'[.roots[].holders[].cleanup_at_insert] | unique | .[]')"
lab_expect "whose PIN it is" 1 "$(lab_query main "certs --user leaver" \
	'[.certs[].pin_id] | unique | .[]')"
lab_expect "the card's serial number" true "$(lab_query main \
	"certs --user leaver" '[.certs[] | .card_serial == .card_id] | all')"

lab_say "the account is removed"
userdel --force leaver 2>/dev/null
lab_wait -s 120 "nothing is left" lab_has 0 lab_certs main leaver
lab_expect "roots on record" 0 "$(roots leaver)"
lab_expect "alice's certificates" $LAB_GIDS_CERTS "$(lab_certs main alice)"
[ "$(roots alice)" -gt 0 ] || lab_fail "alice's roots went, too"
lab_expect "the audit" 1 "$(lab_query main audit \
	'[.audit[] | select(.event == "user-forgotten")] | length')"
grep -q "account-removed.*leaver.*$uid" "$LAB/log/daemon-main" ||
	lab_fail "the log does not tell"

lab_say "an administrator says so"
lab_ctl main users forget alice >/dev/null
lab_expect "alice's certificates" 0 "$(lab_certs main alice)"
lab_expect "alice's roots" 0 "$(roots alice)"
