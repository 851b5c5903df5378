"""The programs that compete: how each is started, and how its digest is asked for.

A command is run by bash until it is killed. It finds BOOTSTRAP, TOPICS, GROUP, OUTPUT_TOPIC and STATE_DIR in its environment. The group is
also the application id, so all its topics carry it. A line `FIRST_RECORD <epoch ms>` marks the first record that it consumed; without one,
time counts from its start. A digest command runs once everything is committed, with AS_OF_MS besides, and prints one line of JSON.
"""

import json
import os
import shutil
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
HOME = os.environ["PEERS_HOME"]
ROOT = os.path.dirname(os.path.dirname(HERE))
JAVA_OPTIONS = os.environ.get("JAVA_OPTIONS", "-Xms1g -Xmx1g -Xmn600m -XX:+UseParallelGC")
RUST = os.path.join(HOME, "target/rust/release")


@dataclass
class Contender:
    name: str
    command: str
    digest: str = ""
    slow: bool = False


def churnwatch():
    binary = os.environ.get("CHURNWATCH", os.path.join(ROOT, "target/release/churnwatch"))
    threads = os.environ.get("THREADS", "2")
    run = (f"exec '{binary}' run --set kafka.bootstrap_servers=$BOOTSTRAP --set application.id=$GROUP --set application.threads={threads}"
           " --set output.changes_topic=$OUTPUT_TOPIC --set output.dead_letters_topic=dead-letters-$GROUP --set http.listen=127.0.0.1:0")
    digest = f"cd '{ROOT}' && cargo bench --quiet --locked --bench digest"
    return [
        Contender("churnwatch", run, digest),
        # The peers publish all the time, so this is the one to compare with them.
        Contender("churnwatch-publishing", f"{run} --set time.catch_up_age_minutes=never", digest),
    ]


def streams():
    program = f"java {JAVA_OPTIONS} -cp '{HOME}/target/classes:{HOME}/lib/*' peers.StreamsPeer"
    digest = f"java -cp '{HOME}/target/classes:{HOME}/lib/*' peers.Digest"
    return [Contender(f"streams-{store}", f"STORE={store} {program}", digest) for store in ("memory", "rocksdb", "objects")]


def flink():
    program = (f"java {JAVA_OPTIONS} --add-opens=java.base/java.lang=ALL-UNNAMED --add-opens=java.base/java.util=ALL-UNNAMED"
               f" -cp '{HOME}/target/flink/classes:{HOME}/lib-flink/*' peers.FlinkPeer")
    # Its state is inside, so it writes the digest itself when it is told to stop.
    digest = "touch $STATE_DIR/stop; for i in $(seq 100); do [ -s $STATE_DIR/digest.json ] && break; sleep 0.2; done; cat $STATE_DIR/digest.json"
    return [Contender(f"flink-{store}", f"STORE={store} {program}", digest) for store in ("hashmap", "rocksdb")]


def quix():
    python = os.path.join(HOME, ".venv/bin/python")
    digest = f"'{python}' '{HERE}/quix/digest.py'"
    return [Contender(f"quix-{count}", f"PROCESSES={count} '{python}' '{HERE}/quix/peer.py'", digest, slow=True) for count in (1, 2)]


def bare():
    """Consumers that only count: what any program must spend."""
    found = [Contender(f"count-{threads}", f"THREADS={threads} '{RUST}/count'") for threads in (1, 2)]
    if shutil.which("kcat"):
        found.append(Contender("kcat", "kcat -q -b $BOOTSTRAP -G $GROUP -X auto.offset.reset=earliest -X isolation.level=read_committed"
                                       " -X auto.commit.interval.ms=1000 -f . ${TOPICS//,/ } > /dev/null"))
    return found


def known():
    """All contenders, with those of the file CONTENDERS: [[name, command, digest command], ...]."""
    more = os.environ.get("CONTENDERS")
    given = [Contender(*one) for one in json.load(open(more))] if more else []
    return churnwatch() + bare() + streams() + flink() + quix() + given
