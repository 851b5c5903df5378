"""Lets contenders read the loaded topics, one at a time, measures them, checks their digests, and prints the table. Called by run.sh."""

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time

from contenders import HOME, RUST, known
from machine import Samples

OUT = os.path.join(HOME, "out")
DATA = os.path.join(HOME, "data")
EVENTS = int(os.environ.get("EVENTS", "3000000"))
ACCOUNTS = int(os.environ.get("ACCOUNTS", "100000"))
SEED = int(os.environ.get("SEED", "1"))
RUNS = int(os.environ.get("RUNS", "3"))
SLOW_RUNS = int(os.environ.get("SLOW_RUNS", "1"))
WARM_UPS = int(os.environ.get("WARM_UPS", "4"))
TIME_LIMIT_S = int(os.environ.get("TIME_LIMIT_S", "900"))
QUIET = 0.06  # a run in which others took more than this share of the machine is repeated
TRIES = 3
PAUSE_S = 3  # between runs: the broker deletes topics
LATE_MIN_S = 2  # a second half that took less says nothing
TOPICS = "product-usage,billing,support-tickets"
JAVA = ["java", "-cp", f"{HOME}/target/classes:{HOME}/lib/*"]
# What every contender must find out, and the generator knows.
DIGEST_KEYS = ("accounts", "mrr_minor", "open_tickets", "events_28d", "active_days_28d", "users_28d", "features_28d", "resolved",
               "resolution_p50_minutes_sum")


def end_process(process):
    for number, patience in ((signal.SIGTERM, 15), (signal.SIGKILL, 5)):
        if process.poll() is None:
            os.killpg(process.pid, number)
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                pass


def follow(process, environment, started):
    """(time, records committed) as the contender's group moves on, until everything is committed; whether it came to that."""
    watch = subprocess.Popen([os.path.join(RUST, "watch")], env=environment, stdout=subprocess.PIPE, text=True)
    progress, end = [], 0
    for line in watch.stdout:
        epoch_ms, committed, end = map(int, line.split())
        progress.append((epoch_ms / 1000, committed))
        if process.poll() is not None or time.time() - started > TIME_LIMIT_S:
            watch.kill()
    watch.wait()
    return progress, bool(progress) and progress[-1][1] >= end


def run(contender, number, broker, expected):
    run_id = f"{contender.name}-{int(time.time())}"
    environment = {**os.environ, "TOPICS": TOPICS, "GROUP": run_id, "OUTPUT_TOPIC": f"account-health-{run_id}",
                   "STATE_DIR": os.path.join(DATA, "state", run_id), "AS_OF_MS": str(expected["as_of_ms"])}
    log_path = os.path.join(OUT, f"{contender.name}.log")
    with open(log_path, "w") as log:
        started = time.time()
        process = subprocess.Popen(["bash", "-c", contender.command], env=environment, stdout=log, stderr=log,
                                   stdin=subprocess.DEVNULL, start_new_session=True)
        samples = Samples(process.pid, broker)
        progress, is_finished = follow(process, environment, started)
        time.sleep(0.3)
        samples.stop()
        digest = ""
        if is_finished and contender.digest:
            digest = subprocess.run(["bash", "-c", contender.digest], env=environment, capture_output=True, text=True).stdout
        end_process(process)
    result = {"contender": contender.name, "run": number, "finished": is_finished, "log": os.path.basename(log_path)}
    if is_finished:
        result.update(measure(started, first_record(log_path, started), progress, samples))
    if is_finished and contender.digest:
        result["digest"] = json.loads(digest or "{}")
        result["valid"] = all(result["digest"].get(key) == expected[key] for key in DIGEST_KEYS)
    subprocess.run([*JAVA, "peers.Topics", run_id], env=environment, stderr=subprocess.DEVNULL)
    shutil.rmtree(environment["STATE_DIR"], ignore_errors=True)
    time.sleep(PAUSE_S)
    return result


def first_record(log_path, otherwise):
    with open(log_path, errors="replace") as log:
        stamps = [int(line.split()[1]) / 1000 for line in log if line.startswith("FIRST_RECORD ")]
    return min(stamps, default=otherwise)


def measure(started, first, progress, samples):
    end_at, events = progress[-1]
    half_at, half = next(entry for entry in progress if entry[1] >= events / 2)
    cpu, broker_cpu = samples.at(end_at, "cpu"), samples.since_start(end_at, "broker_cpu")
    other_cpu = samples.since_start(end_at, "machine_cpu") - cpu - broker_cpu
    result = {
        "events": events,
        "wall_s": end_at - first,
        "events_per_s": events / (end_at - first),
        "cpu_s": cpu,
        "events_per_cpu_s": events / cpu,
        "peak_rss_mib": samples.peak_rss(),
        "broker_cpu_s": broker_cpu,
        "other_cpu_s": other_cpu,
        "disturbed": other_cpu > QUIET * os.cpu_count() * (end_at - started),
    }
    if end_at - half_at >= LATE_MIN_S:
        result["late_events_per_s"] = (events - half) / (end_at - half_at)
        result["late_events_per_cpu_s"] = (events - half) / (cpu - samples.at(half_at, "cpu"))
    return result


