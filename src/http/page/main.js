// What is shown: the address says it, and a change of it is a change of the address.

const REFRESH_MS = 2000;
const SLOW_REFRESH_MS = 30000;
const FILTERS = ["band", "stage", "plan", "segment", "csm", "search"];
let state = {};
let newest = { portfolio: null, history: null, cohorts: null, pipeline: null, courses: null, changes: [] };
const notices = new Map();

function notice(about, text) {
  notices.set(about, text);
  const all = [...notices.values()].filter(Boolean).join(" ");
  say(id("notice"), all);
  id("notice").hidden = !all;
}

function decoded(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

function readAddress() {
  const account = location.pathname.slice(base.length).match(/^accounts\/([^/]+)$/);
  const query = new URLSearchParams(location.search);
  const [kind, name] = (query.get("scope") || "").split(/:(.*)/s);
  state = {
    view: account ? "account" : ["portfolio", "pipeline"].find(view => location.hash === "#" + view) || "accounts",
    account: account ? decoded(account[1]) : null,
    scope: ["segment", "plan", "csm"].includes(kind) && name ? { [kind]: name } : null,
    filter: Object.fromEntries(FILTERS.map(name => [name, query.get(name) || ""])),
    sort: query.get("sort") || "attention",
    reversed: query.get("reversed") === "true",
    page: Math.max(0, Number.parseInt(query.get("page") || "1", 10) - 1) || 0,
  };
}

function address({ view, account, scope, filter, sort, reversed, page }) {
  const query = new URLSearchParams();
  if (scope) query.set("scope", Object.entries(scope)[0].join(":"));
  for (const [name, value] of Object.entries(filter)) if (value) query.set(name, value);
  if (sort !== "attention") query.set("sort", sort);
  if (reversed) query.set("reversed", "true");
  if (page) query.set("page", page + 1);
  const text = query.toString();
  return base + (account ? "accounts/" + encodeURIComponent(account) : "") + (text ? "?" + text : "") + (["portfolio", "pipeline"].includes(view) ? "#" + view : "");
}

/** Changes what is shown. Typing replaces the address, everything else can be undone with the browser's own button. */
function go(change, replaces = false) {
  const next = address({ ...state, ...change });
  history[replaces ? "replaceState" : "pushState"](null, "", next);
  enter();
}

function enter() {
  const before = state;
  readAddress();
  document.title = "churnwatch";
  for (const view of ["accounts", "portfolio", "pipeline", "account"]) id("view-" + view).hidden = view !== state.view;
  for (const view of ["accounts", "portfolio", "pipeline"]) {
    id("nav-" + view).href = address({ ...state, view, account: null, page: 0 });
    if (view === state.view) id("nav-" + view).setAttribute("aria-current", "page");
    else id("nav-" + view).removeAttribute("aria-current");
  }
  id("home").href = id("back").href = address({ ...state, view: "accounts", account: null });
  for (const name of FILTERS) if (id(name) !== document.activeElement) id(name).value = state.filter[name];
  if (newest.portfolio) showScopes(newest.portfolio);
  if (JSON.stringify(before.scope) !== JSON.stringify(state.scope)) newest.history = null;
  if (state.view === "account" && before.account !== state.account) {
    say(id("account-title"), state.account);
    id("account").replaceChildren();
    id("account").dataset.state = "";
    if (before.view) id("account-title").focus({ preventScroll: true });
    scrollTo(0, 0);
  }
  refresh(true);
}

let refreshing = null, again = false;
/** Loads what the view needs that is not pushed. One load at a time; a wish meanwhile is granted after it. */
async function refresh(isWished = false) {
  if (refreshing) {
    again = again || isWished;
    return;
  }
  refreshing = load();
  await refreshing;
  refreshing = null;
  if (again) {
    again = false;
    refresh();
  }
}

async function load() {
  try {
    const isSlowDue = !newest.at || performance.now() - newest.at > (state.scope || state.view === "portfolio" ? REFRESH_MS * 2 : SLOW_REFRESH_MS);
    if (isSlowDue || !newest.history) await loadPortfolio();
    if (state.view === "accounts") {
      const query = listQuery();
      query.set("limit", PAGE_ROWS);
      query.set("offset", state.page * PAGE_ROWS);
      const list = await ask("api/accounts?" + query);
      if (state.view === "accounts") showAccounts(list);
      showFeed(newest.changes, list.as_of);
    } else if (state.view === "account") {
      if (!Object.keys(definitions).length) definitions = (await ask("api/metrics")).metrics;
      await loadAccount();
    } else if (state.view === "portfolio") {
      newest.cohorts = await ask("api/cohorts");
    } else {
      newest.courses = await ask("api/pipeline/history");
    }
    draw();
    notice("load", "");
  } catch (error) {
    notice("load", "Cannot refresh: " + error.message);
  }
}

async function loadPortfolio() {
  const scope = new URLSearchParams(state.scope || {}).toString();
  const [portfolio, history] = await Promise.all([ask("api/portfolio"), ask("api/portfolio/history" + (scope ? "?" + scope : "")).catch(error => {
    if (error.status !== 404) throw error;
    return null;
  })]);
  Object.assign(newest, { portfolio, history, at: performance.now() });
  money = portfolio;
  thresholds = portfolio.bands;
  showScopes(portfolio);
}

/** The line of the chosen scope. */
function chosenLine() {
  const wanted = JSON.stringify(state.scope || {});
  return [newest.portfolio, ...newest.portfolio.scopes].find(line => JSON.stringify(line.scope) === wanted) || newest.portfolio;
}

function draw() {
  if (!newest.portfolio) return;
  say(id("clock"), "as of " + moment([newest.portfolio.as_of, newest.pipeline?.as_of].filter(present).sort().at(-1)));
  const line = chosenLine();
  if (state.view === "accounts") showTiles(line, newest.history);
  if (state.view === "portfolio") {
    showMovements(line);
    if (newest.history) {
      showBandsCourse(newest.history);
      showRetention(newest.history);
    }
    if (newest.cohorts) showCohorts(newest.cohorts);
    showKpis(line, newest.portfolio);
  }
  if (state.view === "pipeline") {
    if (newest.pipeline) showPipeline(newest.pipeline);
    if (newest.courses) showHistories(newest.courses);
  }
}

function heard(name, data) {
  notice("stream", "");
  if (name === "portfolio") {
    if (newest.portfolio) newest.portfolio = { ...data, scopes: newest.portfolio.scopes };
    draw();
  } else if (name === "pipeline") {
    newest.pipeline = data;
    showState(data);
    draw();
  } else {
    newest.changes = data;
    if (newest.portfolio) showFeed(data, newest.portfolio.as_of);
  }
}

function begin() {
  fillSelect(id("band"), [["", "all bands"], ...BANDS.map(band => [band, band])]);
  fillSelect(id("stage"), [["", "all stages"], ...STAGES.map(stage => [stage, words(stage)])]);
  for (const [name, every] of [["plan", "all plans"], ["segment", "all segments"], ["csm", "all CSMs"]]) fillSelect(id(name), [["", every]]);
  for (const name of FILTERS.filter(name => name !== "search")) id(name).addEventListener("change", () => go({ filter: { ...state.filter, [name]: id(name).value }, page: 0 }));
  id("search").addEventListener("input", () => go({ filter: { ...state.filter, search: id("search").value.trim() }, page: 0 }, true));
  id("clear").addEventListener("click", () => go({ filter: {}, sort: "attention", reversed: false, page: 0 }));
  id("scope").addEventListener("change", () => go({ scope: id("scope").value ? JSON.parse(id("scope").value) : null, page: 0 }));
  id("cohort-figure").addEventListener("change", draw);
  id("previous").addEventListener("click", () => go({ page: state.page - 1 }));
  id("next").addEventListener("click", () => go({ page: state.page + 1 }));
  addEventListener("popstate", enter);
  document.addEventListener("click", event => {
    const link = event.target.closest("a");
    const isPlain = link && link.origin === location.origin && !link.pathname.startsWith(base + "api/") && !event.metaKey && !event.ctrlKey && !event.shiftKey && event.button === 0;
    if (!isPlain || link.getAttribute("href").startsWith("#")) return;
    event.preventDefault();
    history.pushState(null, "", link.href);
    enter();
  });
  enter();
  ask("api/pipeline").then(pipeline => {
    heard("pipeline", pipeline);
    listen(["portfolio", "pipeline", "changes"], heard, () => notice("stream", "The live stream is interrupted; it reconnects by itself."));
  }).catch(error => notice("stream", error.message));
  setInterval(() => document.hidden || refresh(), REFRESH_MS);
}

begin();
