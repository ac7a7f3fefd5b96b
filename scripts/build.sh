#!/usr/bin/env bash
# `make build`: the programs that the suites drive.
source "$(dirname "$0")/requirements.sh"

need_rust
build_programs