def load():
    """Writes the topics once, and keeps beside them what their digest must be."""
    marker = os.path.join(DATA, "loaded.json")
    wanted = {"events": EVENTS, "accounts": ACCOUNTS, "seed": SEED}
    if os.path.exists(marker):
        with open(marker) as file:
            loaded = json.load(file)
        if loaded["arguments"] != wanted:
            sys.exit(f"the topics hold other events: remove {DATA} and run again")
        return loaded["expected"]
    generate = [*JAVA, "-Xmx1g", "peers.Generate", "--events", str(EVENTS), "--accounts", str(ACCOUNTS), "--seed", str(SEED)]
    made = subprocess.run(generate, env={**os.environ, "TOPICS": TOPICS}, stdout=subprocess.PIPE, text=True, check=True)
    expected = json.loads(made.stdout)
    with open(marker, "w") as file:
        json.dump({"arguments": wanted, "expected": expected}, file)
    time.sleep(PAUSE_S)
    return expected


COLUMNS = (("events/s", "events_per_s", "{:,.0f}"), ("events/CPU-s", "events_per_cpu_s", "{:,.0f}"),
           ("2nd half events/s", "late_events_per_s", "{:,.0f}"), ("2nd half events/CPU-s", "late_events_per_cpu_s", "{:,.0f}"),
           ("seconds", "wall_s", "{:.1f}"), ("CPU s", "cpu_s", "{:.1f}"), ("peak RSS MiB", "peak_rss_mib", "{:,.0f}"),
           ("broker CPU s", "broker_cpu_s", "{:.1f}"), ("other CPU s", "other_cpu_s", "{:.1f}"))


def row(name, runs):
    good = [result for result in runs if result["finished"] and result.get("valid", True)]
    quiet = [result for result in good if not result["disturbed"]] or good
    cells = []
    for _, key, form in COLUMNS:
        values = [result[key] for result in quiet if key in result]
        cells.append(form.format(statistics.median(values)) if values else "-")
    if not all(result["finished"] for result in runs):
        verdict = "unfinished"
    elif not any("valid" in result for result in runs):
        verdict = "-"
    else:
        verdict = "equal" if len(good) == len(runs) else "VOID"
    return f"| {name} | {len(quiet)}/{len(runs)} | " + " | ".join(cells) + f" | {verdict} |"


def table(results):
    names = dict.fromkeys(result["contender"] for result in results)
    lines = ["| contender | runs | " + " | ".join(column[0] for column in COLUMNS) + " | digest |", "|---|" + "---:|" * (len(COLUMNS) + 1) + "---|"]
    return "\n".join(lines + [row(name, [result for result in results if result["contender"] == name]) for name in names])


def warm_up(contenders, broker, expected):
    """The broker's JVM gets faster over its first runs: let it, before anything counts."""
    for _ in range(WARM_UPS):
        for contender in contenders:
            if contender.name in ("count-1", "streams-memory"):
                run(contender, 0, broker, expected)


def main():
    os.makedirs(OUT, exist_ok=True)
    chosen = [contender for contender in known() if contender.name in sys.argv[1:]]
    unknown = set(sys.argv[1:]) - {contender.name for contender in chosen}
    if unknown:
        sys.exit(f"unknown: {', '.join(sorted(unknown))}; known are {', '.join(contender.name for contender in known())}")
    with open(os.path.join(DATA, "broker.pid")) as file:
        broker = int(file.read())
    expected = load()
    print(f"{EVENTS:,} events, {ACCOUNTS:,} accounts, seed {SEED}; load before: {os.getloadavg()}", file=sys.stderr)
    warm_up(known(), broker, expected)
    results = []
    for number in range(1, RUNS + 1):
        for contender in chosen:
            if contender.slow and number > SLOW_RUNS:
                continue
            for _ in range(TRIES):
                results.append(run(contender, number, broker, expected))
                print(json.dumps(results[-1]), file=sys.stderr, flush=True)
                with open(os.path.join(OUT, "results.json"), "w") as file:
                    json.dump({"expected": expected, "results": results}, file, indent=1)
                if not results[-1].get("disturbed"):
                    break
    print(table(results))
    if any(not result["finished"] or result.get("valid") is False for result in results):
        sys.exit(1)


if __name__ == "__main__":
    main()
