# Sourced by the other scripts: goes to the root of the project, and says clearly what is missing on this machine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

TARGET=${CARGO_TARGET_DIR:-$PWD/target}

step() { printf '\n==> %s\n' "$*"; }
die() { printf 'error: %s\n' "$1" >&2; shift; for line in "$@"; do printf '       %s\n' "$line" >&2; done; exit 1; }

need_rust() {
  local wanted found
  command -v cargo >/dev/null && command -v rustc >/dev/null ||
    die "Rust is missing." "Install it from https://rustup.rs (Debian: apt install rustup && rustup default stable)."
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
  found=$(rustc --version | cut -d' ' -f2)
  [ "$(printf '%s\n' "$wanted" "${found%%-*}" | sort -V | head -n1)" = "$wanted" ] ||
    die "Rust $found is too old; $wanted is needed." "Update it: rustup update stable (https://rustup.rs; Debian's own rustc may be too old)."
  command -v cc >/dev/null ||
    die "A C compiler is missing (SQLite is compiled from source)." "On Debian: apt install build-essential"
}

need_node() {
  command -v node >/dev/null || die "Node.js is missing; 20 or later is needed." "On Debian: apt install nodejs npm"
  command -v npm >/dev/null || die "npm is missing." "On Debian: apt install npm"
  [ "$(node -p 'parseInt(process.versions.node)')" -ge 20 ] ||
    die "Node.js $(node -v) is too old; 20 or later is needed." "Debian 13 has it; for others see https://nodejs.org."
}

# Installs a folder's npm packages, unless they are those of its lock file already.
npm_packages() {
  local stamp="$1/node_modules/.installed" wanted
  wanted=$(cksum <"$1/package-lock.json")
  if [ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ]; then return; fi
  step "npm packages of $1"
  (cd "$1" && npm ci --no-audit --no-fund --loglevel=error)
  printf '%s\n' "$wanted" >"$stamp"
}

# What the documentation says to type is typed by the tests. `--json` is there since 7.82.
need_curl() {
  local as_root=env
  if [ "$(id -u)" != 0 ]; then as_root="sudo -n"; fi
  if ! command -v curl >/dev/null && command -v apt-get >/dev/null && $as_root true 2>/dev/null; then
    step "curl by apt"
    $as_root apt-get update -qq && $as_root apt-get install -qq -y --no-install-recommends curl || true
  fi
  command -v curl >/dev/null || die "curl is missing." "On Debian: apt install curl"
}

find_chromium() {
  local name
  for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
    if [ -n "$name" ] && command -v "$name"; then return; fi
  done
  return 1
}

# Sets CHROMIUM, installing Debian's package where we may; fails if there is none in the end.
need_chromium() {
  local as_root=env
  if [ "$(id -u)" != 0 ]; then as_root="sudo -n"; fi
  if ! find_chromium >/dev/null && command -v apt-get >/dev/null && $as_root true 2>/dev/null; then
    step "Chromium by apt"
    $as_root apt-get update -qq && $as_root apt-get install -qq -y --no-install-recommends chromium || true
  fi
  CHROMIUM=$(find_chromium) || {
    printf 'Chromium is missing. On Debian: apt install chromium; elsewhere set CHROMIUM to the program.\n' >&2
    return 1
  }
  export CHROMIUM
}

find_postgres() {
  local folder
  for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV) $(dirname "$(command -v initdb || echo /nowhere/initdb)"); do
    if [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ]; then echo "$folder" && return; fi
  done
  return 1
}

# Sets POSTGRES_BIN, installing Debian's package where we may; fails if there is none in the end.
need_postgres() {
  local as_root=env
  if [ "$(id -u)" != 0 ]; then as_root="sudo -n"; fi
  if ! find_postgres >/dev/null && command -v apt-get >/dev/null && $as_root true 2>/dev/null; then
    step "PostgreSQL by apt"
    $as_root apt-get update -qq && $as_root apt-get install -qq -y --no-install-recommends postgresql || true
  fi
  POSTGRES_BIN=$(find_postgres) || {
    printf 'PostgreSQL is missing. On Debian: apt install postgresql; elsewhere its programs must be in the path.\n' >&2
    return 1
  }
  export POSTGRES_BIN
}

# Installs Debian's MariaDB where we may; fails if there is none in the end.
need_mariadb() {
  local as_root=env
  PATH=$PATH:/usr/sbin
  if [ "$(id -u)" != 0 ]; then as_root="sudo -n"; fi
  if ! command -v mariadbd >/dev/null && command -v apt-get >/dev/null && $as_root true 2>/dev/null; then
    step "MariaDB by apt"
    $as_root apt-get update -qq && $as_root apt-get install -qq -y --no-install-recommends mariadb-server || true
  fi
  if ! command -v mariadbd >/dev/null || ! command -v mariadb-install-db >/dev/null; then
    printf 'MariaDB is missing. On Debian: apt install mariadb-server; elsewhere its programs must be in the path.\n' >&2
    return 1
  fi
}

# Installs a server of this name by the Debian package of the same name where we may; fails if there is none in the end.
need_server() {
  local program=$1 as_root=env
  PATH=$PATH:/usr/sbin
  if [ "$(id -u)" != 0 ]; then as_root="sudo -n"; fi
  if ! command -v "$program" >/dev/null && command -v apt-get >/dev/null && $as_root true 2>/dev/null; then
    step "$program by apt"
    $as_root apt-get update -qq && $as_root apt-get install -qq -y --no-install-recommends "$program" || true
  fi
  if ! command -v "$program" >/dev/null; then
    printf '%s is missing. On Debian: apt install %s; elsewhere the program must be in the path.\n' "$program" "$program" >&2
    return 1
  fi
}

need_redis() { need_server redis-server; }
need_nats() { need_server nats-server; }
need_haproxy() { need_server haproxy; }
need_nginx() { need_server nginx; }

# Sets SQLMAP, installing it into the target folder where it is missing; fails if there is none in the end.
need_sqlmap() {
  local own="$TARGET/sqlmap"
  command -v python3 >/dev/null || { printf 'Python is missing. On Debian: apt install python3 python3-venv\n' >&2; return 1; }
  SQLMAP=$(command -v sqlmap || echo "$own/bin/sqlmap")
  if [ ! -x "$SQLMAP" ]; then
    step "sqlmap by pip"
    python3 -m venv "$own" && "$own/bin/pip" install -q sqlmap==1.10.10 || true
  fi
  if [ ! -x "$SQLMAP" ]; then
    printf 'sqlmap is missing. On Debian: apt install sqlmap; elsewhere pip install sqlmap.\n' >&2
    return 1
  fi
}

# All programs that the suites drive, in the profile of `make run`, and always in one command: cargo builds dependencies
# anew for every other set of packages, because each asks for other features.
build_programs() {
  step "building fixture, chat and raw server"
  cargo build --profile quick -p conformance -p chat -p wingbeat-engine --bins --example raw
}
