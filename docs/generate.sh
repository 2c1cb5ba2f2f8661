#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Writes the generated pages, or with a second argument says which ones are stale.
#   generate.sh BUILD [check]
set -eu
cd "$(dirname "$0")/.."
build=$1 check=${2:-} new=$(mktemp -d) stale=0
trap 'rm -rf "$new"' EXIT
ringlane=$build/ringlane

"$ringlane" config reference > "$new/docs_config.md"
"$ringlane" config default > "$new/config_ringlane.yaml"
"$ringlane" help man > "$new/docs_ringlane.1"
"$build/docs/events" > "$new/docs_events.md"
"$build/docs/fsm" md > "$new/docs_state-machine.md"
"$build/docs/fsm" dot > "$new/docs_state-machine.dot"
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
