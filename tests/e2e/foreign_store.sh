#!/bin/bash
# A file that is not our store is refused and not touched.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_config main 3901 nowhere
lab_target main nowhere 4001 verify=none
store=$(lab_home main)/store/cardproxy.db

# refused WHAT: the daemon ends by itself and leaves the file as it was
refused() {
	local status=0 before

	chown labproxy:labproxy "$store"
	before=$(sha256sum <"$store")
	timeout 30 "$LAB_BUILD/proxy/cardproxyd" \
		--config "$(lab_home main)/conf" >>"$LAB/log/refused" 2>&1 ||
		status=$?
	case $status in
	0 | 124) lab_fail "the daemon runs with $1" ;;
	esac
	lab_expect "the content of $1" "$before" "$(sha256sum <"$store")"
	rm -f "$store"*
}

sqlite3 "$store" 'create table cert(a); insert into cert values (1)'
refused "a database of somebody else"
sqlite3 "$store" 'pragma application_id = 7; create table x(a)'
refused "a database with another application id"
head -c 20000 /dev/urandom >"$store"
refused "random bytes"
printf 'SQLite format 3\0' >"$store"
refused "a cut-off database"
