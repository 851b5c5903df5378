// The tiles, and the view of the portfolio.

const KPIS = {
  "Revenue": [["mrr", "MRR", amount], ["arr", "ARR", amount], ["nrr", "net revenue retention", percent], ["grr", "gross revenue retention", percent],
    ["expansion_rate", "expansion rate", percent], ["expansion_share", "expansion share", percent],
    ["portfolio_growth", "portfolio growth", amount], ["portfolio_growth_rate", "portfolio growth rate", percent], ["mrr_at_risk", "MRR at risk", amount]],
  "Customers": [["accounts_present", "paying accounts", whole], ["new_accounts", "won", whole], ["lost_accounts", "lost", whole],
    ["retention_rate", "retention", percent], ["logo_churn_monthly", "monthly churn", percent], ["logo_churn_yearly", "yearly churn", percent],
    ["mean_lifespan_months", "mean lifespan, months", tenths], ["renewal_rate", "renewal rate, terms of 180 d or more", percent],
    ["renewal_rate_short", "renewal rate, shorter terms", percent], ["trial_conversion", "trials converted", percent], ["onboarded", "onboarded", whole],
    ["referred_accounts", "won by referral", whole], ["churned_after_support", "churned within 28 d of a ticket", percent]],
  "Value": [["arpa", "MRR per account", amount], ["arpu", "MRR per user", amount], ["clv", "lifetime value", amount], ["clv_historic", "revenue per account to date", amount],
    ["cac", "acquisition cost", amount], ["retention_cost", "retention cost", amount], ["clv_net", "lifetime value, net", amount],
    ["clv_to_cac", "LTV to CAC", tenths], ["health_mean", "mean health", tenths]],
  "Usage": [["dau", "daily users", whole], ["wau", "weekly users", whole], ["mau", "28-day users", whole], ["dau_mau", "DAU / MAU", percent],
    ["usage_rate", "uses per account per day", tenths], ["usage_frequency", "active days per account", tenths],
    ["session_seconds", "mean session, minutes", minutes], ["adoption", "adoption", percent], ["breadth", "seats in use", percent],
    ["depth", "features per account", tenths]],
  "Feedback": [["nps", "NPS", tenths], ["nps_trend", "NPS vs previous period", tenths], ["csat", "satisfied", percent],
    ["csat_highly_satisfied", "highly satisfied", percent], ["csat_dissatisfied", "dissatisfied", percent], ["ces", "customer effort (CES), 0 hard to 1 easy", hundredths],
    ["survey_response_rate", "surveys answered", percent], ["referrals", "referrals", whole], ["advocacy", "advocacy", whole]],
  "Support": [["tickets_opened", "opened", whole], ["tickets_resolved", "resolved", whole], ["tickets_open", "open now", whole],
    ["first_reply_minutes_p50", "first reply, median min", tenths], ["resolution_hours_p50", "resolution, median h", tenths],
    ["resolution_hours_agent_p50", "agent time, median h", tenths], ["resolution_hours_mean", "resolution, mean h", tenths],
    ["resolution_hours_p90", "resolution, p90 h", tenths], ["reopen_rate", "reopened", percent], ["fcr", "first-contact resolution", percent],
    ["fcr_simple", "resolved, not reopened", percent]],
};
/** Where the field draws the line; `up`: more is better. The Grafana boards draw the same lines. */
const BENCHMARKS = { nrr: [1, "up"], grr: [0.9, "up"], retention_rate: [0.9, "up"], logo_churn_monthly: [0.07, "down"], nps: [50, "up"], csat: [0.75, "up"], dau_mau: [0.2, "up"], adoption: [0.7, "up"] };
const TABLES = [["feature_adopters", "Accounts by feature"], ["churn_reasons", "Churn reasons"]];
const TABLE_ROWS = 8;
const COMPARED_DAYS = 28;

function scopeName([kind, name]) {
  return `${kind === "csm" ? "CSM" : kind} ${name}`;
}

function showScopes(portfolio) {
  const scopes = portfolio.scopes.map(line => Object.entries(line.scope)[0]);
  const named = kind => scopes.filter(([other]) => other === kind).map(([, name]) => name);
  fillSelect(id("scope"), [["", "all accounts"], ...scopes.map(scope => [JSON.stringify(Object.fromEntries([scope])), scopeName(scope)])]);
  id("scope").value = state.scope ? JSON.stringify(state.scope) : "";
  for (const [kind, every] of [["segment", "all segments"], ["plan", "all plans"], ["csm", "all CSMs"]]) {
    fillSelect(id(kind), [["", every], ...named(kind).map(name => [name, name])]);
    id(kind).value = state.filter[kind] || "";
  }
}

