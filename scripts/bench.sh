#!/usr/bin/env bash
# `make bench`: our server and its peers, side by side. Arguments go to the runner (bench/README.md).
source "$(dirname "$0")/requirements.sh"

need_rust
need_node
exec node bench/run.mjs "$@"
