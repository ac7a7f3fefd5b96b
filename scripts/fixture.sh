# Sourced by the suites: FIXTURE is the command of the fixture. Unless it is given, ours is built.
source "$(dirname "${BASH_SOURCE[0]}")/requirements.sh"

need_node
npm_packages conformance
if [ -z "${FIXTURE:-}" ]; then
  need_rust
  build_programs
  FIXTURE="\"$TARGET/quick/fixture\""
fi
export FIXTURE
