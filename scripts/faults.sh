#!/usr/bin/env bash
# `make faults`: three nodes and a broker while all of them fail, one after the other.
source "$(dirname "$0")/requirements.sh"

need_rust
need_node
need_redis
need_nats
npm_packages conformance
build_programs
export CLUSTER_NODE="$TARGET/quick/cluster-node"
node --test --test-reporter=spec conformance/cluster/*.test.mjs
