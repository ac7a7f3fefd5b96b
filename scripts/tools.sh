#!/usr/bin/env bash
# `make tools`: the tests of what we measure with: the replayer and the bench.
source "$(dirname "$0")/requirements.sh"

need_node
npm_packages conformance
step "replayer and bench runner"
node --test --test-reporter=spec conformance/replay/test.mjs bench/runner/*.test.mjs
step "docs/compatibility.md"
node conformance/replay/compatibility.mjs --check
