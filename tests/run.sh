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

# NAME COMMAND...: runs in a file of its own; quiet when it passes, everything when it fails.
begin() {
	local name=$1 out
	out=$log/${1//[^a-zA-Z0-9]/_}
	shift
	echo $SECONDS > "$out.began"
	"$@" > "$out" 2>&1 &
	echo $! > "$out.pid"
}

finish() {
	local name=$1 out
	out=$log/${1//[^a-zA-Z0-9]/_}
	if wait "$(cat "$out.pid")"; then
		passed=$((passed + 1))
		printf 'ok      %-28s %4d s   %s\n' "$name" $((SECONDS - $(cat "$out.began"))) "$(summary "$out")"
	else
		failed=$((failed + 1))
		printf 'FAILED  %-28s %4d s\n' "$name" $((SECONDS - $(cat "$out.began")))
		grep -aE '^FAILED|^\[  FAILED|: error: |ERROR: ' "$out" | head -n 20 | sed 's/^/    /' # a long tail must not hide what failed
		tail -n 150 "$out" | sed 's/^/    /'
	fi
}

part() {
	begin "$@"
	finish "$1"
}

summary() { # how many tests a part had, from what its runner prints
	local units real
	units=$(grep -hoE '^\[  PASSED  \] [0-9]+ test' "$1" | awk '{n += $4} END {print n + 0}')
	real=$(grep -hoE '^[0-9]+ passed' "$1" | awk '{n += $1} END {print n + 0}')
	[ $((units + real)) -eq 0 ] || echo "$((units + real)) tests"
}

make=(make --no-print-directory -j2)
# Tests run one after the other, on one CPU; the other one compiles what comes next meanwhile, and gives way.
part "build gcc" "${make[@]}" all build-unit build-sim
begin "build ASan+UBSan" nice -n 19 "${make[@]}" SAN=asan build-unit build-sim build-replay
part "units" "${make[@]}" unit
part "simulation" "${make[@]}" sim
finish "build ASan+UBSan"
begin "build clang" nice -n 19 "${make[@]}" CC=clang all
begin "build TSan" nice -n 19 "${make[@]}" SAN=tsan build-thread
part "units ASan+UBSan" "${make[@]}" SAN=asan unit
part "simulation ASan+UBSan" "${make[@]}" SAN=asan sim
finish "build clang"
finish "build TSan"
part "rings TSan" "${make[@]}" SAN=tsan thread
part "fuzz corpora ASan+UBSan" "${make[@]}" SAN=asan replay
# Calls mostly wait, so the real peers run beside one another, each test in network namespaces of its own; a few more than that would only wait for a CPU.
beside=7 at=0 real=(tests/real/test_*.py)
declare -A running=()
while [ $at -lt ${#real[@]} ] || [ ${#running[@]} -gt 0 ]; do
	while [ $at -lt ${#real[@]} ] && [ ${#running[@]} -lt $beside ]; do
		name="real $(basename "${real[at]}" .py)"
		begin "$name" env BUILD="$PWD/build/gcc" tests/real/run.sh /usr/bin/python3 "${real[at]}"
		running[$!]=$name
		at=$((at + 1))
	done
	wait -n -p ended
	finish "${running[$ended]}"
	unset "running[$ended]"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
