// Drives the page of a running instance in headless Chromium, as a customer success manager would, and looks for what is wrong with it.
//
// usage: node drive.mjs URL [PICTURES]: with a folder, pictures of every view are left there.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { mkdirSync, readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const [url, pictures] = process.argv.slice(2);
const token = process.env.PAGE_TOKEN;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const LIMIT = { timeout: 60_000 };
const problems = [];

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  if (token) await asksForTheToken();
  else await everything();
} finally {
  await browser.close();
}
assert.deepEqual(problems, []);

async function everything() {
  await looksRight();
  await listsAccounts();
  await explainsAnAccount();
  await staysInPlaceWhileItIsLive();
  await copesWithoutTheStream();
}

/** A page that reports everything that goes wrong in it. */
async function open(options = {}, path = "") {
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 }, ...options });
  page.on("pageerror", error => problems.push(`${path}: ${error.message}`));
  page.on("console", message => message.type() === "error" && !message.text().includes("401") && problems.push(`${path}: ${message.text()}`));
  await page.goto(url + path);
  return page;
}

/** Every view, at every width, light and dark: nothing for axe to find, nothing wider than the window. */
async function looksRight() {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [400, 900, 1400]) {
      const page = await open({ viewport: { width, height: 900 }, colorScheme });
      await page.waitForSelector("#rows tr", LIMIT);
      const account = await page.getAttribute("#rows tr a", "href");
      for (const [name, ready] of [["accounts", "#tiles svg"], ["portfolio", "#kpis dd"], ["pipeline", "#commit svg"], ["account", "#account .panel"]]) {
        await page.goto(new URL(name === "account" ? account : name === "accounts" ? "" : "#" + name, url).href);
        await page.waitForSelector(ready, LIMIT);
        if (name === "portfolio") await page.waitForSelector("#bands-course svg, #bands-course .empty", LIMIT);
        const what = `${name} at ${width}, ${colorScheme}`;
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (overflow > 0) problems.push(`${what}: ${overflow} pixels wider than the window`);
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => globalThis.axe.run());
        problems.push(...violations.map(({ id, nodes }) => `${what}: axe ${id}: ${nodes[0].html.slice(0, 200)} ${nodes[0].failureSummary}`));
        if (pictures) {
          mkdirSync(pictures, { recursive: true });
          await page.screenshot({ path: `${pictures}/${name}-${width}-${colorScheme}.png`, fullPage: true });
        }
      }
      await page.close();
    }
  }
}

/** Who needs attention comes first; search, filters, sorting, paging and the file all tell of the same accounts. */
async function listsAccounts() {
  const page = await open();
  await page.waitForSelector("#rows tr", LIMIT);
  assert.equal(await page.textContent("#list-title"), "Accounts, most urgent first");
  const urgency = { red: 4, yellow: 3, unknown: 2, green: 1, churned: 0 };
  const bands = await page.$$eval("#rows .score", scores => scores.map(score => score.title));
  assert.deepEqual(bands.map(band => urgency[band]), bands.map(band => urgency[band]).sort((a, b) => b - a), "the worst bands first");
  assert.ok((await page.textContent("#rows tr .why")).length > 10, "a reason");

  const name = await page.textContent("#rows tr:last-child a");
  await page.fill("#search", name.toUpperCase());
  await page.waitForFunction(wanted => [...document.querySelectorAll("#rows a")].every(link => link.textContent.includes(wanted)), name, LIMIT);
  assert.equal(new URL(page.url()).searchParams.get("search"), name.toUpperCase(), "the address says what is shown");
  const file = await page.evaluate(async () => (await fetch(document.getElementById("csv").href)).text());
  assert.ok(file.startsWith("account_id,name,") && file.includes(name), file);
  await page.fill("#search", "nobody at all");
  await page.waitForSelector("#no-rows:not([hidden])", LIMIT);
  await page.click("#clear");
  await page.waitForSelector("#rows tr:nth-child(5)", LIMIT);

  await page.selectOption("#band", "green");
  await page.waitForFunction(() => [...document.querySelectorAll("#rows .score")].every(score => score.title === "green"), null, LIMIT);
  await page.click("#clear");
  await page.click("th button:text-is('MRR')");
  await page.waitForSelector("th[aria-sort=descending]", LIMIT);
  await page.waitForFunction(() => {
    const sums = [...document.querySelectorAll("#rows tr td:nth-child(8)")].map(cell => Number(cell.textContent.replace(/[^0-9.]/g, "")));
    return sums.length > 4 && sums.every((sum, place) => place === 0 || sum <= sums[place - 1]);
  }, null, LIMIT);
  const first = await page.textContent("#rows tr a");
  await page.click("#next");
  await page.waitForFunction(before => document.querySelector("#rows tr a").textContent !== before, first, LIMIT);
  assert.match(await page.textContent("#range"), /^51 to /);

  const total = Number((await page.textContent("#matched")).replace(/\D/g, ""));
  const csm = await page.$eval("#scope", select => [...select.options].find(option => option.textContent.startsWith("CSM")).value);
  await page.selectOption("#scope", csm);
  await page.waitForFunction(before => Number(document.getElementById("matched").textContent.replace(/\D/g, "")) < before, total, LIMIT);
  await page.goBack();
  await page.waitForFunction(before => Number(document.getElementById("matched").textContent.replace(/\D/g, "")) >= before, total, LIMIT);
  await page.close();
}

