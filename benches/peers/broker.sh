#!/usr/bin/env bash
# A Kafka broker on loopback for the comparison, with its jars from Maven Central: broker.sh start | stop | jars
# KAFKA_PORT is its port; the controller takes the next one. PEERS_HOME holds lib/, data/ and out/.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
home=${PEERS_HOME:-$here/../../.dev/peers}
port=${KAFKA_PORT:-19092}
controller=$((port + 1))
lib=$home/lib data=$home/data/kafka pidfile=$home/data/broker.pid log=$home/out/broker.log
mkdir -p "$home/data" "$home/out"

jars() {
  if [ ! -e "$lib/.done" ] || [ "$here/pom.xml" -nt "$lib/.done" ]; then
    rm -rf "$lib"
    (cd "$here" && mvn -q -B dependency:copy-dependencies -DoutputDirectory="$lib" -Dbuild.home="$home/target")
    touch "$lib/.done"
  fi
  (cd "$here" && mvn -q -B compile -Dbuild.home="$home/target")
}

properties() {
  cat <<END
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:$controller
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$data
log.retention.ms=-1
num.partitions=4
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
file.delete.delay.ms=1000
END
}

is_alive() { [ -e "$pidfile" ] && kill -0 "$(cat "$pidfile")" 2>/dev/null; }

start() {
  if is_alive; then
    echo "the broker is running already, pid $(cat "$pidfile")" >&2
    return
  fi
  properties > "$home/data/server.properties"
  if [ ! -e "$data/meta.properties" ]; then
    local id
    id=$(java -cp "$lib/*" kafka.tools.StorageTool random-uuid 2>/dev/null | tail -n 1)
    java -cp "$lib/*" kafka.tools.StorageTool format -t "$id" -c "$home/data/server.properties" >> "$log" 2>&1
  fi
  cd "$home/data"
  java -Xms1g -Xmx1g -XX:+UseG1GC -cp "$home/target/classes:$lib/*" kafka.Kafka server.properties >> "$log" 2>&1 < /dev/null &
  echo $! > "$pidfile"
  disown
  for _ in $(seq 300); do
    if (exec 3<> "/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return; fi
    is_alive || { tail -n 20 "$log" >&2; echo "the broker did not start" >&2; exit 1; }
    sleep 0.2
  done
  echo "the broker does not answer" >&2
  exit 1
}

stop() {
  local pid
  is_alive || { rm -f "$pidfile"; return 0; }
  pid=$(cat "$pidfile")
  kill "$pid"
  for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.2; done
  kill -0 "$pid" 2>/dev/null && kill -9 "$pid"
  rm -f "$pidfile"
}

case "${1:-}" in
  start | stop | jars) "$1" ;;
  *) echo "usage: broker.sh start | stop | jars" >&2; exit 2 ;;
esac