/** A figure with its history, and how it differs from four weeks ago. */
function tile({ title, now, series, format, better, line, lineName, note }) {
  const before = series?.at(-1 - COMPARED_DAYS);
  const moved = present(before) && present(now) ? now - before : null;
  const isGood = moved === null || moved === 0 ? "" : (moved > 0) === (better === "up") ? "good" : "bad";
  const change = moved === null ? (note || "no value of 28 days ago yet")
    : format(before) === format(now) ? "as 28 days ago" : `${moved > 0 ? "up" : "down"} from ${format(before)} 28 days ago`;
  const label = `${title} over 91 days${present(line) ? `; dashed: ${lineName}` : ""}`;
  return element("section", "tile", element("h2", "", title), element("strong", "", format(now)), element("p", isGood, change), series ? sparkline(series, label, line) : null);
}

function bandTile(counts) {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const stack = element("div", "stack"), legend = element("div", "legend");
  for (const band of BANDS.filter(band => counts[band])) {
    const part = element("div", "fill-" + band);
    part.style.flexGrow = counts[band];
    stack.append(part);
    legend.append(element("span", "", element("span", "dot fill-" + band), `${whole(counts[band])} ${band}`));
  }
  return element("section", "tile", element("h2", "", "Accounts"), element("strong", "", whole(total)), stack, legend);
}

function showTiles(line, history) {
  const value = name => line.kpis[name]?.value, series = history?.series || {};
  show(id("tiles"), [line.kpis, history?.to, series.mrr?.at(-1)], () => [
    tile({ title: "MRR", now: value("mrr"), series: series.mrr, format: short, better: "up" }),
    tile({ title: "MRR at risk", now: value("mrr_at_risk"), series: series.mrr_at_risk, format: short, better: "down" }),
    bandTile(value("accounts_by_band") || {}),
    tile({ title: "Net revenue retention, 28 days", now: value("nrr"), series: series.nrr, format: percent, better: "up", line: 1, lineName: "100 %, where expansion makes up for churn" }),
    tile({ title: "Accounts lost in 28 days", now: value("lost_accounts"), series: series.lost_accounts, format: whole, better: "down" }),
    tile({ title: "Mean health", now: value("health_mean"), series: series.health_mean, format: tenths, better: "up", line: thresholds.green, lineName: "the threshold of green" }),
  ]);
}

/** From the MRR of 28 days ago to that of now, movement by movement. */
function showMovements(line) {
  const value = name => line.kpis[name]?.value || 0;
  const moves = [["opening", value("opening_mrr")], ["new", value("new_mrr")], ["reactivation", value("reactivation_mrr")], ["expansion", value("expansion_mrr")],
    ["contraction", -value("contraction_mrr")], ["churn", -value("churned_mrr")], ["exchange rates", value("fx_mrr")]].filter(([, sum]) => sum !== 0);
  const end = value("mrr"), start = end - moves.reduce((sum, [, moved]) => sum + moved, 0);
  show(id("movements"), [start, moves, end], () => {
    let at = start;
    const rows = [["28 days ago", 0, start, "var(--muted)", start], ...moves.map(([name, moved]) => [name, at, at += moved, moved > 0 ? "var(--green)" : "var(--red)", moved]), ["now", 0, end, "var(--muted)", end]];
    const steps = moves.length ? rows.slice(1, -1).flatMap(([, a, b]) => [a, b]) : [end];
    // The scale begins where the movements do: against the whole, they would be too small to see.
    const high = Math.max(start, end, ...steps), spread = high - Math.min(start, end, ...steps), low = Math.max(0, high - 3 * Math.max(spread, high / 50));
    const x = minor => 100 * Math.max(0, minor - low) / (high - low || 1);
    return element("table", "waterfall", element("tbody", "", ...rows.map(([name, a, b, fill, sum]) => element("tr", "",
      element("td", "", name),
      element("td", "scale", svg("svg", { viewBox: "0 0 100 16", preserveAspectRatio: "none", "aria-hidden": "true" },
        svg("rect", { x: Math.min(x(a), x(b)), width: Math.max(0.4, Math.abs(x(b) - x(a))), y: 1, height: 14, fill }))),
      element("td", "number", (name === "now" || name === "28 days ago" || sum < 0 ? "" : "+") + short(sum))))),
      low > 0 ? element("caption", "readout", `Bars start at ${short(low)}.`) : null);
  });
}

function showBandsCourse(history) {
  show(id("bands-course"), [history?.to, history?.series.green?.at(-1), id("bands-course").clientWidth], () => {
    const target = element("div");
    requestAnimationFrame(() => stackedChart(target, {
      from: history.from,
      label: "Accounts by the band of their score, from red at the bottom to green",
      series: ["red", "yellow", "green"].map(name => ({ name, values: history.series[name] })),
    }));
    return [target, element("div", "legend", ...["green", "yellow", "red"].map(name => element("span", "", element("span", "dot fill-" + name), name)))];
  });
}

