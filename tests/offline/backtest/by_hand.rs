//! Histories small enough to work out every figure.

use serde_json::json;

use super::{RECENCY, churnwatch, close, day, figures, refusal, subscription, text, used, write};

/// Six accounts, all first used on day 0 and last used on `last`; on day 100, health is `last`.
///
/// | account | last | health | risk z = -1 - (health - 50) / 25 | band | churned |
/// |---|---|---|---|---|---|
/// | a | 100 | 100 | -3.0 | green | no |
/// | b | 20 | 20 | 0.2 | red | yes |
/// | c | 60 | 60 | -1.4 | yellow | yes |
/// | d | 50 | 50 | -1.0 | yellow | no |
/// | e | 10 | 10 | 0.6 | red | no |
/// | f | 90 | 90 | -2.6 | green | yes |
const SIX: [(&str, i64, bool); 6] =
    [("a", 100, false), ("b", 20, true), ("c", 60, true), ("d", 50, false), ("e", 10, false), ("f", 90, true)];

fn six() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "usage.ndjson",
        &SIX.iter().flat_map(|(account, last, _)| [used(account, 0), used(account, *last)]).collect::<Vec<_>>(),
    );
    let header = std::iter::once("account_id,as_of,churned".to_owned());
    let rows = SIX.iter().map(|(account, _, churned)| format!("{account},{},{}", day(100), u8::from(*churned)));
    write(folder.path(), "labels.csv", &header.chain(rows).chain([format!("unheard-of,{},1", day(100))]).collect::<Vec<_>>());
    std::fs::write(folder.path().join("model.toml"), RECENCY).unwrap();
    folder
}

const SIX_ARGUMENTS: [&str; 6] = ["--config", "model.toml", "--usage", "usage.ndjson", "--labels", "labels.csv"];

#[test]
fn the_figures_of_six_accounts_are_those_worked_out() {
    let folder = six();
    let found = figures(folder.path(), &SIX_ARGUMENTS);
    let test = &found["test"];
    assert_eq!((&test["points"], &test["churned"], &found["train"]["points"]), (&json!(6), &json!(3), &json!(0)));
    // By risk: e, b*, d, c*, f*, a. Of 9 pairs, b wins 2 (d, a), c 1 (a), f 1 (a).
    close(&test["auc"]["value"], 4.0 / 9.0);
    close(&test["health"]["auc"]["value"], 4.0 / 9.0);
    close(&found["baselines"]["days_since_last"]["auc"], 4.0 / 9.0);
    // The riskiest tenth of six is one account, e, which stayed.
    close(&test["lift_top_decile"], 0.0);
    let flagged = |flag: &serde_json::Value| [&flag["flagged"], &flag["caught"]].map(|n| n.as_u64().unwrap());
    let (bands, levels) = (&test["bands"], &test["levels"]);
    assert_eq!((flagged(&bands["red"]), flagged(&bands["red_or_yellow"])), ([2, 1], [4, 2]));
    close(&bands["red"]["precision"], 1.0 / 2.0);
    close(&bands["red"]["recall"], 1.0 / 3.0);
    close(&bands["red_or_yellow"]["recall"], 2.0 / 3.0);
    // Risks 0.047, 0.550, 0.198, 0.269, 0.646, 0.069: e is critical, b high, c and d medium.
    assert_eq!([&levels["critical"], &levels["high"], &levels["medium"]].map(flagged), [[1, 0], [2, 1], [4, 2]]);
    let square = |(_, health, churned): &(&str, i64, bool)| {
        let z = -1.0 - (*health as f64 - 50.0) / 25.0;
        (1.0 / (1.0 + (-z).exp()) - f64::from(u8::from(*churned))).powi(2)
    };
    close(&test["brier"], SIX.iter().map(square).sum::<f64>() / 6.0);
    close(&test["base_rate_brier"], 0.25);
    close(&found["components"][0]["auc"], 4.0 / 9.0);
    close(&found["components"][0]["mean_before_churn"], (20.0 + 60.0 + 90.0) / 3.0);
    assert_eq!((&found["labels_unused"], &found["fitted"]), (&json!(1), &json!(false)));
}

