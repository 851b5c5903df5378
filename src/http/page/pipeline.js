// What the instance reads, and how far it is.

/** A figure with its history over the last hour, or since the process started if that is shorter. */
function showHistory(name, values, everySeconds, value, text) {
  const minutes = Math.max(1, Math.round(values.length * everySeconds / 60));
  const range = `last ${minutes} min, peak ${whole(Math.round(Math.max(0, ...values.filter(present))))}`;
  show(id(name), values, () => [element("strong", "", value), sparkline(values, `${text}, ${range}`, undefined, 0) || element("p", "empty", "The chart appears after ten seconds."), element("p", "readout", range)]);
}

function showHistories({ every_seconds: every, lag_records: lag, records_per_second: rate, commit_millis: commit }) {
  const last = values => values.filter(present).at(-1);
  showHistory("lag", lag, every, present(last(lag)) ? whole(last(lag)) : "not known yet", "lag, records");
  showHistory("rate", rate, every, present(last(rate)) ? whole(Math.round(last(rate))) : "–", "records per second");
  showHistory("commit", commit, every, present(last(commit)) ? `${whole(Math.round(last(commit)))} ms` : "–", "milliseconds per commit");
}

function showState(pipeline) {
  const isReady = pipeline.readiness.ready, pill = id("state");
  say(pill, isReady ? "live" : "waiting for " + pipeline.readiness.waiting_for.join(", "));
  pill.className = "pill " + (isReady ? "ink-green" : "ink-yellow");
  const since = pipeline.readiness.no_contact_since;
  notice("kafka", since ? `No contact with Kafka since ${moment(since)}: what is shown here may be out of date.` : "");
}

function showPipeline(pipeline) {
  sync(id("streams"), STREAMS, name => name, name => element("tr", "", element("td", "", name), ...Array.from({ length: 6 }, () => element("td", "number")), element("td"), element("td")),
    (row, name) => fillStream(row, name, pipeline));
  const codes = STREAMS.flatMap(name => Object.entries(pipeline[name].dead_letter).map(([code, count]) => [name, code, count])).sort((a, b) => b[2] - a[2]);
  const reason = (name, code) => pipeline.tasks.map(task => task.reasons?.[name]?.[code]).find(present) || "before this instance took over";
  show(id("letters"), codes, () => codes.length ? [element("h3", "", "Dead letters by code, with the newest reason"), element("table", "", element("tbody", "", ...codes.map(([name, code, count]) =>
    element("tr", "", element("td", "", name), element("td", "", code), element("td", "number", whole(count)), element("td", "", reason(name, code))))))] : []);
  sync(id("threads"), pipeline.threads, thread => thread.thread, () => element("li"), (item, thread) => say(item, threadState(thread)));
  const catching = pipeline.tasks.filter(task => task.catching_up).length;
  say(id("tasks-summary"), [`${pipeline.tasks_owned} of ${pipeline.tasks_total ?? "?"} on this instance`, catching ? `${catching} catching up, not publishing yet` : null].filter(Boolean).join(" · "));
  sync(id("tasks"), pipeline.tasks, task => task.task, task => element("tr", "", element("td", "", String(task.task)), element("td"), element("td", "number"), element("td", "number")), (row, task) => {
    const [, phase, accounts, behind] = row.children;
    say(phase, task.catching_up ? "catching up" : task.phase);
    say(accounts, whole(task.accounts));
    say(behind, whole(task.lag_records));
  });
}

function threadState(thread) {
  const restoring = thread.restoring.length ? `, restoring task ${thread.restoring.join(", ")}: ${whole(thread.restored_records)} records read` : "";
  const commits = thread.transactions ? `${whole(thread.transactions)} commits of ${whole(Math.round(1000 * thread.commit_seconds / thread.transactions))} ms on average, the last at ${moment(thread.committed_at)}` : "nothing committed yet";
  return `Thread ${thread.thread}: ${commits}${restoring}`;
}

function fillStream(row, name, pipeline) {
  const counts = pipeline[name], cells = row.children;
  ["read", "applied", "duplicate", "late", "ignored"].forEach((key, place) => say(cells[place + 1], whole(counts[key])));
  const dead = Object.values(counts.dead_letter).reduce((sum, count) => sum + count, 0);
  say(cells[6], whole(dead));
  cells[6].className = "number" + (dead ? " ink-red" : "");
  const views = pipeline.tasks.flatMap(task => task.streams.filter(stream => stream.stream === name));
  const newest = views.map(view => view.time).filter(present).sort().pop();
  const stale = views.filter(view => view.stale).length;
  const days = newest ? Math.floor((new Date(pipeline.as_of) - new Date(newest)) / 86400000) : 0;
  say(cells[7], moment(newest));
  say(cells[8], !views.length ? "not configured" : !newest ? "nothing read yet" : stale ? `stale in ${stale} of ${views.length} tasks` : days >= 1 ? `newest event ${days} day${days > 1 ? "s" : ""} ago` : "live");
}
