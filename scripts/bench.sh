#!/usr/bin/env bash
# `make bench`: our server and its peers, side by side. Arguments go to the runner (bench/README.md).
source "$(dirname "$0")/requirements.sh"

need_rust
need_node
node bench/run.mjs "$@"
# The clients have a table of their own; not when only some servers were asked for.
[ $# -gt 0 ] || node bench/clients.mjs
