//! One test per kind of problem: file, line, key, and the suggested name or what is allowed.

use super::{Folder, assert_problem, config_of, problems_of};
use crate::settings::usage_filter::UseBy;

#[test]
fn a_missing_file_is_named() {
    let problems = Folder::with(&[]).load(&[], &[]).unwrap_err();
    assert!(problems[0].starts_with("c.toml: cannot be read: no such file in "), "{problems:?}");
}

#[test]
fn syntax_errors_name_their_lines() {
    let problems = problems_of("[commit]\ninterval_ms 3\n[time\n");
    assert_eq!(problems.len(), 2);
    assert!(problems[0].starts_with("c.toml:2: invalid TOML: "), "{problems:?}");
    assert!(problems[1].starts_with("c.toml:3: invalid TOML: "), "{problems:?}");
}

#[test]
fn for_an_unknown_section_the_nearest_is_suggested_even_from_the_model() {
    assert_problem("\n[comit]\n", "c.toml:2: comit: unknown key; did you mean `commit`?");
    assert_problem("[helth]\nmin_coverage = 0.4\n", "c.toml:1: helth: unknown key; did you mean `health`?");
}

#[test]
fn for_an_unknown_key_the_nearest_is_suggested() {
    assert_problem("[commit]\nintervall_ms = 1\n", "c.toml:2: commit.intervall_ms: unknown key; did you mean `interval_ms`?");
    assert_problem("[limits]\nuser = 1\n", "c.toml:2: limits.user: unknown key; did you mean `users`?");
    assert_problem("[streams.usages]\n", "c.toml:1: streams.usages: unknown key; did you mean `usage`?");
    assert_problem(
        "[support.priority_weights]\nurgnt = 1\n",
        "c.toml:2: support.priority_weights.urgnt: unknown key; did you mean `urgent`?",
    );
}

#[test]
fn a_wrong_type_says_what_is_needed() {
    assert_problem("[commit]\ninterval_ms = \"1 s\"\n", "c.toml:2: commit.interval_ms: must be a whole number, not a string");
    assert_problem("[kafka]\ncreate_topics = \"yes\"\n", "c.toml:2: kafka.create_topics: must be true or false, not a string");
    assert_problem("commit = 1\n", "c.toml:1: commit: must be a table, not a whole number");
}

#[test]
fn numbers_out_of_range_say_the_range() {
    assert_problem("[commit]\ninterval_ms = 0\n", "c.toml:2: commit.interval_ms: 0 is out of range: must be 1 to 60000");
    assert_problem("[application]\nthreads = 65\n", "c.toml:2: application.threads: 65 is out of range: must be 1 to 64");
    assert_problem("[output]\nbad_run_share = 1.5\n", "c.toml:2: output.bad_run_share: 1.5 is out of range: must be above 0 and at most 1");
    assert_problem(
        "[support]\npriority_weights = { low = -1 }\n",
        "c.toml:2: support.priority_weights.low: -1 is out of range: must be 0 or more",
    );
    assert_problem("[limits]\nusers = 0\n", "c.toml:2: limits.users: 0 is out of range: must be 1 to 1000000");
    assert_problem(
        "[kafka]\nreplication_factor = 0\n",
        "c.toml:2: kafka.replication_factor: 0 is out of range: must be 1 to 100, or -1 for the broker's default",
    );
    assert_problem("[state]\nwrite_version = 9\n", "c.toml:2: state.write_version: version 9 cannot be written: must be 1 to 2");
}

