#!/usr/bin/env bash
# `make build`: the programs that the suites drive, both in the profile of `make run`, so that dependencies are built once.
source "$(dirname "$0")/requirements.sh"

need_rust
step "building fixture and chat"
cargo build --profile quick -p conformance -p chat
