#!/usr/bin/env bash
# `make replay`: plays the recordings of STAGES against the fixture. Arguments go to the replayer (conformance/replay/README.md).
source "$(dirname "$0")/fixture.sh"

step "replay of stages $STAGES"
node conformance/replay/replay.mjs --fixture "$FIXTURE --state {state}" --vectors conformance/vectors/open --stages "$STAGES" "$@"
