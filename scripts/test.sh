#!/usr/bin/env bash
# `make test`: everything. A failure does not hide what comes after it; the last lines say what passed.
source "$(dirname "$0")/requirements.sh"

need_rust
need_node

results=()
summary="all passed"
failed=0
log=$(mktemp)
complaints=$(mktemp)
trap 'rm -f "$log" "$complaints"' EXIT

# What a step that failed complained of, to be repeated at the end: in thousands of lines nobody finds it.
complain() {
  printf '\n%s:\n' "$1"
  sed 's/\x1b\[[0-9;]*m//g' "$log" |
    grep -aE -A 3 '^ *(FAIL|TIMEOUT|SIG[A-Z]+|LEAK-FAIL) |^test .* FAILED$|panicked at |^error|^ *✖ |^not ok|^ *(different|FAILED) |: Error: ' |
    tail -n 30 | cut -c 1-200 || true
}

run() {
  local name=$1 started=$SECONDS status=0 verdict
  shift
  "$@" 2>&1 | tee "$log" || status=${PIPESTATUS[0]}
  case $status in
    0) verdict=passed ;;
    77)
      verdict="NOT RUN"
      # What cannot run is a failure where nobody looks.
      if [ "${CI:-}" = true ]; then failed=1; else summary="passed, but not everything could run"; fi
      ;;
    *)
      verdict=FAILED
      failed=1
      complain "$name" >>"$complaints"
      ;;
  esac
  results+=("$(printf '%-8s %-26s %4d s' "$verdict" "$name" $((SECONDS - started)))")
}

run "lint and documentation" scripts/lint.sh
run "Rust tests" scripts/rust-tests.sh
run "replayer and bench runner" scripts/tools.sh
run "fixture and chat build" scripts/build.sh
run "replay of stages $STAGES" scripts/replay.sh
run "questions beside Feathers" scripts/compare.sh
run "JavaScript clients" scripts/interop.sh
run "chat in a browser" scripts/browser.sh

cat "$complaints"
printf '\n'
printf '%s\n' "${results[@]}"
if [ $failed != 0 ]; then summary=FAILED; fi
echo "make test: $summary"
exit $failed
