// One account: how it is, why, since when, what changed, and what would make it green.

let definitions = {};

async function loadAccount() {
  const path = "api/accounts/" + encodeURIComponent(state.account);
  try {
    const [account, explanation, history, details] = await Promise.all([ask(path), ask(path + "/explanation"), ask(path + "/history"), ask(path + "/details")]);
    if (account.account_id === state.account) showAccount(account, explanation, history, details);
  } catch (error) {
    if (error.status !== 404) throw error;
    showMissing(error);
  }
}

/** Another instance may hold it, or the id is misspelt. */
function showMissing(error) {
  say(id("account-title"), state.account);
  show(id("account"), ["missing", error.members, error.nearest], () => [
    element("p", "empty", "This instance does not hold the account: either it is unknown, or another member of the group has it."),
    error.nearest.length ? element("p", "", "Similar ids here: ", ...error.nearest.flatMap((name, place) => [place ? ", " : "", accountLink(name, name)])) : null,
    error.members.length ? element("div", "", element("h3", "", "Members of the group"), element("ul", "", ...error.members.map(member => element("li", "", memberLink(member))))) : null,
  ]);
}

/** A member that says at which address it can be asked becomes a link. */
function memberLink(member) {
  const address = member.match(/@([^ ]+)/)?.[1];
  if (!address) return member;
  const link = element("a", "", member);
  link.href = `${location.protocol}//${address}/accounts/${encodeURIComponent(state.account)}`;
  return link;
}

function showAccount(account, explanation, history, details) {
  const { health, risk, profile = {} } = account;
  document.title = `${profile.name || account.account_id} · churnwatch`;
  say(id("account-title"), profile.name || account.account_id);
  show(id("account"), [account.health, account.reasons, account.rules, account.components, account.metrics, account.recent_changes.length, history.to, history.health.at(-1), details.subscriptions, details.tickets], () => {
    const about = [profile.name && account.account_id, profile.segment, profile.plan, profile.csm && `CSM ${profile.csm}`, explanation.stage && words(explanation.stage)].filter(Boolean).join(" · ");
    const score = panel("Health over time", element("div", "", ""));
    const revenue = panel("MRR over time", element("div", "", ""));
    requestAnimationFrame(() => {
      drawScore(score.lastChild, account, history);
      lineChart(revenue.lastChild, { from: history.from, values: history.mrr_minor, format: amount, label: "Monthly recurring revenue over time", height: 130 });
    });
    return [
      element("p", "muted", about),
      element("div", "facts",
        element("span", "", element("b", "ink-" + health.band, fixed(health.score, 0)), " ", element("span", `pill ink-${health.band} wash-${health.band}`, health.band)),
        element("span", "", `${risk.calibrated ? "churn risk" : "churn risk index"} `, element("strong", "", percent(risk.probability)), risk.level ? ` (${risk.level}) within ${risk.horizon_days} days` : ""),
        element("span", "", "MRR ", element("strong", "", amount(account.metrics["revenue.mrr"]))),
        element("span", "muted", sinceWhen(account, explanation))),
      element("div", "detail",
        element("div", "",
          panel("Why", sentences(account.reasons, "Nothing costs it points."), ...account.rules.map(name => ruleEffect(name, explanation))),
          score,
          panel(`Components (${percent(health.coverage)} of their weight has data)`, ...explanation.components.map(component => componentRow(component, details.metrics)),
            explanation.health.frozen ? element("p", "empty", "The account has churned. Its last score and risk are kept until it returns.") : null,
            explanation.absent.length ? element("p", "muted", "Without a value: " + explanation.absent.map(part => `${words(part.name)} (${part.why.join("; ")})`).join(", ")) : null),
          panel("Subscriptions", subscriptionTable(details.subscriptions)),
          panel("Tickets", ...ticketTable(details, details.as_of))),
        element("div", "",
          panel("What changed since the last published change", ...whatChanged(explanation.since)),
          panel("What would make it green", ...wayToGreen(explanation.green)),
          revenue,
          panel("Activity by day", ...explanation.activity.map(part => element("div", "activity", element("h3", "", part.what, element("small", "muted", ` ${part.from} to ${part.to}, at most ${whole(Math.max(0, ...part.days.map(([, count]) => count)))} per day`)), bars(part)))),
          panel("Published changes", ...publishedChanges(account)),
          metricTable(account.metrics, details.metrics))),
    ];
  });
}

function panel(title, ...content) {
  return element("section", "panel", element("h2", "", title), ...content);
}