/** An account has an address of its own, at which the whole reason is. */
async function explainsAnAccount() {
  const page = await open();
  await page.click("#rows tr:has(.score[title=green]) a", LIMIT);
  await page.waitForSelector("#account .component svg[aria-label]", LIMIT);
  assert.match(page.url(), /\/accounts\/[^/]+$/);
  for (const title of ["Why", "Health over time", "What changed since the last published change", "What would make it green", "MRR over time", "Subscriptions", "Tickets", "Published changes"]) {
    assert.ok(await page.isVisible(`h2:text-is('${title}')`), title);
  }
  assert.ok((await page.$$("#account .sentences li")).length > 0, "sentences");
  assert.match(await page.getAttribute(".chart svg", "aria-label"), /^Health from \d+ to \d+/);
  assert.equal(await page.evaluate(() => document.activeElement.id), "account-title", "the focus follows");
  assert.match(await page.textContent("[aria-label='Table of subscriptions'] tbody tr"), /(paying|past due|trial)/);
  await page.click("#account summary");
  assert.match(await page.getAttribute("#account details .course svg", "aria-label"), /^over 28 days, from /);
  await page.reload();
  await page.waitForSelector("#account .panel", LIMIT);
  await page.click("#back");
  await page.waitForSelector("#rows tr", LIMIT);
  await page.goto(new URL("accounts/nobody", url).href);
  await page.waitForSelector("#account .empty", LIMIT);
  problems.splice(0, problems.length, ...problems.filter(problem => !problem.includes("404")));
  await page.close();
}

/** While figures change, the focus and an open list of metrics stay. */
async function staysInPlaceWhileItIsLive() {
  const page = await open();
  await page.waitForSelector("#rows tr", LIMIT);
  await page.focus("#rows tr a");
  const [link, clock] = [await page.evaluate(() => document.activeElement.href), await page.textContent("#clock")];
  await page.waitForFunction(before => document.getElementById("clock").textContent !== before, clock, LIMIT);
  assert.equal(await page.evaluate(() => document.activeElement.href || document.activeElement.tagName), link, "the focus is lost");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#account summary", LIMIT);
  await page.click("#account summary");
  await page.focus("#account summary");
  const later = await page.textContent("#clock");
  await page.waitForFunction(before => document.getElementById("clock").textContent !== before, later, LIMIT);
  assert.ok(await page.$eval("#account details", details => details.open), "the metrics are closed again");
  await page.close();
}

/** Without the stream the page says so, and still shows what can be asked. */
async function copesWithoutTheStream() {
  const page = await browser.newPage();
  await page.route("**/events", route => route.abort());
  await page.goto(url);
  await page.waitForSelector("#rows tr", LIMIT);
  await page.waitForFunction(() => document.getElementById("notice").textContent.includes("stream"), null, LIMIT);
  await page.close();
}

/** The token is asked for once, kept out of reach of scripts, and enough for the stream. */
async function asksForTheToken() {
  const page = await open();
  await page.waitForSelector("#token-dialog[open]", LIMIT);
  await page.fill("#token", "wrong");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.getElementById("token-error").textContent.includes("wrong"), null, LIMIT);
  await page.fill("#token", token);
  await page.keyboard.press("Enter");
  await page.waitForSelector("#rows tr", LIMIT);
  assert.equal(await page.evaluate(() => document.cookie + JSON.stringify({ ...sessionStorage, ...localStorage })), "{}", "the token is within reach of scripts");
  const clock = await page.textContent("#clock");
  await page.waitForFunction(before => document.getElementById("clock").textContent !== before, clock, LIMIT);
  await page.reload();
  await page.waitForSelector("#rows tr", LIMIT);
  assert.equal(await page.$("#token-dialog[open]"), null, "asked twice");
  await page.close();
}
