#!/usr/bin/env bash
# `make cluster`: three chats with one database, a broker and a balancer, all on this machine and ended by Ctrl+C.
source "$(dirname "$0")/requirements.sh"

port=${PORT:-3030}
bus=${CHAT_BUS:-redis}
case $bus in
  redis) need_redis || exit 1 ;;
  nats) need_nats || exit 1 ;;
  *) die "CHAT_BUS is '$bus': write redis or nats." ;;
esac
need_rust
need_node
need_haproxy || exit 1

npm_packages examples/chat
step "building the chat (some minutes the first time)"
cargo build --profile quick -p chat

folder=$(mktemp -d)
running=()
ended() {
  trap - EXIT INT TERM
  kill "${running[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$folder"
}
trap ended EXIT
trap 'exit 130' INT TERM

# Ports that are free now: the broker's, and the chats'.
read -r broker first second third <<<"$(node -e '
  const { createServer } = require("node:net")
  const servers = [1, 2, 3, 4].map(() => createServer().listen(0, "127.0.0.1"))
  Promise.all(servers.map((server) => new Promise((done) => server.once("listening", done)))).then(() => {
    console.log(servers.map((server) => server.address().port).join(" "))
    servers.forEach((server) => server.close())
  })
')"

step "starting the broker ($bus)"
case $bus in
  redis) redis-server --port "$broker" --bind 127.0.0.1 --save '' --dir "$folder" >"$folder/broker.log" 2>&1 & ;;
  nats) nats-server --addr 127.0.0.1 --port "$broker" >"$folder/broker.log" 2>&1 & ;;
esac
running+=($!)

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
until_answers() {
  for _ in $(seq 100); do
    if answers "$1"; then return; fi
    sleep 0.1
  done
  die "$2 did not start." "$(tail -n 5 "$folder/$3.log")"
}
until_answers "$broker" "The broker" broker

backends=""
rules=""
for chat in "n1 $first" "n2 $second" "n3 $third"; do
  read -r name at <<<"$chat"
  step "starting chat $name"
  env "CHAT_${bus^^}=$bus://127.0.0.1:$broker" CHAT_NODE="$name" CHAT_PROXIES=127.0.0.1 CHAT_DB="${CHAT_DB:-$folder/chat.db}" \
    "$TARGET/quick/chat" --port "$at" >"$folder/$name.log" 2>&1 &
  running+=($!)
  until_answers "$at" "Chat $name" "$name"
  backends+="    server $name 127.0.0.1:$at check"$'\n'
  rules+="    use-server $name if { url_param(sid) -m end $name }"$'\n'
done

# As the guide has it (docs/guide/nodes.md).
cat >"$folder/balancer.cfg" <<END
defaults
    mode http
    timeout connect 5s
    timeout client 120s
    timeout server 120s
    timeout tunnel 120s
    option forwardfor

frontend all
    bind 127.0.0.1:$port
    default_backend nodes

backend nodes
    balance leastconn
    option httpchk GET /health
$rules$backends
END
step "starting the balancer"
haproxy -db -f "$folder/balancer.cfg" >"$folder/balancer.log" 2>&1 &
running+=($!)
until_answers "$port" "The balancer" balancer
printf '\nThe chat is on http://localhost:%s; its nodes are processes %s, %s and %s: end one and see.\n' "$port" "${running[1]}" "${running[2]}" "${running[3]}"
wait "${running[-1]}"
