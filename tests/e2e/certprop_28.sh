#!/bin/bash
# The acceptance list of certificate propagation: kill -9 of the whole server.
# The option of each user is in the name.
#
# proves: certprop-28
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_desk
lab_pcscd two 5011
lab_pcscd three 5021
for option in 0 1 2; do
	lab_policy main option$option match_user=opt$option@lab \
		RootCertificateCleanupOption=$option
done
lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_card two 5011 gids "$LAB_CARDS/two-gids"
lab_card three 5021 gids "$LAB_CARDS/one-gids"
lab_logon desk 3901 one opt1 1
lab_logon desk 3901 two opt2 2
lab_logon desk 3901 three opt0 3
for option in 0 1 2; do
	lab_wait "the root of option $option" lab_has 1 lab_roots main \
		"$(lab_session main logon opt$option@lab)"
	lab_wait "certificates" lab_has $LAB_GIDS_CERTS \
		lab_certs main opt$option@lab
done
kept_log_on=$(lab_session main logon opt0@lab)
kept() {
	lab_query main roots '[.roots[] | select(.kind == "anchor" and
		.state == "kept") | .holders[].session] | join(" ")'
}
lab_expect "kept before" "" "$(kept)"

# The gate, the keeper and all sessions at once.
pkill -KILL -x cardproxyd
lab_stop daemon-main KILL 2>/dev/null
for name in 0 1 2; do
	lab_stop client-opt$name KILL 2>/dev/null
done
lab_daemon main
lab_expect "sessions" 0 "$(lab_sessions main)"
lab_expect "roots in force" 0 "$(lab_roots main)"
lab_expect "views" "" "$(ls "$(lab_run_dir main)/session")"
lab_expect "kept" "$kept_log_on" "$(kept)"
for option in 0 1 2; do
	lab_expect "certificates" $LAB_GIDS_CERTS \
		"$(lab_certs main opt$option@lab)"
done

lab_say "and again: what is kept stays kept until it is purged"
lab_stop daemon-main KILL 2>/dev/null
lab_daemon main
lab_expect "kept" "$kept_log_on" "$(kept)"
lab_ctl main roots purge >/dev/null
lab_expect "kept" "" "$(kept)"
lab_logon desk 3901 one opt1 4
lab_wait "a new session's root" lab_has 1 lab_roots main
lab_proved certprop-28
