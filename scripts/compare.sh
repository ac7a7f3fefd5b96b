#!/usr/bin/env bash
# `make compare`: thousands of questions to the original Feathers and to the fixture, and to Feathers over Knex and to the SQL
# stores, whose answers have to be the same.
source "$(dirname "$0")/fixture.sh"

need_rust
build_programs
npm_packages conformance/knex

step "the same questions to Feathers and to $FIXTURE"
beside=()
if need_postgres; then
  beside=(scripts/postgres.sh)
elif [ "${CI:-}" = true ]; then
  exit 1
fi
"${beside[@]}" node conformance/compare/compare.mjs --fixture "$FIXTURE" --adapters "\"$TARGET/quick/adapters\"" "$@"
