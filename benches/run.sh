#!/usr/bin/env bash
# Called by ./dev bench: the engine and its parts on this machine, and the whole pipeline beside its peers. `all` leaves out what needs a broker.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case "${1:-all}" in
  peers) shift; exec benches/peers/run.sh "$@" ;;
  recovery) shift; cargo bench --quiet --locked --bench recovery -- "$@" ;;
  storms) shift; cargo bench --quiet --locked --bench storms -- "$@" ;;
  decode | engine | portfolio | scrape | crowded | stage) cargo bench --quiet --locked --bench "$1" ;;
  all) for bench in decode engine portfolio scrape crowded storms; do cargo bench --quiet --locked --bench "$bench"; done ;;
  *)
    echo "unknown bench: $1 (decode, engine, portfolio, scrape, crowded, storms, recovery, stage, peers, all)" >&2
    exit 2
    ;;
esac
