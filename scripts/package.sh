#!/usr/bin/env bash
# What would be published can be packaged, without a warning. Called by `make lint`; builds nothing (a release does: CONTRIBUTING.md).
source "$(dirname "$0")/requirements.sh"

need_rust
step "packages"
# All but what says `publish = false`. Changes that are not committed are packaged as well.
published=$(cargo metadata --no-deps --format-version 1 --offline |
  grep -o '"name":"wingbeat[a-z-]*","version":"[^"]*","id":"[^"]*crates/' | cut -d'"' -f4 | sort)
[ -n "$published" ] || die "No package is found that would be published."
said=$(cargo package --no-verify --allow-dirty --offline --quiet $(printf -- '-p %s ' $published) 2>&1) ||
  die "Packaging fails." "$said"
[ -z "$said" ] || die "Packaging warns." "$said"
printf '%s\n' $published
