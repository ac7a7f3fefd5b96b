#!/usr/bin/env bash
# `make sqlmap`: sqlmap against the SQL stores over REST. Without sqlmap, or a database to ask, it ends with status 77.
source "$(dirname "$0")/requirements.sh"

need_rust
need_node
need_sqlmap || exit 77
need_postgres || exit 77
need_mariadb || exit 77
build_programs

step "sqlmap against SQLite, PostgreSQL and MariaDB"
scripts/postgres.sh scripts/mariadb.sh \
  node conformance/sqlmap/sqlmap.mjs --adapters "\"$TARGET/quick/adapters\"" --sqlmap "$SQLMAP" "$@"
