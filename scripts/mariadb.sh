#!/usr/bin/env bash
# Runs a command beside a MariaDB server of its own, whose address is in MARIADB_URL, and removes it afterwards.
source "$(dirname "$0")/requirements.sh"

need_mariadb

port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })')
dir=$(mktemp -d "${TMPDIR:-/tmp}/wingbeat-mariadb-XXXXXX")
server=
trap 'if [ -n "$server" ]; then kill -KILL "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi; rm -rf "$dir"' EXIT
# A server removes what others have left where it keeps its own for a while.
mkdir "$dir/tmp"
# As root it wants to be told that this is meant.
user=--user=$(id -un)
mariadb-install-db --no-defaults "$user" --datadir="$dir/data" --auth-root-authentication-method=normal --skip-test-db \
  --innodb-log-file-size=4M >/dev/null
mariadbd --no-defaults "$user" --datadir="$dir/data" --port="$port" --bind-address=127.0.0.1 --socket="$dir/socket" \
  --pid-file="$dir/pid" --tmpdir="$dir/tmp" --innodb-flush-method=nosync --innodb-log-file-size=4M --skip-name-resolve \
  >"$dir/log" 2>&1 </dev/null &
server=$!
admin() { mariadb-admin --no-defaults --protocol=tcp -h 127.0.0.1 -P "$port" -u root "$@"; }
until admin ping >/dev/null 2>&1; do
  kill -0 "$server" 2>/dev/null || die "MariaDB does not start:" "$(tail -n5 "$dir/log")"
  sleep 0.05
done
admin create wingbeat
export MARIADB_URL="mariadb://root@127.0.0.1:$port/wingbeat"
"$@"
