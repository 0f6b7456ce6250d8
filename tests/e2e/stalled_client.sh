#!/bin/bash
# Who stops in mid handshake is thrown out after a while, and disturbs nobody
# meanwhile.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_own
lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids"

# stall NAME BYTES [BYTES]: connect, send that, what follows a second later, and
# wait for the other end to close.
stall() {
	# shellcheck disable=SC2016
	lab_start "stalled-$1" timeout 200 bash -c '
		exec 9<>"/dev/tcp/127.0.0.1/3901"
		printf "$1" >&9
		sleep 1
		printf "$2" >&9
		cat <&9 >/dev/null
	' stalled "$2" "${3:-}"
}
request='\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x01\x00\x00\x00'
stall silent ''
stall head '\x03\x00\x00\x13\x0e\xe0'
stall no-tls "$request"
stall half-hello "$request" '\x16\x03\x01\x02\x00\x01\x00\x01'
stall nonsense 'GET / HTTP/1.1\r\n\r\n'

lab_client alice 3901 one alice
lab_wait -s 20 "a good client beside them" lab_has $LAB_GIDS_CERTS \
	lab_certs main alice
for name in silent head no-tls half-hello nonsense; do
	lab_wait -s 90 "$name is thrown out" lab_dead "stalled-$name"
done
lab_alive client-alice || lab_fail "the good client has gone"
lab_expect "sessions" 1 "$(lab_sessions main)"
