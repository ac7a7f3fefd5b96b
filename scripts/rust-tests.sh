#!/usr/bin/env bash
# `make rust`: the tests of all crates, by cargo-nextest where it is present, and those in the documentation.
source "$(dirname "$0")/requirements.sh"

need_rust
# The client's tests talk to the original server, and some servers read the client bundles.
need_node
npm_packages conformance
# The tests of their stores and buses start them; where one is missing they say that they were not run.
need_postgres || [ "${CI:-}" != true ]
need_mariadb || [ "${CI:-}" != true ]
need_redis || [ "${CI:-}" != true ]
need_nats || [ "${CI:-}" != true ]
# Where a change is judged, random tests ask the same each time; elsewhere they look for what nobody has thought of.
if [ "${CI:-}" = true ]; then export PROPTEST_RNG_SEED="${PROPTEST_RNG_SEED:-1}"; fi
if cargo nextest --version >/dev/null 2>&1; then
  step "cargo nextest"
  cargo nextest run --workspace --all-features --no-fail-fast
else
  step "cargo test"
  cargo test --no-fail-fast --workspace --all-features --lib --bins --tests --examples
fi
step "documentation tests"
cargo test --workspace --all-features --doc
