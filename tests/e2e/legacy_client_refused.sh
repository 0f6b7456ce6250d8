#!/bin/bash
# A client that wants legacy RDP security is refused with the code for it before
# the server hears of it.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_own
lab_daemon main

lab_client legacy 3901 one alice /sec:rdp
lab_wait "the client ends" lab_dead client-legacy
grep -q 'SSL_REQUIRED' "$LAB/log/client-legacy" ||
	lab_fail "the client does not show the code"
grep -q 'SSL_REQUIRED_BY_SERVER' "$LAB/log/daemon-main" ||
	lab_fail "the log does not name the code"
grep -q 'allow TLS in the client' "$LAB/log/daemon-main" ||
	lab_fail "the log does not say what to change"
lab_expect "sessions" 0 "$(lab_sessions main)"

# No negotiation at all: 11 bytes, as the oldest clients send.
# shellcheck disable=SC2016
answer=$(timeout 30 bash -c '
	exec 9<>/dev/tcp/127.0.0.1/3901
	printf "\3\0\0\13\6\340\0\0\0\0\0" >&9
	head -c 19 <&9 | od -An -tx1 | tr -d " \n"')
lab_expect "SSL_REQUIRED" 01000000 "${answer:30}"
lab_wait "no session" lab_has 0 lab_sessions main