#[test]
fn the_table_is_for_people_and_the_data_is_alone_on_standard_output() {
    let folder = six();
    let output = churnwatch(folder.path(), &[&["backtest", "--json", "-"], &SIX_ARGUMENTS[..]].concat());
    let said = text(&output.stderr);
    for line in [
        "held out     6 points of 6 accounts, 3 followed by churn",
        "churn risk",
        "0.444",
        "band red or yellow",
        "50.0 %",
        "warning: few data",
    ] {
        assert!(said.contains(line), "{line:?} is missing from\n{said}");
    }
    assert_eq!(text(&output.stdout).lines().count(), 1);
    let silent = churnwatch(folder.path(), &[&["backtest"], &SIX_ARGUMENTS[..]].concat());
    assert_eq!((silent.status.code(), silent.stdout.len()), (Some(0), 0));
}

/// Daily use is health 100. `b` was last used on day 40: at the weekly scorings its health is 42 on day 98 and 35, red, on day 105; it leaves
/// on day 130. `c` leaves on day 120 without any sign. With 30 days ahead and an end on day 150, the last point is on day 112.
fn leaving() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let last = |account: &str| if account == "b" { 40 } else { 150 };
    let uses = ["a", "b", "c"].into_iter().flat_map(|account| (0..=last(account)).map(move |n| used(account, n)));
    write(folder.path(), "usage.ndjson", &uses.collect::<Vec<_>>());
    let active = ["a", "b", "c"].map(|account| subscription(account, 0, "active"));
    let ended = [subscription("c", 120, "canceled"), subscription("b", 130, "canceled")];
    write(folder.path(), "billing.ndjson", &[&active[..], &ended].concat());
    std::fs::write(folder.path().join("model.toml"), RECENCY).unwrap();
    folder
}

const LEAVING_ARGUMENTS: [&str; 6] = ["--config", "model.toml", "--usage", "usage.ndjson", "--billing", "billing.ndjson"];

#[test]
fn billing_tells_who_left_and_the_lead_time_runs_from_the_first_red() {
    let folder = leaving();
    let found = figures(folder.path(), &LEAVING_ARGUMENTS);
    // Days 0, 28, 56, 84, 112; 140 is too near the end. The last fifth is day 112, and day 84 reaches into it.
    assert_eq!((&found["instants"], &found["instants_beyond_horizon"]), (&json!(5), &json!(1)));
    assert_eq!((&found["train"]["points"], &found["points_between"], &found["test"]["points"]), (&json!(9), &json!(3), &json!(3)));
    assert_eq!((&found["train"]["churned"], &found["test"]["churned"]), (&json!(0), &json!(2)));
    // b, red, ranks above a; c ties with it.
    close(&found["test"]["auc"]["value"], 0.75);
    assert_eq!(found["test"]["lead_time"]["left"], json!(2));
    assert_eq!(found["test"]["lead_time"]["warned"], json!(1));
    close(&found["test"]["lead_time"]["median_days"], 25.0);
}

#[test]
fn a_wider_pause_and_a_set_border_move_the_points() {
    let folder = leaving();
    let more = ["--score-every", "7", "--train-until", "2026-04-10T00:00:00Z", "--horizon-days", "20"];
    let found = figures(folder.path(), &[&LEAVING_ARGUMENTS[..], &more].concat());
    // Day 99 is the border: 105, 112, 119 and 126 follow it, and c has left by 126. 79 days and earlier are learned from: 0 to 77.
    assert_eq!((&found["test"]["points"], &found["train"]["points"]), (&json!(11), &json!(36)));
    // c within 20 days of 105, 112, 119; b of 112, 119, 126.
    assert_eq!(found["test"]["churned"], json!(6));
}

