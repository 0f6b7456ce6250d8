#!/bin/bash
# One store has one daemon: a second one says so and ends, and the first does
# not notice.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_own
lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_client alice 3901 one alice
lab_wait "the card's root" lab_has 1 lab_roots main

home=$(lab_home main)
sed -e 's/:3901/:3902/' "$home/conf" >"$home/same-store"
sed -e "s|^run_dir = .*|run_dir = /run/other|" "$home/same-store" \
	>"$home/other-run"
mkdir /run/other
chown labproxy:labproxy /run/other
for conf in same-store other-run; do
	status=0
	timeout 60 "$LAB_BUILD/proxy/cardproxyd" --config "$home/$conf" \
		>"$LAB/log/second" 2>&1 || status=$?
	case $status in
	0 | 124) lab_fail "a second daemon runs ($conf)" ;;
	esac
	lab_expect "the first one's sessions" 1 "$(lab_sessions main)"
	lab_expect "the first one's roots" 1 "$(lab_roots main)"
	lab_verifies "$(lab_view main)" "$LAB_PKI/one/user.pem" ||
		lab_fail "the first one's view has gone ($conf)"
done
lab_tell one remove
lab_wait "the first one works on" lab_has 0 lab_roots main
