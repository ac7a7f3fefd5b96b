#!/usr/bin/env bash
# `make compare`: thousands of questions to the original Feathers and to the fixture, whose answers have to be the same.
source "$(dirname "$0")/fixture.sh"

step "the same questions to Feathers and to $FIXTURE"
node conformance/compare/compare.mjs --fixture "$FIXTURE" "$@"