#[test]
fn with_labels_and_without_billing_every_account_that_was_active_counts() {
    let folder = leaving();
    let labels = ["account_id,churned_at".to_owned(), format!("b,{}", day(130)), format!("c,{}", day(120)), "a,".to_owned()];
    write(folder.path(), "churned.csv", &labels);
    let arguments = ["--config", "model.toml", "--usage", "usage.ndjson", "--labels", "churned.csv"];
    let found = figures(folder.path(), &arguments);
    assert_eq!((&found["test"]["points"], &found["test"]["churned"]), (&json!(3), &json!(2)));
    close(&found["test"]["auc"]["value"], 0.75);
    close(&found["test"]["lead_time"]["median_days"], 25.0);
    // Every date counts: an account that left on day 10 as well was away until it was used again.
    write(folder.path(), "churned.csv", &[&labels[..], &[format!("c,{}", day(10))]].concat());
    assert_eq!(figures(folder.path(), &arguments)["train"]["churned"], json!(1));
}

#[test]
fn what_cannot_be_judged_is_refused_with_what_is_missing() {
    let folder = leaving();
    let inputs = &LEAVING_ARGUMENTS;
    let early = refusal(folder.path(), &[&inputs[..], &["--as-of", "2026-01-20T00:00:00Z"]].concat());
    assert_eq!(early.0, Some(1));
    assert!(early.1.contains("the history from 2026-01-01T00:00:00Z to 2026-01-20T00:00:00Z has no instant"), "{}", early.1);
    let stayed = refusal(folder.path(), &[&inputs[..], &["--as-of", "2026-04-01T00:00:00Z"]].concat());
    assert!(stayed.1.contains("of which 0 were followed by churn: both outcomes are needed"), "{}", stayed.1);
    let blind = refusal(folder.path(), &["--usage", "usage.ndjson"]);
    assert_eq!(blind, (Some(2), "error: nothing tells who left: give --billing, or --labels with a CSV file".to_owned()));
    write(folder.path(), "labels.csv", &["account_id,as_of,churned".to_owned(), "a,tomorrow,1".to_owned()]);
    let wrong = refusal(folder.path(), &["--usage", "usage.ndjson", "--labels", "labels.csv"]);
    assert_eq!(wrong, (Some(1), "error: labels.csv, line 2: `as_of` must be a date or a timestamp with offset".to_owned()));
    write(folder.path(), "labels.csv", &["account_id,as_of,churned".to_owned(), format!("nobody,{},1", day(50))]);
    let nobody = refusal(folder.path(), &["--usage", "usage.ndjson", "--labels", "labels.csv"]);
    assert!(nobody.1.contains("no account could leave at any of the 1 instants"), "{}", nobody.1);
}

#[test]
fn the_page_needs_no_other_file_and_shows_markup_in_names_as_text() {
    let folder = leaving();
    let evil = "<img src=x onerror=alert(1)>";
    for name in ["usage.ndjson", "billing.ndjson"] {
        let renamed =
            std::fs::read_to_string(folder.path().join(name)).unwrap().replace(r#""account_id":"b""#, &format!(r#""account_id":"{evil}""#));
        std::fs::write(folder.path().join(name), renamed).unwrap();
    }
    let output = churnwatch(folder.path(), &[&["backtest", "--html", "page.html"], &LEAVING_ARGUMENTS[..]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(page.contains("&lt;img src=x one") && !page.contains("<img"), "the account that left is shown by its name");
    for foreign in ["http:", "https:", "<script", "@import", "url(", "<link"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    let refused = refusal(folder.path(), &[&["--html", "page.html"], &LEAVING_ARGUMENTS[..]].concat());
    assert_eq!((refused.0, refused.1.contains("already exists: add --overwrite")), (Some(2), true));
}
