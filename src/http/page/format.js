// Numbers, money and instants as people read them.

const BANDS = ["green", "yellow", "red", "unknown", "churned"];
const STREAMS = ["usage", "billing", "support", "feedback", "accounts"];
const STAGES = ["trial", "onboarding", "adopted", "renewing", "past_due", "churned"];
let money = { currency: "", minor_digits: 2 };
let thresholds = { green: 70, yellow: 40 };

const words = name => name.replaceAll("_", " ");
const whole = value => present(value) ? Number(value).toLocaleString("en") : "–";
const fixed = (value, digits) => present(value) ? Number(value).toFixed(digits) : "–";
const tenths = value => fixed(value, 1);
const minutes = seconds => present(seconds) ? fixed(seconds / 60, 1) : "–";
const hundredths = value => fixed(value, 2);
const percent = value => present(value) ? (100 * value).toFixed(Math.abs(value) < 0.1 && value !== 0 ? 1 : 0) + " %" : "–";
const moment = text => text ? text.slice(0, 16).replace("T", " ") + " UTC" : "–";
const day = text => text ? text.slice(0, 10) : "–";

function amount(minor) {
  if (!present(minor)) return "–";
  const value = minor / 10 ** money.minor_digits;
  const digits = Math.abs(value) < 1000 && !Number.isInteger(value) ? money.minor_digits : 0;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }) + " " + money.currency;
}

/** For tiles: 12,345,678 is 12.3 M. */
function short(minor) {
  if (!present(minor)) return "–";
  const value = minor / 10 ** money.minor_digits;
  const [unit, name] = Math.abs(value) >= 1e9 ? [1e9, " B"] : Math.abs(value) >= 1e6 ? [1e6, " M"] : Math.abs(value) >= 1e5 ? [1e3, " k"] : [1, ""];
  return (value / unit).toLocaleString("en", { maximumFractionDigits: unit > 1 ? 1 : 0 }) + name + " " + money.currency;
}

const number = value => typeof value === "number" ? value.toLocaleString("en", { maximumFractionDigits: 2 }) : String(value);
const bandOf = score => !present(score) ? "unknown" : score >= thresholds.green ? "green" : score >= thresholds.yellow ? "yellow" : "red";

/** How long ago an instant was, in the time of the instance: a demo runs faster than real time. */
function ago(text, now) {
  if (!text || !now) return "–";
  const hours = (Date.parse(now) - Date.parse(text)) / 3600000;
  if (hours < 1) return "just now";
  if (hours < 48) return `${Math.floor(hours)} h ago`;
  return `${Math.floor(hours / 24)} days ago`;
}

function dateAfter(from, days) {
  return new Date(Date.parse(from + "T00:00:00Z") + days * 86400000).toISOString().slice(0, 10);
}
