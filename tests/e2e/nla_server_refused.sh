#!/bin/bash
# A server that insists on NLA: the client is told so by the code for it, and
# the log says what to change.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_display 1
mkdir -p "$LAB/home/nla"
winpr-hash3 -u alice -p secret -f sam >"$LAB/home/nla/sam"
lab_start nla-server env DISPLAY=:1 HOME="$LAB/home/nla" \
	${LAB_OPENSSL_CONF:+OPENSSL_CONF="$LAB_OPENSSL_CONF"} \
	stdbuf -oL freerdp-shadow-cli3 /port:4001 "/bind-address:$LAB_HOST" \
	/sec:nla "/sam-file:$LAB/home/nla/sam"
lab_wait "the server" lab_listens 4001
lab_config main 3901 nla
lab_target main nla 4001 verify=none security=tls
lab_listen main 3902 open
lab_target main open 4001 verify=none
lab_daemon main

# ask PORT PROTOCOLS: the answer to a connection request, in hexadecimal.
ask() {
	# shellcheck disable=SC2016
	timeout 30 bash -c '
		exec 9<>"/dev/tcp/127.0.0.1/$1"
		printf "\\x03\\0\\0\\x13\\x0e\\xe0\\0\\0\\0\\0\\0\\1\\0\\10\\0\\x$2\\0\\0\\0" >&9
		head -c 19 <&9 | od -An -tx1 | tr -d " \n"' ask "$1" "$2"
}

lab_say "asked for TLS, the server refuses; its code passes"
answer=$(ask 3901 03)
lab_expect "length" 38 "${#answer}"
lab_expect "HYBRID_REQUIRED" 05000000 "${answer:30}"
lab_expect "RDP_NEG_FAILURE" 03000800 "${answer:22:2}${answer:24:6}"
grep -q 'insists on NLA' "$LAB/log/daemon-main" ||
	lab_fail "the log does not say what to change"

lab_say "asked for NLA, the server chooses it; a proxy cannot"
answer=$(ask 3902 03)
lab_expect "HYBRID_REQUIRED" 05000000 "${answer:30}"
grep -q 'set security = tls' "$LAB/log/daemon-main" ||
	lab_fail "the log does not say what to change"

lab_say "a real client ends, and says why"
lab_pcscd one 5001
lab_client alice 3901 one alice
lab_wait "the client ends" lab_dead client-alice
grep -q 'HYBRID_REQUIRED' "$LAB/log/client-alice" ||
	lab_fail "the client does not show the code"
lab_expect "sessions" 0 "$(lab_sessions main)"
