#!/usr/bin/env bash
# What ./dev bench runs: the engine and its parts on this machine; docs/performance.md says how the whole pipeline is measured.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case "${1:-all}" in
  decode | engine | portfolio | scrape | crowded) cargo bench --quiet --locked --bench "$1" ;;
  all) for bench in decode engine portfolio scrape crowded; do cargo bench --quiet --locked --bench "$bench"; done ;;
  *)
    echo "unknown bench: $1 (decode, engine, portfolio, scrape, crowded, all)" >&2
    exit 2
    ;;
esac
