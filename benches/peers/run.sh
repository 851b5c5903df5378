#!/usr/bin/env bash
# Called by ./dev bench peers [CONTENDER ...]: builds the contenders that are asked for, starts a broker, loads its topics once, lets each
# contender read them, and prints the table. README.md explains the contenders and the variables.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
export PEERS_HOME=${PEERS_HOME:-$root/.dev/peers} KAFKA_PORT=${KAFKA_PORT:-19092}
export BOOTSTRAP=127.0.0.1:$KAFKA_PORT
[ $# -gt 0 ] || set -- churnwatch churnwatch-publishing count-1 streams-memory streams-objects flink-hashmap

wants() { printf '%s\n' "${contenders[@]}" | grep -q "^$1"; }
contenders=("$@")

"$here/broker.sh" jars
CARGO_TARGET_DIR=$PEERS_HOME/target/rust cargo build --quiet --release --locked --manifest-path "$here/count/Cargo.toml"
if wants churnwatch; then
  # The digest comes with the binary. Asking for the binary alone would compile its libraries twice: benches turn on features of some.
  (cd "$root" && cargo bench --quiet --locked --bench digest --no-run)
  export CHURNWATCH=${CHURNWATCH:-$root/target/release/churnwatch}
fi
if wants flink; then
  if [ ! -e "$PEERS_HOME/lib-flink/.done" ] || [ "$here/flink/pom.xml" -nt "$PEERS_HOME/lib-flink/.done" ]; then
    (cd "$here/flink" && mvn -q -B dependency:copy-dependencies -DoutputDirectory="$PEERS_HOME/lib-flink" -Dbuild.home="$PEERS_HOME/target/flink")
    touch "$PEERS_HOME/lib-flink/.done"
  fi
  (cd "$here/flink" && mvn -q -B compile -Dbuild.home="$PEERS_HOME/target/flink")
fi
if wants quix && [ ! -e "$PEERS_HOME/.venv/.done" ]; then
  python3 -m venv "$PEERS_HOME/.venv"
  "$PEERS_HOME/.venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/quix/requirements.txt"
  touch "$PEERS_HOME/.venv/.done"
fi
trap '"$here/broker.sh" stop' EXIT
"$here/broker.sh" start
python3 "$here/compare.py" "$@"
