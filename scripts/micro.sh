#!/usr/bin/env bash
# `make micro`: the hot paths one by one, by criterion. Arguments are a filter: `make micro ARGS=dispatch`.
source "$(dirname "$0")/requirements.sh"

need_rust
exec cargo bench -p bench --bench micro -- "$@"
