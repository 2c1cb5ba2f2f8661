#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# make test: every test, with its time; the last line counts the parts.
#   units and simulation (gcc), the same under ASan + UBSan, rings under TSan, a clang build, fuzz corpora, real peers
set -u
cd "$(dirname "$0")/.."
export RUNTIME_DIRECTORY
RUNTIME_DIRECTORY=$(mktemp -d)
log=$(mktemp -d)
trap 'rm -rf "$RUNTIME_DIRECTORY" "$log"' EXIT
passed=0 failed=0

part() { # NAME COMMAND...: quiet when it passes, everything when it fails
	local name=$1 began=$SECONDS
	shift
	if "$@" > "$log/out" 2>&1; then
		passed=$((passed + 1))
		printf 'ok      %-28s %4d s   %s\n' "$name" $((SECONDS - began)) "$(summary)"
	else
		failed=$((failed + 1))
		printf 'FAILED  %-28s %4d s\n' "$name" $((SECONDS - began))
		tail -n 150 "$log/out" | sed 's/^/    /'
	fi
}

summary() { # how many tests a part had, from what its runner prints
	local units real
	units=$(grep -hoE '^\[  PASSED  \] [0-9]+ test' "$log/out" | awk '{n += $4} END {print n + 0}')
	real=$(grep -hoE '^[0-9]+ passed' "$log/out" | awk '{n += $1} END {print n + 0}')
	echo "$((units + real)) tests"
}

make=(make --no-print-directory -j2)
part "build gcc" "${make[@]}" all
part "build clang" "${make[@]}" CC=clang all
part "units" "${make[@]}" unit
part "units ASan+UBSan" "${make[@]}" SAN=asan unit
part "simulation" "${make[@]}" sim
part "simulation ASan+UBSan" "${make[@]}" SAN=asan sim
part "rings TSan" "${make[@]}" SAN=tsan thread
part "fuzz corpora ASan+UBSan" "${make[@]}" SAN=asan replay
for t in tests/real/test_*.py; do
	part "real $(basename "$t" .py)" env BUILD="$PWD/build/gcc" tests/real/run.sh /usr/bin/python3 "$t"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
