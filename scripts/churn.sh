#!/usr/bin/env bash
# `make churn`: the full run of what `make test` does 3,000 times: connections that end badly, and damaged recordings.
source "$(dirname "$0")/requirements.sh"

need_rust
export WINGBEAT_CHURN=${CONNECTIONS:-100000} WINGBEAT_MUTANTS=${MUTANTS:-100000}
exec cargo test -p wingbeat-engine --all-features --test mutants -- --nocapture
