// The list of accounts, and the feed of changes.

const PAGE_ROWS = 50;
const COLUMNS = [["name", "Account", ""], ["score", "Health", "number"], ["worsened", "Dropped", ""], ["csm", "CSM", "optional"], ["segment", "Segment", "roomy"],
  ["stage", "Stage", "roomy"], ["risk", "Risk", "number"], ["mrr", "MRR", "number"], ["attention", "Why", ""]];

function listQuery() {
  const query = new URLSearchParams({ sort: state.sort });
  if (state.reversed) query.set("reversed", "true");
  for (const [name, value] of Object.entries({ ...state.filter, ...state.scope })) if (value) query.set(name, value);
  return query;
}

function accountLink(accountId, text) {
  const link = element("a", "name", text);
  // The way back must lead to the same list.
  link.href = address({ ...state, view: "account", account: accountId });
  return link;
}

function showColumns() {
  sync(id("columns"), COLUMNS, ([sort]) => sort, ([sort, title, className]) => {
    const button = element("button", "", title);
    button.type = "button";
    button.addEventListener("click", () => {
      const again = state.sort === sort;
      go({ sort, reversed: again ? !state.reversed : false, page: 0 });
    });
    const head = element("th", className, button);
    head.scope = "col";
    return head;
  }, (head, [sort, title]) => {
    // By its nature the order of an attribute ascends and that of a figure descends.
    const isText = ["name", "csm", "segment", "stage", "score"].includes(sort);
    const isUp = isText !== state.reversed;
    if (state.sort === sort) head.setAttribute("aria-sort", isUp ? "ascending" : "descending");
    else head.removeAttribute("aria-sort");
    say(head.firstChild, title + (state.sort === sort && sort !== "attention" ? (isUp ? " ↑" : " ↓") : ""));
    head.firstChild.title = sort === "attention" ? "Sort by who needs attention first" : `Sort by ${title.toLowerCase()}`;
  });
}

function showAccounts(list) {
  showColumns();
  const isFiltered = Object.values(state.filter).some(Boolean);
  say(id("list-title"), state.sort === "attention" ? "Accounts, most urgent first" : "Accounts");
  say(id("matched"), `${whole(list.matched)} account${list.matched === 1 ? "" : "s"}`);
  id("no-rows").hidden = list.accounts.length > 0;
  say(id("no-rows"), isFiltered || state.scope ? "No account matches. Clear the filters to see all." : "No accounts yet: nothing has been scored. See the pipeline for what is read.");
  sync(id("rows"), list.accounts, account => account.account_id, accountRow, (row, account) => fillRow(row, account, list.as_of));
  const from = state.page * PAGE_ROWS;
  say(id("range"), list.accounts.length ? `${whole(from + 1)} to ${whole(from + list.accounts.length)} of ${whole(list.matched)}` : "");
  id("previous").disabled = state.page === 0;
  id("next").disabled = from + list.accounts.length >= list.matched;
  id("csv").href = `${base}api/accounts.csv?${listQuery()}`;
}

function accountRow(account) {
  return element("tr", "",
    element("td", "who", accountLink(account.account_id, ""), element("small", "")),
    element("td", "number", element("span", "")),
    ...["muted", "optional", "roomy", "roomy", "number", "number"].map(name => element("td", name)),
    element("td", "why", element("div", "clamp")));
}

function fillRow(row, account, now) {
  const [who, score, since, csm, segment, stage, risk, mrr, why] = row.children;
  say(who.firstChild, account.name || account.account_id);
  say(who.lastChild, account.name ? account.account_id : "");
  score.firstChild.className = `score wash-${account.band} ink-${account.band}`;
  say(score.firstChild, account.band === "churned" ? "churned" : present(account.score) ? fixed(account.score, 0) : "unknown");
  score.firstChild.title = account.band;
  say(since, account.worsened_at ? ago(account.worsened_at, now) : "–");
  say(csm, account.csm || "–");
  say(segment, account.segment || "–");
  say(stage, account.stage ? words(account.stage) : "–");
  say(risk, percent(account.risk));
  say(mrr, amount(account.mrr_minor));
  say(why.firstChild, account.reasons[0] || "");
  why.title = account.reasons.join("\n");
}

/** From where to where: the band, or else the score, or else the risk. */
function moved({ health, risk }) {
  const { band, previous_band: before, score, previous } = health;
  if (!before) return present(score) ? `first score ${fixed(score, 0)}` : band;
  if (before !== band) return `${before} to ${band}`;
  const [from, to] = [fixed(previous, 0), fixed(score, 0)];
  if (from !== to) return `${from} to ${to}`;
  return present(risk?.previous) && present(risk.probability) ? `risk ${percent(risk.previous)} to ${percent(risk.probability)}` : `still ${to}`;
}

function showFeed(changes, now) {
  id("no-feed").hidden = changes.length > 0;
  sync(id("feed"), changes, change => `${change.account_id} ${change.as_of}`, change => {
    const { band } = change.health;
    return element("li", "new", element("span", "dot fill-" + band), accountLink(change.account_id, change.name || change.account_id),
      element("span", "moved ink-" + band, moved(change)), element("small", "", change.driver || ""), element("small", "when"));
  }, (item, change) => say(item.querySelector(".when"), ago(change.as_of, now)));
}
