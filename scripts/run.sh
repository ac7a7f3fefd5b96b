#!/usr/bin/env bash
# `make run`: the chat, from a fresh clone to a listening server.
source "$(dirname "$0")/requirements.sh"

export PORT=${PORT:-3030}
CHAT_DB=${CHAT_DB:-$PWD/examples/chat/chat.db}

need_rust
need_node

case $PORT in '' | *[!0-9]*) die "PORT is '$PORT', which is no number." ;; esac
problem=$(node -e '
  require("node:net").createServer()
    .on("error", (error) => console.log(error.code))
    .listen(Number(process.env.PORT), "0.0.0.0", function () { this.close() })
' 2>&1) || problem="not a port"
case $problem in
  '') ;;
  EADDRINUSE) die "Port $PORT is taken by another program." "Stop it, or choose another port: make run PORT=8080" ;;
  EACCES) die "Port $PORT needs rights that we do not have." "Choose one above 1023: make run PORT=8080" ;;
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
exec "$TARGET/quick/chat" --port "$PORT" --db "$CHAT_DB"
