#!/usr/bin/env bash
# `make interop`: the JavaScript clients against the fixture.
source "$(dirname "$0")/fixture.sh"

need_rust
step "building the raw server"
cargo build --profile quick -p wingbeat-engine --example raw
export RAW_SERVER="\"$TARGET/quick/examples/raw\""
step "building the back end of a Feathers chat"
cargo build --profile quick -p conformance --bin feathers-chat
export CHAT_BACKEND="\"$TARGET/quick/feathers-chat\""

step "JavaScript clients against $FIXTURE"
node --test --test-reporter=spec --test-timeout=600000 conformance/interop/*.test.mjs