/** Retention and churn of the 28 days before each date, with the lines of the field. */
function showRetention(history) {
  for (const [name, title, lines] of [["nrr", "Net revenue retention", [1]], ["grr", "Gross revenue retention", [0.9]], ["churn", "Logo churn", [0.07]]]) {
    const target = id(name + "-course");
    show(target, [history?.to, history?.series[name].at(-1), target.clientWidth], () => {
      const chart = element("div");
      requestAnimationFrame(() => lineChart(chart, { from: history.from, values: history.series[name], format: percent, lines, height: 130, label: `${title} over 91 days; dashed: ${lines.map(percent).join(" and ")}` }));
      return chart;
    });
  }
}

/** How much of each cohort is left at the end of each month. */
function showCohorts(cohorts) {
  const figure = id("cohort-figure").value;
  const wanted = JSON.stringify(state.scope || {});
  const lines = cohorts.cohorts.filter(line => JSON.stringify(line.scope) === wanted);
  show(id("cohorts"), [lines, figure], () => {
    if (!lines.length || !lines[0].months.length) return element("p", "empty", "No month is complete yet.");
    const months = Math.max(...lines.map(line => line.months.length));
    const head = element("tr", "", element("th", "", "First paid"), element("th", "number", "accounts"), ...[...Array(months).keys()].map(month => element("th", "number", `month ${month}`)));
    const row = line => element("tr", "",
      element("td", "", line.cohort === "before" ? "before the history" : line.cohort),
      element("td", "number", whole(line.accounts)),
      ...line.months.map(month => {
        const share = line[figure] ? month[figure] / line[figure] : null;
        const cell = element("td", "number", percent(share));
        if (present(share)) cell.style.background = `color-mix(in srgb, var(--green) ${Math.round(Math.min(1, Math.max(0.06, (share - 0.5) * 1.1)) * 45)}%, var(--panel))`;
        cell.title = `${month.month}: ${whole(month.accounts)} accounts, ${amount(month.mrr)}`;
        return cell;
      }));
    return element("table", "heat", element("thead", "", head), element("tbody", "", ...lines.map(row)));
  });
}

function showKpis(line, portfolio) {
  say(id("period"), `${line.period.from.slice(0, 10)} to ${line.period.to.slice(0, 10)}`);
  const value = name => line.kpis[name]?.value;
  show(id("kpis"), line.kpis, () => {
    const groups = Object.entries(KPIS).map(([title, rows]) => group(title, rows.map(([name, text, format]) => [text, format(value(name)), name, benchmark(name, value(name), format)])));
    const tables = TABLES.filter(([name]) => Object.keys(value(name) || {}).length).map(([name, title]) => tableGroup(title, value(name)));
    return [...groups, ...tables];
  });
  say(id("record"), trackRecord(portfolio.track_record));
  say(id("part"), portfolio.tasks_owned === portfolio.tasks_total ? "" : `This instance holds ${portfolio.tasks_owned} of ${portfolio.tasks_total ?? "?"} tasks: figures cover its accounts only. Prometheus adds up all instances.`);
}

/** When the model was fitted, and how it has done since; empty for a model that was not. */
function trackRecord(record) {
  if (!present(record)) return "";
  const fitted = record.evidence;
  const due = record.levels.filter(level => level.predictions);
  const total = name => due.reduce((sum, level) => sum + level[name], 0);
  const levels = due.map(level => `${level.level} ${fixed(level.expected_churn, 1)} and ${whole(level.observed_churn)} of ${whole(level.predictions)}`);
  return [
    `Model ${record.name}`,
    fitted ? ` was fitted to history up to ${fitted.learned_until.slice(0, 10)}; on ${whole(fitted.test_points)} later points its AUC was ${fixed(fitted.auc, 3)}.` : " is calibrated.",
    due.length
      ? ` Of ${whole(total("predictions"))} predictions that have come due, ${fixed(total("expected_churn"), 1)} were expected to churn and ${whole(total("observed_churn"))} did (${levels.join(", ")}).`
      : ` None of its predictions for ${record.horizon_days} days has come due yet.`,
  ].join("");
}

/** How a figure compares with its benchmark; `null` if it has none. */
function benchmark(name, value, format) {
  const [line, better] = BENCHMARKS[name] || [];
  if (!present(line) || !present(value)) return null;
  const isGood = better === "up" ? value >= line : value <= line;
  return element("small", isGood ? "good" : "bad", `benchmark: ${format(line)} or ${better === "up" ? "more" : "less"}`);
}

function tableGroup(title, table) {
  const rows = Object.entries(table).sort((a, b) => b[1] - a[1]);
  const shown = rows.slice(0, TABLE_ROWS).map(([label, count]) => [label, whole(count), label]);
  return group(rows.length > TABLE_ROWS ? `${title}, first ${TABLE_ROWS} of ${rows.length}` : title, shown);
}

function group(title, rows) {
  const list = element("dl", "", ...rows.flatMap(([text, shown, name, note]) => {
    const term = element("dt", "", text, note);
    term.title = name;
    return [term, element("dd", shown === "–" ? "muted" : "", shown)];
  }));
  return element("div", "group", element("h3", "", title), list);
}