#[test]
fn business_hours_name_the_key_and_what_is_allowed() {
    let hours = |rest: &str| format!("[support.business_hours]\n{rest}\n");
    let allowed = "is not allowed: must be as in 09:00-17:30, from 00:00 up to 24:00 of the same day";
    for wrong in ["9-17", "09:00-24:30", "17:00-09:00", "09:00-09:00", "09:00 - 17:00"] {
        let text = hours(&format!("open = {{ mon = [\"08:00-08:30\", \"{wrong}\"] }}"));
        assert_problem(&text, &format!("c.toml:2: support.business_hours.open.mon[1]: `{wrong}` {allowed}"));
    }
    assert_problem(
        &hours("open = { tue = [\"09:00-12:30\", \"12:29-17:00\"] }"),
        "c.toml:2: support.business_hours.open.tue[1]: overlaps other hours of the day: hours of a day must not share a minute",
    );
    assert_problem(&hours("open = { monday = [] }"), "c.toml:2: support.business_hours.open.monday: unknown key; did you mean `mon`?");
    let closed = "is closed on every day: at least one needs hours such as [\"09:00-17:30\"]";
    assert_problem(&hours("open = { mon = [] }"), &format!("c.toml:2: support.business_hours.open: {closed}"));
    assert_problem(&hours("zone = \"UTC\""), "c.toml:1: support.business_hours.open: is missing");
    let open = "open = { mon = [\"09:00-17:00\", \"17:00-24:00\"] }";
    assert_problem(
        &hours(&format!("{open}\nzone = \"Europe/Lodon\"")),
        "c.toml:3: support.business_hours.zone: \"Europe/Lodon\" is not a time zone of the IANA database; did you mean `Europe/London`?",
    );
    assert_problem(
        &hours(&format!("{open}\nholidays = [\"2026-12-25\", \"25.12.2026\"]")),
        "c.toml:3: support.business_hours.holidays[1]: `25.12.2026` is not a date: use the form 2024-01-31",
    );
    assert!(problems_of(&hours(open)).is_empty());
}

#[test]
fn catch_up_commits_must_not_be_more_frequent_than_live_ones() {
    let reason = "10000 is below commit.interval_ms, which is 20000";
    assert_problem("[commit]\ninterval_ms = 20000\n", &format!("c.toml:2: commit.interval_ms: {reason}"));
    assert_problem(
        "[commit]\ninterval_ms = 20000\ncatch_up_interval_ms = 10000\n",
        &format!("c.toml:3: commit.catch_up_interval_ms: {reason}"),
    );
    let unreadable = "[commit]\ninterval_ms = \"x\"\ncatch_up_interval_ms = 500\n";
    assert_problem(unreadable, "c.toml:2: commit.interval_ms: must be a whole number, not a string");
}

#[test]
fn an_invalid_name_lists_the_valid_ones() {
    assert_problem(
        "[output]\non_bad_run = \"deadletter\"\n",
        "c.toml:2: output.on_bad_run: `deadletter` is not allowed: must be one of exit, dead_letter; did you mean `dead_letter`?",
    );
    assert_problem("[kafka]\nstart = \"begin\"\n", "c.toml:2: kafka.start: `begin` is not allowed: must be one of earliest, latest, fail");
}

#[test]
fn a_time_zone_must_exist() {
    assert_problem(
        "[time]\nreporting_time_zone = \"Europe/Berln\"\n",
        "c.toml:2: time.reporting_time_zone: \"Europe/Berln\" is not a time zone of the IANA database; did you mean `Europe/Berlin`?",
    );
}

#[test]
fn calendar_dates_must_be_valid_and_in_order() {
    assert_problem(
        "[[calendar.quiet]]\nfrom = \"24.12.\"\nto = \"2026-12-26\"\n",
        "c.toml:2: calendar.quiet[0].from: `24.12.` is not a date: use the form 2024-01-31",
    );
    assert_problem("[[calendar.quiet]]\nfrom = \"2026-12-24\"\n", "c.toml:1: calendar.quiet[0].to: is missing");
    assert_problem("[[calendar.quiet]]\nfrom = \"2026-12-24\"\nto = \"2026-12-23\"\n", "c.toml:3: calendar.quiet[0].to: is before `from`");
    assert_eq!(config_of("[[calendar.quiet]]\nfrom = 2026-12-24\nto = 2026-12-24\n").calendar.calendar().total_days(), 1);
}

#[test]
fn entries_after_an_unreadable_one_keep_their_indexes() {
    let problems =
        problems_of("[[calendar.quiet]]\nfrom = 1\nto = \"2026-12-26\"\n[[calendar.quiet]]\nfrom = \"2026-12-24\"\nto = \"2026-12-23\"\n");
    assert_eq!(
        problems,
        ["c.toml:2: calendar.quiet[0].from: must be a string, not a whole number", "c.toml:6: calendar.quiet[1].to: is before `from`",]
    );
}

