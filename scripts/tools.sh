#!/usr/bin/env bash
# `make tools`: the tests of what we measure with: the replayer and the bench.
source "$(dirname "$0")/requirements.sh"

need_node
need_rust
npm_packages conformance
step "replayer and bench runner"
node --test --test-reporter=spec conformance/replay/test.mjs bench/runner/*.test.mjs
step "load generator and plots"
for tool in loadgen plots; do
  cargo test --locked --manifest-path "bench/$tool/Cargo.toml"
done
step "docs/compatibility.md"
node conformance/replay/compatibility.mjs --check
