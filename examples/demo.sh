#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# make demo: real calls through ringlane, in a network namespace of its own (tests/real/run.sh makes it, and it goes with us).
#   demo.sh RINGLANE
# The server runs on its embedded default: a TAP device rl0, 198.18.0.1. A second ringlane calls it from the other end of that wire, with speech both
# ways, then SIPp places a burst of calls. Where TAP devices may not be made (no root, /dev/net/tun closed) a veth pair takes its place.
set -eu
ringlane=$(readlink -f "$1")
here=$(cd "$(dirname "$0")/.." && pwd)
speech=/usr/share/asterisk/sounds/en_US_f_Allison
out=$(mktemp -d /tmp/ringlane-demo-XXXXXX)
export RUNTIME_DIRECTORY=$out/run
mkdir -p "$RUNTIME_DIRECTORY" "$out/prompts" "$out/recordings"
cp $speech/demo-congrats.wav "$out/prompts/welcome.wav"
cp $speech/demo-instruct.wav "$out/caller.wav"
cd "$out"

server=
finish() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	[ -z "$server" ] || wait "$server" 2>/dev/null || true
}
trap finish EXIT

say() { printf '\n== %s\n' "$*"; }

ip link set lo up
if [ -w /dev/net/tun ]; then
	"$ringlane" config default > server.yaml
	wire=rl0
else
	ip link add rl0 type veth peer name host0
	ethtool -K host0 tx off > /dev/null
	ip addr add 198.18.0.2/24 dev host0
	ip link set rl0 up
	ip link set host0 up
	"$ringlane" config default | sed 's/net_tap0,iface=rl0/net_af_packet0,iface=rl0/; s/^    host_address.*//; s/^    mac:.*//' > server.yaml
	wire=host0
fi

say "the server, on its embedded default"
mkfifo log
"$ringlane" serve -c server.yaml > log 2>&1 &
server=$!
exec 3< log
while read -r -t 20 line <&3; do
	echo "   $line"
	case "$line" in *ready*) break ;; esac
done
case "${line:-}" in *ready*) ;; *) echo "the server did not start" >&2; exit 1 ;; esac
cat <&3 > server.log &

cat > caller.yaml <<YAML
runtime: {prefix: caller, workers: 1}
ports:
  - {name: c0, device: "net_af_packet0,iface=$wire", addresses: [198.18.0.3/24], checksum: partial_ok}
YAML
for user in play echo both record; do
	say "a call to sip:$user@198.18.0.1, speech out, recording what comes back"
	"$ringlane" call "sip:$user@198.18.0.1" -c caller.yaml --play caller.wav --record "heard-$user.wav" --duration 5
done

say "SIPp: 100 calls, 25 a second, 2 s each"
sipp -sn uac -nostdin -nd -i 198.18.0.2 -s echo -m 100 -r 25 -d 2000 -timeout 60s -timeout_error -trace_stat -stf sipp.csv 198.18.0.1 > sipp.log 2>&1 || {
	tail -n 30 sipp.log
	exit 1
}
awk -F';' 'NR == 1 { for (i = 1; i <= NF; i++) col[$i] = i } END { printf "   %d calls succeeded, %d failed, %d retransmissions\n", $col["SuccessfulCall(C)"], $col["FailedCall(C)"], $col["Retransmissions(C)"] }' sipp.csv

say "the server ends: BYE to every call, recordings closed"
kill -TERM $server
wait $server
server=
grep -E 'in use at the end' server.log | sed 's/^/   /'

say "waveforms"
PYTHONPATH=$here/tests/real /usr/bin/python3 - <<'PY'
import sys
from waveform import match
bad = 0
for src, got in (('prompts/welcome.wav', 'heard-play.wav'), ('caller.wav', 'heard-echo.wav'), ('caller.wav', 'heard-both.wav')):
    m = match(src, got, seconds=4)
    bad += m['exact'] < 0.99
    print(f"   {got:16} holds {100 * m['exact']:.2f} % of the samples of {src}, level {m['level_db']:+.2f} dB")
sys.exit(bad > 0)
PY
say "files are in $out"
ls -1 "$out"/*.wav "$out"/recordings/* | sed 's/^/   /'
