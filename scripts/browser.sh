#!/usr/bin/env bash
# `make browser`: the chat, clients and streams of events in Chromium. Without Chromium it ends with status 77.
source "$(dirname "$0")/requirements.sh"

need_rust
need_node
need_curl
need_chromium || exit 77
npm_packages conformance
npm_packages examples/chat
build_programs
export CHAT_SERVER="$TARGET/quick/chat"
export FIXTURE="\"$TARGET/quick/fixture\""
export RAW_SERVER="\"$TARGET/quick/examples/raw\""
step "the chat, raw Socket.IO, and EventSource, in $CHROMIUM"
node --test --test-reporter=spec --test-timeout=600000 conformance/browser/*.test.mjs
