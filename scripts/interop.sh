#!/usr/bin/env bash
# `make interop`: the JavaScript clients against the fixture.
source "$(dirname "$0")/fixture.sh"

need_rust
need_curl
build_programs
export RAW_SERVER="\"$TARGET/quick/examples/raw\""
export CHAT_BACKEND="\"$TARGET/quick/feathers-chat\""
export ADAPTERS="\"$TARGET/quick/adapters\""
export RECOVERY="\"$TARGET/quick/recovery\""
export UPLOADS="\"$TARGET/quick/uploads\""
export QUERY_STRINGS="\"$TARGET/quick/query-strings\""

step "JavaScript clients against $FIXTURE"
beside=()
for database in postgres mariadb; do
  if "need_$database"; then
    beside+=("scripts/$database.sh")
  elif [ "${CI:-}" = true ]; then
    exit 1
  fi
done
"${beside[@]}" node --test --test-reporter=spec --test-timeout=600000 conformance/interop/*.test.mjs
