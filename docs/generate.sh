#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Writes the generated pages, or with a second argument says which ones are stale.
#   generate.sh BUILD [check]
set -eu
cd "$(dirname "$0")/.."
build=$1 check=${2:-} new=$(mktemp -d) run=$(mktemp -d) stale=0
trap 'rm -rf "$new" "$run"' EXIT
ringlane=$build/ringlane

"$ringlane" config reference > "$new/docs_config.md"
"$ringlane" config default > "$new/config_ringlane.yaml"
"$ringlane" help man > "$new/docs_ringlane.1"
docs/gen/events.py > "$new/docs_events.md"
docs/gen/interfaces.py dialog > "$new/docs_dialog-interface.md"
docs/gen/interfaces.py media > "$new/docs_media-interface.md"
"$build/docs/fsm" md > "$new/docs_state-machine.md"
"$build/docs/fsm" dot > "$new/docs_state-machine.dot"
{
	printf '# Flows\n\nWritten by `make docs`: `tests/sim/flows*_test.c` make these calls on the whole product with a scripted peer, find each step in the '
	printf "bus's trace\nby its cause, and leave here what they found; \`make lint\` says when the product does something else. "
	printf '`ringlane trace` draws a live call the\nsame way: dotted are direct calls, doubled are changes of the state machine; `7 <- 4` is step 7, caused by step 4. '
	printf 'Steps without a cause come\nfrom outside: a packet, a timer, a command. Steps that say nothing for the flow are left out.\n'
} > "$new/docs_flows.md"
for t in flows flows_end flows_hold flows_quality flows_transfer flows_files; do # in the order of the page
	SIM_FLOWS="$new/docs_flows.md" RUNTIME_DIRECTORY="$run" "$build/sim/${t}_test" > "$run/log" 2>&1 || {
		cat "$run/log"
		echo "docs: a flow is not as it should be"
		exit 1
	}
done
for f in "$new"/*; do
	at=$(basename "$f" | sed 's|_|/|')
	if [ -z "$check" ]; then
		cp "$f" "$at"
	elif ! cmp -s "$f" "$at"; then
		echo "lint: $at is stale: run make docs"
		stale=1
	fi
done
# The picture depends on Graphviz's version to the byte; it is stale when its source is.
[ -n "$check" ] || dot -Tsvg docs/state-machine.dot > docs/state-machine.svg
exit $stale
