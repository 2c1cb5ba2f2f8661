#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Debian 12 packages that ringlane needs, and how they get here.
#   deps.sh list [build|demo|test|bench]   one package a line
#   deps.sh ensure build|demo|test|bench   installs what is missing; without root prints the exact command and exits 1
set -eu

build='gcc make pkg-config libdpdk-dev libosip2-dev libjemalloc-dev libyaml-dev libssl-dev'
demo="$build iproute2 ethtool procps util-linux sip-tester asterisk-core-sounds-en-wav python3 python3-numpy"
test="$demo libcmocka-dev clang clang-format libclang-rt-14-dev iptables sipsak baresip-core tshark tcpdump sox kamailio linphone-cli graphviz doxygen man-db dpdk"
bench="$test dpdk-dev" # dpdk-testpmd

packages() {
	case "$1" in
	build) echo $build ;;
	demo) echo $demo ;;
	test) echo $test ;;
	bench) echo $bench ;;
	*) echo "deps.sh: '$1' is none of build, demo, test, bench" >&2; exit 2 ;;
	esac
}

missing() {
	for p in $(packages "$1"); do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || echo "$p"
	done
}

case "${1:-}" in
list)
	packages "${2:-test}" | tr ' ' '\n' ;;
ensure)
	want=$(missing "${2:-build}" | tr '\n' ' ')
	[ -n "$want" ] || exit 0
	command="apt-get install -y --no-install-recommends $want"
	if [ "$(id -u)" -ne 0 ]; then
		echo "ringlane: these packages are missing; run:  sudo $command" >&2
		exit 1
	fi
	echo "ringlane: installing $want"
	# Some of the peers are daemons (kamailio): nothing of theirs may start by itself on this machine.
	policy=/usr/sbin/policy-rc.d
	made=
	if [ ! -e $policy ]; then
		printf '#!/bin/sh\nexit 101\n' > $policy && chmod +x $policy && made=1
	fi
	export DEBIAN_FRONTEND=noninteractive
	apt-get install -qq -y --no-install-recommends $want >/dev/null 2>&1 ||
		{ apt-get update -qq && $command; } || { [ -z "$made" ] || rm -f $policy; exit 1; }
	[ -z "$made" ] || rm -f $policy ;;
*)
	echo "usage: deps.sh list [build|demo|test|bench] | ensure build|demo|test|bench" >&2
	exit 2 ;;
esac
