#!/bin/bash
# A keeper that finds the disk full or read-only when it is started again is
# tried again, with few words, while the desktops go on; until one begins no
# root of a session is shown.  At the daemon's own start the same is refused with
# the reason.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
. "$LAB_TESTS/sweep/sweep.sh"
sweep_scene
home=$(lab_home main)
mount -t tmpfs -o size=40m,mode=700,uid=61003,gid=61003 small "$home/store"
lab_daemon main
lab_start user "$LAB_BUILD/tests/sweep/cardlife" load --user alice \
	--port 3902 --run-dir "$(lab_run_dir main)" \
	--journal "$SWEEP_JOURNAL" --soon "$SWEEP_SOON_MS"
lab_wait "something stored" test -s "$SWEEP_JOURNAL"
lab_start holder "$LAB_BUILD/tests/sweep/cardlife" hold --user bob \
	--port 3902 --run-dir "$(lab_run_dir main)" --journal "$SWEEP_JOURNAL"
lab_wait "a session that stays" grep -q " bob " "$SWEEP_JOURNAL"
held=$(lab_view main bob)/anchors

fill() {
	dd if=/dev/zero of="$home/store/filler" bs=4k 2>/dev/null || true
}
make_room() {
	rm "$home/store/filler"
}
make_read_only() {
	mount -o remount,ro "$home/store"
}
make_writable() {
	mount -o remount,rw "$home/store"
}
refusals() {
	grep -c keeper-refused "$LAB/log/daemon-main" || true
}
at_least() {
	[ "$(refusals)" -ge "$1" ]
}
# Who has the control socket is the keeper.
keeper() {
	ss -Hxlp src "$SWEEP_CONTROL" | sed -n 's/.*pid=\([0-9]*\).*/\1/p' |
		head -n 1
}

# while_ill WHAT BEGIN END TRIES
while_ill() {
	local before start lines

	lab_say "$1"
	kill -STOP "${LAB_PID[user]}"
	before=$(refusals)
	start=$SECONDS
	# A gate that stands still does not start the next one yet.
	kill -STOP "${LAB_PID[daemon-main]}"
	kill -KILL "$(keeper)"
	lab_wait "$1" "$2"
	[ -n "$(ls "$held")" ] || lab_fail "the root has gone too early"
	kill -CONT "${LAB_PID[daemon-main]}" "${LAB_PID[user]}"
	lab_wait "it is tried again" at_least $((before + $4))
	lines=$(($(refusals) - before))
	[ "$lines" -le $((SECONDS - start + 1)) ] ||
		lab_fail "$lines lines in $((SECONDS - start)) s"
	lab_alive daemon-main || lab_fail "the daemon has ended"
	lab_alive user || lab_fail "the client has gone"
	lab_expect "views" "" "$(ls "$(lab_run_dir main)/session")"
	"$3"
	lab_wait "the next keeper" lab_ctl main sessions
	lab_wait "the root that is held" shown "$held"
	lab_wait "the store works" works
}
works() {
	sweep_life once "$RANDOM" --port 3901
}
shown() {
	[ -n "$(ls "$1")" ]
}

# The first try may have made room for the second.
while_ill "a full disk" fill make_room 1
while_ill "a read-only disk" make_read_only make_writable 3
sweep_check_stored sweep_list
for client in user holder; do
	kill -TERM "${LAB_PID[$client]}"
	wait "${LAB_PID[$client]}" ||
		lab_fail "$client: $(cat "$LAB/log/$client")"
done
lab_stop daemon-main

lab_say "at the daemon's own start"
make_read_only
status=0
timeout 60 "$LAB_BUILD/proxy/cardproxyd" --config "$home/conf" \
	>"$LAB/log/refused" 2>&1 || status=$?
case $status in
0 | 124) lab_fail "the daemon runs without a store" ;;
esac
grep -q 'error .*reason=.*[Rr]ead-only' "$LAB/log/refused" ||
	lab_fail "it does not say why"
make_writable
lab_daemon main
sweep_check_stored sweep_list
