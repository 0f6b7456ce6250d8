#!/bin/bash
# A command that the policy refuses: the server's program does not get it, in each
# of the ways there are, the card never hears of it, and the log has it with its
# rule.  A reload lets the same session have it.
#
# The client is rdesktop, see server_uses_card.sh.  xrdp 0.9 does not pass the
# code of a Transmit on, only its answer: which code it was is in the log.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_pcscd one 5001
lab_xrdp 4001
lab_config main 3901 xrdp
lab_target main xrdp 4001 verify=none rdpdr=relay identity=claimed
cp "$(lab_home main)/conf" "$LAB/run/conf"

# policy NAME KEY=VALUE...: what alice may, by a new file.
policy() {
	local name=$1

	shift
	cp "$LAB/run/conf" "$(lab_home main)/conf"
	lab_policy main others match_user=bob
	lab_policy main "$name" match_user=alice "$@"
}

# The session reads a new file; its section has another name.
reload() {
	policy "$@"
	kill -HUP "${LAB_PID[daemon-main]}"
	lab_wait "the section $1 is in force" in_force "$1"
}

in_force() {
	[ "$(lab_query main "sessions show $(lab_session main id)" \
		'.sessions[0].policy')" = "$1" ]
}

# Selecting is allowed, and getting the rest of an answer; GET DATA is not.
tight=(commands=custom 'command_rules=deny 00 CB | allow 00 A4 | allow 00 C0')

# table COMMANDS: what the server's program is told of GET DATA, while the card
# hears so many commands.
table() {
	local before

	before=$(lab_tell one apdus)
	lab_server_card alice calls >"$LAB/run/calls" ||
		lab_fail "the calls: $(cat "$LAB/run/calls")"
	lab_expect "commands to the card" $((before + $1)) \
		"$(lab_tell one apdus)"
	grep -A 1 "get GIDS table" "$LAB/run/calls" | sed -n 's/^  //p'
}

# The two SELECTs alone.
refused() {
	lab_expect "answer" "$1, 0 bytes" "$(table 2)"
}

policy silent refusal=status-word "${tight[@]}"
lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_rdesktop alice 3901 one alice
lab_wait "the server sees the readers" \
	lab_chansrv_says alice "Detected remote smartcard"
lab_wait "the certificates: reads of the proxy are its own" \
	lab_has $LAB_GIDS_CERTS lab_certs main alice
lab_wait "the section silent is in force" in_force silent

lab_say "refused, as the card would"
refused "sw 6982"
lab_say "refused, by a code"
reload spoken refusal=no-access "${tight[@]}"
refused "sw 0000"
lab_say "refused, by the other code"
reload other refusal=security-violation "${tight[@]}"
refused "sw 0000"

lab_say "the log has it"
grep 'card-use .*asker=server .*call=Transmit command="GET DATA"' \
	"$LAB/log/daemon-main" >"$LAB/run/uses"
# logged CODE-OR-SW: a refusal, with its rule.
logged() {
	grep -q "$1 .*decision=refuse rule=\"[^\"]*deny 00 CB" "$LAB/run/uses" ||
		lab_fail "$1 is not in the log: $(cat "$LAB/run/uses")"
}
logged sw=6982
logged code=80100027
logged code=8010006a
! grep -v decision=refuse "$LAB/run/uses" >&2 || lab_fail "one was allowed"

lab_say "allowed by a reload"
reload free commands=full
# The table comes in two parts.
lab_expect "answer" "sw 9000, 314 bytes" "$(table 4)"
lab_expect "sessions" 1 "$(lab_sessions main)"
lab_alive client-alice || lab_fail "the client has gone"