#[test]
fn currencies_and_rates_must_be_valid() {
    assert_problem(
        "[money]\nreporting_currency = \"Euro\"\n",
        "c.toml:2: money.reporting_currency: `Euro` is not a currency code: use three letters, such as USD",
    );
    assert_problem(
        "[[money.rates]]\nvalid_from = \"2024-01-01\"\nEURO = 1\n",
        "c.toml:3: money.rates[0].EURO: must be valid_from or a currency code: three capital letters, as in EUR",
    );
    for rate in ["0", "\"-1.08\"", "\"x\"", "inf"] {
        let text = format!("[[money.rates]]\nvalid_from = \"2024-01-01\"\nEUR = {rate}\n");
        let written = rate.trim_matches('"');
        assert_problem(
            &text,
            &format!("c.toml:3: money.rates[0].EUR: `{written}` is not a valid rate: must be a decimal number above 0, as in \"1.08\""),
        );
    }
    assert_problem("[[money.rates]]\nEUR = 1\n", "c.toml:1: money.rates[0].valid_from: is missing");
    assert_problem(
        "[[money.rates]]\nvalid_from = \"2024-01-01\"\nEUR = 1\n[[money.rates]]\nvalid_from = \"2024-01-01\"\nEUR = 1\n",
        "c.toml:5: money.rates[1].valid_from: another table has the same date",
    );
    assert_problem(
        "[[money.rates]]\nvalid_from = \"2024-01-01\"\nUSD = 2\n",
        "c.toml:3: money.rates[0].USD: is the reporting currency, whose rate is always 1",
    );
}

#[test]
fn rates_are_exact_whether_strings_or_numbers() {
    let text = "[[money.rates]]\nvalid_from = \"2024-01-01\"\nEUR = \"1.08\"\nGBP = 1.1000000000000000000001\nCHF = 1\nKWD = 3e0\n";
    let config = config_of(text);
    let written = config.money.rates[0].rates.iter().map(|(currency, rate)| format!("{} {rate}", currency.code()));
    assert_eq!(written.collect::<Vec<_>>(), ["CHF 1", "EUR 1.08", "GBP 1.1000000000000000000001", "KWD 3"]);
}

#[test]
fn a_rate_applies_from_midnight_in_the_reporting_zone() {
    use crate::time::Timestamp;
    let text = "[time]\nreporting_time_zone = \"Europe/Berlin\"\n[[money.rates]]\nvalid_from = 2024-01-01\nEUR = 1\n[[money.rates]]\nvalid_from = 2024-07-01\nEUR = 2\n";
    let rates = config_of(text).settings().money.rates;
    let changes: Vec<_> = rates.changes_of(crate::money::Currency::parse("EUR").unwrap()).collect();
    assert_eq!(changes, [Timestamp::parse_rfc3339("2024-06-30T22:00:00Z").unwrap()]);
}

#[test]
fn usage_patterns_are_plain_text_except_for_stars_question_marks_and_braces() {
    let usage = config_of("[usage]\nignore_users = [\"svc-*\", \"[qa-bot]\"]\n").usage.filter();
    let users = ["svc-backup", "[qa-bot]", "q", "Undefined"].map(|user| usage.use_by(Some(user)));
    assert_eq!(users, [UseBy::Ignored, UseBy::Ignored, UseBy::User("q"), UseBy::Anonymous]);
    assert!(usage.counts_feature("anything"));
    assert_problem("[usage]\nignore_users = \"svc-*\"\n", "c.toml:2: usage.ignore_users: must be a list, not a string");
}

#[test]
fn a_list_of_anonymous_users_replaces_the_default() {
    let usage = config_of("[usage]\nanonymous_users = [\"Guest\"]\n").usage.filter();
    assert_eq!(["GUEST", "null"].map(|user| usage.use_by(Some(user))), [UseBy::Anonymous, UseBy::User("null")]);
    let usage = config_of("[usage]\nanonymous_users = []\n").usage.filter();
    assert_eq!(usage.use_by(Some("null")), UseBy::User("null"));
}

#[test]
fn the_catch_up_age_is_in_minutes_or_never() {
    let age = |value: &str| config_of(&format!("[time]\ncatch_up_age_minutes = {value}\n")).settings().time.catch_up_age_ms;
    assert_eq!([age("\"never\""), age("7")], [None, Some(420_000)]);
    let allowed = "a number of minutes from 1 to 10080, or \"never\"";
    assert_problem(
        "[time]\n\ncatch_up_age_minutes = \"often\"\n",
        &format!("c.toml:3: time.catch_up_age_minutes: `often` is not valid: must be {allowed}"),
    );
    assert_problem(
        "[time]\ncatch_up_age_minutes = 0\n",
        "c.toml:2: time.catch_up_age_minutes: 0 is out of range: must be 1 to 10080, or \"never\"",
    );
}

