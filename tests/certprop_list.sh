#!/bin/bash
# Every number of the acceptance list of certificate propagation is the name of a
# test: of ctest, or promised by a scenario ("# proves:").  The numbers that need
# the daemon must be among the scenarios'.
#
# usage: tests/certprop_list.sh BUILD-DIRECTORY
set -uo pipefail
e2e=$(dirname "${BASH_SOURCE[0]}")/e2e
units=$(ctest --test-dir "$1" -N | grep -o 'certprop-[0-9a-z-]*')
scenes=$(sed -n 's/^# proves: //p' "$e2e"/*.sh | tr ' ' '\n')
missing=0

# want NUMBER NAMES WHERE
want() {
	grep -qE "^certprop-$1(-[a-z]+)?\$" <<<"$2" && return
	echo "certprop-$1: no test $3"
	missing=$((missing + 1))
}

for number in $(seq -w 33); do
	want "$number" "$units"$'\n'"$scenes" "of that name"
done
for number in 01 02 03 04 07 08 18 23 24 25 26 27 28 29 30 31 32 33; do
	want "$number" "$scenes" "of the daemon"
done
for script in "$e2e"/*.sh; do
	for name in $(sed -n 's/^# proves: //p' "$script"); do
		grep -q "^lab_proved .*$name" "$script" && continue
		echo "${script##*/}: never says that $name went well"
		missing=$((missing + 1))
	done
done
echo "$missing missing"
[ "$missing" = 0 ]
