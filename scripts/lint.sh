#!/usr/bin/env bash
# `make lint`: lock file, formatting, clippy and documentation, without a single warning.
source "$(dirname "$0")/requirements.sh"

need_rust
step "lock file"
cargo fetch --locked
step "format"
cargo fmt --all --check
step "clippy"
cargo clippy --workspace --all-targets --all-features -- -D warnings
step "clippy, without features"
cargo clippy -p wingbeat -p wingbeat-client -p wingbeat-engine --no-default-features -- -D warnings
# What one crate or a test asks of a dependency the others have here, and whoever takes a single crate has not.
for crate in crates/*; do
  step "$(basename "$crate") by itself"
  cargo check --manifest-path "$crate/Cargo.toml" --no-default-features
  cargo check --manifest-path "$crate/Cargo.toml" --all-features
done
step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features
"$(dirname "$0")/package.sh"
