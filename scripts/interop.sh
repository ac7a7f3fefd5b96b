#!/usr/bin/env bash
# `make interop`: the JavaScript clients against the fixture.
source "$(dirname "$0")/fixture.sh"

need_rust
step "building the raw server"
cargo build --profile quick -p wingbeat-engine --example raw
export RAW_SERVER="\"$TARGET/quick/examples/raw\""

step "JavaScript clients against $FIXTURE"
node --test --test-reporter=spec --test-timeout=600000 conformance/interop/*.test.mjs
