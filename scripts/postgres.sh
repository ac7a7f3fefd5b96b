#!/usr/bin/env bash
# Runs a command beside a PostgreSQL server of its own, whose address is in POSTGRES_URL, and removes it afterwards.
source "$(dirname "$0")/requirements.sh"

need_postgres

# It refuses to run as root.
as_postgres() { if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi; }

port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })')
dir=$(as_postgres mktemp -d "${TMPDIR:-/tmp}/wingbeat-postgres-XXXXXX")
trap 'as_postgres "$POSTGRES_BIN/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 || true; as_postgres rm -rf "$dir"' EXIT
as_postgres "$POSTGRES_BIN/initdb" -D "$dir/data" -A trust -U postgres -E UTF8 --locale=C --no-sync >/dev/null
as_postgres "$POSTGRES_BIN/pg_ctl" -D "$dir/data" -l "$dir/log" -w \
  -o "-p $port -k $dir -c listen_addresses=127.0.0.1 -c fsync=off" start >/dev/null
export POSTGRES_URL="postgres://postgres@127.0.0.1:$port/postgres"
"$@"
