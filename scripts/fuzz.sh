#!/usr/bin/env bash
# `make fuzz`: runs each fuzzer for a while, beginning with the inputs that are known (fuzz/README.md).
source "$(dirname "$0")/requirements.sh"

need_rust
cargo fuzz --version >/dev/null 2>&1 ||
  die "cargo-fuzz is missing; version 0.13 is known to work." "cargo install cargo-fuzz (it needs a C++ compiler as well)"

# libFuzzer's instrumentation is an unstable option of the compiler: this lets a stable one take it.
export RUSTC_BOOTSTRAP=1
cd fuzz
for target in ${FUZZER:-frames payload packet msgpack request session query_string query client}; do
  step "$target, ${SECONDS_EACH:-60} s"
  # What it finds stays out of the corpus, which is small and chosen.
  found=$(mktemp -d)
  features=()
  case $target in query | client) features=(--features "$target") ;; esac
  cargo fuzz run "${features[@]}" --sanitizer none "$target" "$found" "corpus/$target" -- -max_total_time="${SECONDS_EACH:-60}" -max_len=4096
  rm -r "$found"
done
