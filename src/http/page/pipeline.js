// What the instance reads, and how far it is.

const COURSE_POINTS = 300;
/** Lag and records read, by the clock of this browser, since the page was opened. */
const course = { lag: [], rate: [], last: null };

function totals(pipeline) {
  const lags = pipeline.tasks.map(task => task.lag_records);
  return { lag: lags.some(present) ? lags.reduce((sum, lag) => sum + (lag || 0), 0) : null, read: STREAMS.reduce((sum, name) => sum + pipeline[name].read, 0) };
}

function noteCourse(pipeline) {
  const { lag, read } = totals(pipeline), now = performance.now();
  const rate = course.last && read >= course.last.read ? 1000 * (read - course.last.read) / (now - course.last.at) : null;
  course.last = { read, at: now };
  for (const [name, value] of [["lag", lag], ["rate", rate]]) {
    course[name].push(value);
    if (course[name].length > COURSE_POINTS) course[name].shift();
  }
}

function showCourse(name, value, text) {
  show(id(name), course[name], () => [element("strong", "", value), sparkline(course[name], `${text} since the page was opened`) || element("p", "empty", "The course appears while the page is open.")]);
}

function showState(pipeline) {
  const isReady = pipeline.readiness.ready, pill = id("state");
  say(pill, isReady ? "live" : "waiting for " + pipeline.readiness.waiting_for.join(", "));
  pill.className = "pill " + (isReady ? "ink-green" : "ink-yellow");
  const since = pipeline.readiness.no_contact_since;
  notice("kafka", since ? `No contact with Kafka since ${moment(since)}: what is shown here may be out of date.` : "");
}

function showPipeline(pipeline) {
  const { lag } = totals(pipeline);
  showCourse("lag", present(lag) ? whole(lag) : "not known yet", "records behind");
  showCourse("rate", present(course.rate.at(-1)) ? whole(Math.round(course.rate.at(-1))) : "–", "records per second");
  sync(id("streams"), STREAMS, name => name, name => element("tr", "", element("td", "", name), ...Array.from({ length: 6 }, () => element("td", "number")), element("td"), element("td")),
    (row, name) => fillStream(row, name, pipeline));
  const codes = STREAMS.flatMap(name => Object.entries(pipeline[name].dead_letter).map(([code, count]) => [name, code, count])).sort((a, b) => b[2] - a[2]);
  const reason = (name, code) => pipeline.tasks.map(task => task.reasons?.[name]?.[code]).find(present) || "before this instance took over";
  show(id("letters"), codes, () => codes.length ? [element("h3", "", "Dead letters by code, with the newest reason"), element("table", "", element("tbody", "", ...codes.map(([name, code, count]) =>
    element("tr", "", element("td", "", name), element("td", "", code), element("td", "number", whole(count)), element("td", "", reason(name, code))))))] : []);
  const catching = pipeline.tasks.filter(task => task.catching_up).length;
  say(id("tasks-summary"), [`${pipeline.tasks_owned} of ${pipeline.tasks_total ?? "?"} on this instance`, catching ? `${catching} catching up, not publishing yet` : null].filter(Boolean).join(" · "));
  sync(id("tasks"), pipeline.tasks, task => task.task, task => element("tr", "", element("td", "", String(task.task)), element("td"), element("td", "number"), element("td", "number")), (row, task) => {
    const [, phase, accounts, behind] = row.children;
    say(phase, task.catching_up ? "catching up" : task.phase);
    say(accounts, whole(task.accounts));
    say(behind, whole(task.lag_records));
  });
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
  say(cells[8], !views.length ? "not configured" : !newest ? "nothing read yet" : stale ? `stale in ${stale} of ${views.length} tasks` : days >= 1 ? `newest event ${days} day${days > 1 ? "s" : ""} old` : "live");
}
