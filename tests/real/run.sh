#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs a program in network (and mount) namespaces of its own; without root in a user namespace, where the kernel allows one.
#   run.sh COMMAND [ARG ...]
# What it runs finds our own network namespace in RLN_OUTER_NET, to see that it is not in that one.
set -eu
RLN_OUTER_NET=$(readlink /proc/self/ns/net)
export RLN_OUTER_NET
if [ "$(id -u)" -eq 0 ]; then
	set -- unshare --net --mount -- "$@"
else
	unshare --user --map-root-user --net true 2>/dev/null || {
		echo "run.sh: this kernel allows no user namespaces without root: run as root" >&2
		exit 1
	}
	set -- unshare --user --map-root-user --net --mount -- "$@"
fi
exec "$@"
