#!/usr/bin/env bash
# `make run`: the chat, from a fresh clone to a listening server.
source "$(dirname "$0")/requirements.sh"

export PORT=${PORT:-3030}
# As the chat has it.
export CHAT_HOST=${CHAT_HOST:-127.0.0.1}
CHAT_DB=${CHAT_DB:-$PWD/examples/chat/chat.db}

need_rust
need_node

case $PORT in '' | *[!0-9]*) die "PORT is '$PORT', which is no number." ;; esac
# Whether we could listen there: nothing if so, else why not.
taken() {
  local found
  found=$(node -e '
    require("node:net").createServer()
      .on("error", (error) => console.log(error.code))
      .listen(Number(process.env.PORT), process.argv[1], function () { this.close() })
  ' "$1" 2>/dev/null) || found="not a port"
  printf '%s' "$found"
}
problem=$(taken "$CHAT_HOST")
case $problem in
  '') ;;
  EADDRINUSE) die "Port $PORT is taken by another program." "Stop it, or choose another port: make run PORT=8080" ;;
  EACCES) die "Port $PORT needs rights that we do not have." "Choose one above 1023: make run PORT=8080" ;;
  EADDRNOTAVAIL | ENOTFOUND) die "CHAT_HOST is '$CHAT_HOST', which is no address of this machine." ;;
  *) die "Port $PORT cannot be used ($problem)." "Choose another: make run PORT=8080" ;;
esac

# Every connection takes a file descriptor; take as many as we are allowed, up to a point.
few() { [ "$(ulimit -n)" != unlimited ] && [ "$(ulimit -n)" -lt "$1" ]; }
if few 65536; then ulimit -S -n 65536 2>/dev/null || ulimit -S -n "$(ulimit -H -n)"; fi
if few 4096; then
  printf 'warning: only %s file descriptors are allowed, and each connection takes one. Raise the limit with: ulimit -n 65536\n' "$(ulimit -n)" >&2
fi

npm_packages examples/chat
step "building the chat (some minutes the first time)"
cargo build --profile quick -p chat
step "starting the chat"
# Browsers take `localhost` for ::1 first.
if [ "$CHAT_HOST" = 127.0.0.1 ] && [ "$(taken ::1)" = EADDRINUSE ]; then
  printf 'warning: another program has port %s on [::1]: http://localhost:%s opens that one. Use http://127.0.0.1:%s\n' "$PORT" "$PORT" "$PORT" >&2
fi
exec "$TARGET/quick/chat" --port "$PORT" --db "$CHAT_DB"
