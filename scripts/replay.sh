#!/usr/bin/env bash
# `make replay`: plays the recordings of STAGES against the fixture. Arguments go to the replayer (conformance/replay/README.md).
source "$(dirname "$0")/fixture.sh"

step "the replayer's own tests"
node --test conformance/replay/test.mjs
step "replay of stages $STAGES"
node conformance/replay/replay.mjs --fixture "$FIXTURE --state {state}" --vectors conformance/vectors/open --stages "$STAGES" "$@"