#[test]
fn the_earliest_time_is_midnight_in_the_reporting_zone() {
    use crate::time::Timestamp;
    let earliest = |text: &str| config_of(text).settings().time.earliest;
    let at = |text| Timestamp::parse_rfc3339(text).unwrap();
    assert_eq!(earliest(""), at("2000-01-01T00:00:00Z"));
    assert_eq!(earliest("[time]\nreporting_time_zone = \"Europe/Berlin\"\n"), at("1999-12-31T23:00:00Z"));
    assert_eq!(earliest("[time]\nearliest = \"2024-07-01\"\nreporting_time_zone = \"Europe/Berlin\"\n"), at("2024-06-30T22:00:00Z"));
    assert_problem("[time]\nearliest = \"1899-12-31\"\n", "c.toml:2: time.earliest: must be 1900-01-01 or later");
    assert_problem("[time]\nearliest = \"lately\"\n", "c.toml:2: time.earliest: `lately` is not a date: use the form 2024-01-31");
}

#[test]
fn the_listen_address_must_be_valid() {
    assert_problem(
        "[http]\nlisten = \"9400\"\n",
        "c.toml:2: http.listen: `9400` is not an address with a port, such as 127.0.0.1:9400, localhost:9400 or [::]:9400; did you mean \
         127.0.0.1:9400?",
    );
}

#[test]
fn allowed_hosts_are_names_without_scheme_and_port() {
    for host in ["http://churnwatch", "churnwatch:9400", "*.internal", ""] {
        assert_problem(
            &format!("[http]\nallowed_hosts = [\"churnwatch.internal\", \"{host}\"]\n"),
            &format!("c.toml:2: http.allowed_hosts: `{host}` is not a host name; leave out scheme, port and wildcards"),
        );
    }
}

#[test]
fn a_file_full_of_problems_is_not_decoded_endlessly() {
    let text = (0..2_000).map(|number| format!("key{number} = 1")).collect::<Vec<_>>().join("\n");
    let problems = problems_of(&text);
    assert_eq!(problems.len(), 201);
    assert_eq!(problems[0], "c.toml: has 200 problems and perhaps more");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_loading_panic(lines in proptest::collection::vec(
        "(\\[{0,2}(kafka|money\\.rates|health|streams\\.usage|rule|x)[\\].= ]{0,3}(properties|component|topics|valid_from|0)?[\\]= ]{0,3}(1|\"a\"|\\[|\\{|-|2024-01-01)?\n)|.{0,12}", 0..12,
    )) {
        let _ = Folder::with(&[("c.toml", &lines.concat())]).load(&["health.component[0].weight=1"], &[]);
    }
}

#[test]
fn all_problems_are_reported_at_once_in_line_order() {
    let problems = problems_of(
        "[application]\nthreads = 0\ninstanc = \"\"\n[kafka]\nstart = 1\n[kafka.properties]\nacks = \"1\"\n[streams.usage]\ntopics = [\"a\", 2]\n\
         [money]\nreporting_currency = \"\"\n[[money.rates]]\nEUR = 0\n[[health.component]]\nname = \"a\"\n[limits]\nusers = -1\nfeatures = 0\n",
    );
    let places: Vec<_> = problems.iter().filter_map(|problem| problem.split(": ").take(2).collect::<Vec<_>>().join(" ").into()).collect();
    assert_eq!(
        places,
        [
            "c.toml:2 application.threads",
            "c.toml:3 application.instanc",
            "c.toml:5 kafka.start",
            "c.toml:7 kafka.properties.acks",
            "c.toml:9 streams.usage.topics[1]",
            "c.toml:11 money.reporting_currency",
            "c.toml:12 money.rates[0].valid_from",
            "c.toml:13 money.rates[0].EUR",
            "c.toml:14 health.component[0].group",
            "c.toml:17 limits.users",
            "c.toml:18 limits.features",
        ]
    );
}
