// What stands behind the figures of an account: its subscriptions, its tickets, its metrics.

const SUBSCRIPTION_STATES = { paying: "green", past_due: "red", trial: "yellow", lapsed_trial: "churned", ended: "churned", dormant: "unknown" };
const URGENCY = { urgent: "red", high: "yellow" };

function tableOf(label, titles, rows) {
  const head = element("tr", "", ...titles.map(title => {
    const cell = element("th", "", title);
    cell.scope = "col";
    return cell;
  }));
  const region = element("div", "scroll", element("table", "", element("thead", "", head), element("tbody", "", ...rows)));
  region.tabIndex = 0;
  region.setAttribute("role", "region");
  region.setAttribute("aria-label", label);
  region.dataset.key = label;
  return region;
}

function subscriptionTable(subscriptions) {
  if (!subscriptions.length) return element("p", "empty", "No subscriptions.");
  return tableOf("Table of subscriptions", ["State", "MRR", "Seats", "Since", "Term"], subscriptions.map(subscription => {
    const [isOver, end] = [subscription.state === "ended", subscription.ends_at];
    const term = end ? `${isOver ? "ended" : "cancels"} ${day(end)}` : subscription.term_end ? `until ${day(subscription.term_end)}` : "–";
    return element("tr", "",
      element("td", "", element("span", "ink-" + SUBSCRIPTION_STATES[subscription.state], words(subscription.state))),
      element("td", "date", amount(subscription.mrr_minor)),
      element("td", "", subscription.seats ? whole(subscription.seats) : "–"),
      element("td", "date", day(subscription.since)),
      element("td", "", term, subscription.reason ? element("small", "muted", ` ${subscription.reason}`) : null));
  }));
}

function ticketTable({ tickets, tickets_open: open, tickets_known: known }, now) {
  if (!tickets.length) return [element("p", "empty", "No tickets.")];
  const rows = tickets.slice(0, 12).map(ticket => element("tr", "",
    element("td", "", element("span", ticket.open && URGENCY[ticket.priority] ? "ink-" + URGENCY[ticket.priority] : "", ticket.priority)),
    element("td", "", [ticket.category, ticket.product, ticket.channel].filter(Boolean).map(words).join(", ") || "–"),
    element("td", "date", ago(ticket.opened_at, now)),
    element("td", "", present(ticket.first_reply_minutes) ? duration(ticket.first_reply_minutes) : ticket.open ? "none yet" : "–"),
    element("td", "", ticketState(ticket))));
  return [element("p", "muted", `${whole(open)} open of ${whole(known)}; open first, then newest${known > rows.length ? `, ${rows.length} shown` : ""}`),
    tableOf("Table of tickets", ["Priority", "About", "Opened", "First reply", "State"], rows)];
}

function ticketState(ticket) {
  const state = ticket.open ? "open" : ticket.resolved_at ? "resolved " + day(ticket.resolved_at) : "closed";
  return [state, ticket.reopened && "reopened", ticket.rating && words(ticket.rating)].filter(Boolean).join(", ");
}

function duration(minutes) {
  return minutes < 90 ? `${Math.round(minutes)} min` : minutes < 2880 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`;
}

/** The last 28 days of a metric, if they are known. */
function courseOf(name, courses) {
  const values = courses[name];
  if (!values) return null;
  const known = values.filter(present);
  return sparkline(values, `over 28 days, from ${number(known[0])} to ${number(known.at(-1))}`);
}

function metricTable(metrics, courses) {
  const shown = (name, value) => typeof value === "object" ? Object.entries(value).filter(([, part]) => part.count).map(([kind, part]) => `${kind} ${amount(part.sum)}`).join(", ") || "none"
    : /^revenue\.(mrr|arr|mrr_delta|lifetime)/.test(name) && !name.includes("growth") ? amount(value) : number(value);
  const rows = Object.entries(metrics).map(([name, value]) => element("tr", "",
    element("td", "", name, element("small", "muted", ` ${definitions[name]?.description || ""}`)),
    element("td", "course", courseOf(name, courses)),
    element("td", "number", shown(name, value))));
  const details = element("details", "panel", element("summary", "", `All ${rows.length} metrics, with their last 28 days`), element("table", "", element("tbody", "", ...rows)));
  details.dataset.key = "metrics";
  return details;
}
