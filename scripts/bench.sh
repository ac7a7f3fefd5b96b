#!/usr/bin/env bash
# `make bench`: our server and its peers, side by side. Arguments go to the runner (bench/README.md).
source "$(dirname "$0")/requirements.sh"

need_rust
need_node
status=0
node bench/run.mjs "$@" || status=$?
# The clients have a table of their own, whatever became of the first; not when only some servers were asked for. Whoever
# ends the one wants neither.
if [ $# = 0 ] && [ $status -lt 128 ]; then node bench/clients.mjs || status=$?; fi
exit $status