function sentences(texts, none) {
  return texts.length ? element("ul", "sentences", ...texts.map(text => element("li", "", text))) : element("p", "empty", none);
}

function sinceWhen(account, explanation) {
  const fell = account.recent_changes.find(change => change.health.previous_band !== change.health.band);
  if (fell) return fell.health.previous_band ? `${fell.health.band} since ${moment(fell.as_of)}, ${fell.health.previous_band} before` : `${fell.health.band} since the first score, ${moment(fell.as_of)}`;
  return explanation.since ? `last published change ${moment(explanation.since.as_of)}` : "not published yet";
}

function ruleEffect(name, explanation) {
  const rule = explanation.rules.find(rule => rule.name === name) || {};
  const effects = [present(rule.cap_health) && `caps health at ${rule.cap_health}`, present(rule.risk_at_least) && `raises risk to at least ${percent(rule.risk_at_least)}`].filter(Boolean);
  return element("p", "", element("span", "pill ink-red", "rule"), ` ${name}: ${effects.join(" and ") || "in force"}`);
}

function drawScore(target, account, history) {
  const dates = history.health.length;
  const place = text => dates - 1 - Math.round((Date.parse(history.to + "T00:00:00Z") - Date.parse(day(text) + "T00:00:00Z")) / 86400000);
  const values = [...history.health.slice(0, -1), account.health.band === "churned" ? history.health.at(-1) : account.health.score];
  const marks = account.recent_changes.filter(change => present(change.health.score) && place(change.as_of) >= 0)
    .map(change => [place(change.as_of), change.health.score, change.health.band, `${moment(change.as_of)}: ${fixed(change.health.score, 0)}, ${change.health.band}; ${change.drivers[0] || change.cause}`]);
  const known = values.filter(present);
  const label = known.length ? `Health from ${fixed(known[0], 0)} to ${fixed(known.at(-1), 0)}, lowest ${fixed(Math.min(...known), 0)}; dots are published changes` : "Health over time";
  lineChart(target, { from: history.from, values, format: value => fixed(value, 1), label, limits: [0, 100], marks, bands: [[0, thresholds.yellow, "red"], [thresholds.yellow, thresholds.green, "yellow"], [thresholds.green, 100, "green"]] });
}

function componentRow(component, courses) {
  const bar = element("div", "fill-" + bandOf(component.score));
  bar.style.width = Math.max(2, component.score) + "%";
  const what = definitions[component.metric]?.description || component.metric;
  const text = element("div", "", words(component.name), element("small", "", `${what}: ${component.said}; ${fixed(component.contribution, 1)} of ${fixed(100 * component.weight, 0)} points`), element("div", "track", bar));
  text.title = component.metric;
  return element("div", "component", text, courseOf(component.metric, courses) || element("span"), curve(component), element("span", "number", fixed(component.score, 0)));
}

function whatChanged(since) {
  if (!since) return [element("p", "empty", "Nothing has been published yet.")];
  const moves = since.moves.filter(move => Math.abs(move.points) >= 0.05);
  return [element("p", "muted", `Change ${since.sequence}, ${moment(since.as_of)}: ${fixed(since.score, 1)}, ${since.band}`),
    sentences(moves.map(move => `${move.points > 0 ? "+" : ""}${fixed(move.points, 1)}: ${move.sentence}`), "Nothing has moved since.")];
}

function wayToGreen(green) {
  const steps = green.single.length ? ["Any one of these is enough:", green.single] : green.together.length ? ["All of these together:", green.together] : null;
  return [green.note ? element("p", "", green.note) : null, steps ? element("p", "muted", steps[0]) : null,
    steps ? sentences(steps[1].map(step => step.sentence)) : null,
    green.note || steps ? null : element("p", "", `No single or combined change reaches ${green.target}${present(green.best) ? `; the best is ${fixed(green.best, 0)}` : ""}.`)].filter(present);
}

function publishedChanges(account) {
  if (!account.recent_changes.length) return [element("p", "empty", "None since this instance was assigned the account.")];
  const row = change => element("tr", "", element("td", "date", moment(change.as_of)),
    element("td", "number", element("span", `score wash-${change.health.band} ink-${change.health.band}`, present(change.health.score) ? fixed(change.health.score, 0) : change.health.band)),
    element("td", "", change.drivers[0] || words(change.cause)));
  return [element("table", "", element("tbody", "", ...account.recent_changes.slice(0, 12).map(row)))];
}
