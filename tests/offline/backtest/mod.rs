//! `backtest`: the shipped binary on histories whose figures are worked out by hand, and on simulated ones.

mod by_hand;
mod fitted;
mod pictures;
mod simulated;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

/// One component, so that scores can be worked out: health is 100 - days since the last use.
const RECENCY: &str = r#"
    [model]
    name = "by hand"
    [[health.component]]
    name = "recency"
    group = "usage"
    metric = "usage.days_since_last"
    curve = [[0, 100], [100, 0]]
    weight = 1
    [risk]
    horizon_days = 30
    intercept = -1
    coefficients = { recency = -2 }
"#;

fn churnwatch(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_churnwatch")).current_dir(folder).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The figures of a backtest.
fn figures(folder: &Path, arguments: &[&str]) -> Value {
    let output = churnwatch(folder, &[&["backtest", "--json", "-"], arguments].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Why a backtest was refused.
fn refusal(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = churnwatch(folder, &[&["backtest", "-q"], arguments].concat());
    (output.status.code(), text(&output.stderr).lines().last().unwrap_or_default().to_owned())
}

/// Midnight, this many days after 2026-01-01.
fn day(n: i64) -> String {
    let (mut month, mut rest) = (1, n);
    for days in [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if rest < days {
            break;
        }
        (month, rest) = (month + 1, rest - days);
    }
    format!("2026-{month:02}-{:02}T00:00:00Z", rest + 1)
}

fn used(account: &str, n: i64) -> String {
    json!({"type": "feature_used", "account_id": account, "user_id": "u", "feature": "f", "occurred_at": day(n)}).to_string()
}

fn subscription(account: &str, n: i64, status: &str) -> String {
    json!({"type": "subscription_changed", "id": format!("{account}{n}"), "account_id": account, "occurred_at": day(n), "subscription_id": "s",
        "status": status, "items": [{"amount_minor": 1000, "currency": "USD", "interval": "month"}],
        "started_at": day(0), "current_period_start": day(0), "current_period_end": "2027-12-31T00:00:00Z"})
    .to_string()
}

fn write(folder: &Path, name: &str, lines: &[String]) {
    std::fs::write(folder.join(name), lines.join("\n") + "\n").unwrap();
}

fn close(value: &Value, expected: f64) {
    let found = value.as_f64().unwrap_or(f64::NAN);
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}
