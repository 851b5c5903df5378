"""Pipeline: is everything running, how far behind is it, and what does it cost."""

from metrics import grouped, increase, rate, ratio, series, total
from panels import Board, Line, Panel, Query, Row


def commit_quantile(q: float) -> str:
    return f"histogram_quantile({q}, {rate('commit_duration_seconds_bucket', 'le')})"


def stat(title: str, expr: str, description: str, lines: tuple[Line, ...] = (), below: str = "text", unit: str = "short") -> Panel:
    return Panel(title, "stat", (Query(expr),), description, unit=unit, width=4, height=4, lines=lines, below=below)


BAD = (Line(1, "red"),)

STATE = Row(
    "State",
    (
        stat("Instances ready", total("ready"), "Members of the group whose tasks are all restored.", (Line(1, "green"),), "red"),
        stat(
            "Tasks not processed",
            f"{grouped('max', '', series('group_tasks'))} - {total('tasks_owned', phase='running')}",
            "Tasks of the group that no instance is running.",
            BAD,
            "green",
        ),
        stat("Tasks catching up", total("task_catching_up"), "They update state and publish nothing.", (Line(1, "yellow"),), "green"),
        stat("Stale streams", f"sum({grouped('max', 'stream', series('stream_stale'))})", "Streams that are silent in at least one task.", BAD, "green"),
        stat("Records behind", total("task_lag_records"), "Records between the committed offsets and the ends of the partitions."),
        stat("Accounts held", total("accounts"), "Accounts of all instances."),
    ),
)

FLOW = Row(
    "Flow",
    (
        Panel(
            "Records per second",
            "timeseries",
            (Query(rate("records_total", "stream"), "{{stream}}"),),
            "Records read, by stream.",
            unit="cps",
            stacked=True,
            minimum=0,
        ),
        Panel("Lag", "timeseries", (Query(grouped("max", "task", series("task_lag_records")), "task {{task}}"),), "Records waiting, by task.", minimum=0),
        Panel(
            "Outcomes other than applied",
            "timeseries",
            (Query(rate("records_total", "outcome", outcome="!=applied"), "{{outcome}}"),),
            "Duplicates, late and unknown records, and dead letters, per second.",
            unit="cps",
            minimum=0,
        ),
        Panel(
            "Dead letters by code",
            "timeseries",
            (
                Query(
                    f"{increase('dead_letters_total', 'stream, code', '1h')} or {increase('records_total', 'stream', '1h', outcome='dead_letter')} == 0",
                    "{{stream}} {{code}}",
                ),
            ),
            "Within an hour; a stream without any is drawn at 0.",
            minimum=0,
        ),
        Panel(
            "Changes published",
            "timeseries",
            (Query(rate("changes_total", "cause"), "{{cause}}"),),
            "Per second, by cause.",
            unit="cps",
            stacked=True,
            minimum=0,
        ),
        Panel(
            "Limits reached",
            "timeseries",
            (Query(increase("limit_reached_total", "limit", "1h"), "{{limit}}"),),
            "Within an hour.",
            minimum=0,
        ),
    ),
)

COMMITS = Row(
    "Commits and tasks",
    (
        Panel(
            "Duration of commits",
            "timeseries",
            tuple(Query(commit_quantile(q), legend) for q, legend in ((0.5, "median"), (0.9, "9 of 10"), (0.99, "99 of 100"))),
            "From begin to commit of a transaction. ChurnwatchCommitsSlow fires at 5 s.",
            unit="s",
            minimum=0,
        ),
        Panel(
            "Transactions per second",
            "timeseries",
            (Query(rate("transactions_total", "outcome"), "{{outcome}}"),),
            "Committed, aborted, or with an unknown outcome.",
            unit="cps",
            minimum=0,
        ),
        Panel(
            "Tasks",
            "timeseries",
            (Query(total("tasks_owned", "phase"), "{{phase}}"), Query(grouped("max", "", series("group_tasks")), "group")),
            "Tasks by phase, and of the whole group.",
            minimum=0,
        ),
        Panel(
            "Rebalances",
            "timeseries",
            (Query(increase("rebalances_total", "event", "1h"), "{{event}}"),),
            "Tasks assigned, revoked and lost within an hour.",
            minimum=0,
        ),
        Panel(
            "Mean restore",
            "timeseries",
            (Query(ratio(total("restore_duration_seconds_sum", "instance"), total("restore_duration_seconds_count", "instance")), "{{instance}}"),),
            "From the assignment of a task until its state is restored, since the start of the process.",
            unit="s",
            minimum=0,
        ),
        Panel(
            "Newest event",
            "table",
            (Query(f"1000 * {grouped('max', 'stream', series('stream_time_seconds'))}"),),
            "Event time of the newest record, by stream.",
            columns={"stream": "Stream", "Value": "Newest event"},
            units={"Newest event": "dateTimeAsIso"},
        ),
    ),
)

COST = Row(
    "Memory and scrapes",
    (
        Panel("Memory", "timeseries", (Query(total("resident_memory_bytes", "instance"), "{{instance}}"),), "Resident memory.", unit="bytes", minimum=0),
        Panel(
            "Memory per account",
            "timeseries",
            (Query(ratio(total("resident_memory_bytes", "instance"), total("accounts", "instance")), "{{instance}}"),),
            "Resident memory / accounts held; meaningful from some ten thousand accounts on.",
            unit="bytes",
            minimum=0,
        ),
        Panel(
            "Series and duration of a scrape",
            "timeseries",
            (Query('scrape_samples_scraped{job=~"$job"}', "series, {{instance}}"), Query('1000 * scrape_duration_seconds{job=~"$job"}', "milliseconds, {{instance}}")),
            "limits.series bounds the series.",
            minimum=0,
        ),
        Panel(
            "Builds and models",
            "table",
            (
                Query(f"count by (version, commit) ({series('build_info')})"),
                Query(f"count by (name, hash, calibrated) ({series('model_info')})"),
            ),
            "Instances by version and by model in force.",
            width=24,
            height=5,
            columns={
                "version": "Version",
                "commit": "Commit",
                "Value #A": "Instances",
                "name": "Model",
                "hash": "Hash",
                "calibrated": "Calibrated",
                "Value #B": "with the model",
            },
        ),
    ),
)

BOARD = Board("churnwatch-pipeline", "Pipeline", "The service itself.", (STATE, FLOW, COMMITS, COST))
