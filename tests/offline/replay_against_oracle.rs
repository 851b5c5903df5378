//! `replay` against a slow reference that shares no code with it, on seeded hostile inputs.
//!
//! `CHURNWATCH_ORACLE_SEEDS=200..5000` chooses the seeds. A difference is reported with its seed and the smallest input that still shows
//! it, which is kept in a directory whose name is printed. The number of threads must not change any output.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::Path;

use crate::hostile::Case;
use crate::oracle::difference::{Difference, differences, of_metrics};
use crate::oracle::{Extras, Files};
use churnwatch::config::Config;
use churnwatch::replay::Division;
use churnwatch::time::Timestamp;

/// The seeds of every run.
const SEEDS: Range<u64> = 0..30;

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("CHURNWATCH_ORACLE_SEEDS") else { return SEEDS };
    let (from, to) = text.split_once("..").unwrap();
    from.parse().unwrap()..to.parse().unwrap()
}

fn compare(folder: &Path, case: &Case, files: &Files) -> Vec<Difference> {
    let reference = crate::oracle::replay(files, &case.settings, case.t, case.extras);
    match crate::oracle::program::replay(folder, files, &case.settings, case.t, case.extras) {
        Ok(program) => differences(&reference, &program),
        Err(error) => {
            vec![Difference { figure: "the run".to_owned(), of: "all".to_owned(), expected: "success".to_owned(), actual: error }]
        }
    }
}

/// The differences of the smallest input that still shows the first one; the input is kept in `folder`.
fn report(folder: &Path, case: &Case, figure: &str) -> String {
    let shows = |files: &Files| compare(folder, case, files).into_iter().find(|difference| difference.figure == figure);
    let small = crate::hostile::shrink::shrink(case.files.clone(), |files| shows(files).is_some());
    let difference = shows(&small).unwrap();
    let mut text = format!("seed {}: {difference}\n  in {} as of {}\n", case.seed, folder.display(), case.t);
    for (stream, lines) in &small {
        for line in lines {
            let line = String::from_utf8_lossy(line);
            let _ = writeln!(text, "  {stream}: {}", line.chars().take(600).collect::<String>());
        }
    }
    text
}

/// With deletions only where the service can tell the two lives of an account apart although it reads the deletion last: at the end of a
/// date, in front of a ticket, and without versions, by which snapshots of the first life may outrank those of the second.
fn with_separable_lives(mut files: Files) -> Files {
    let holds = |line: &[u8], text: &str| line.windows(text.len()).any(|window| window == text.as_bytes());
    let has_tickets = files.contains_key("support");
    for lines in files.values_mut() {
        lines.retain(|line| !holds(line, r#""deleted":true"#) || has_tickets && holds(line, r#""leaves":true"#));
        for line in lines.iter_mut().filter(|line| holds(line, r#""version":"#)) {
            *line = String::from_utf8_lossy(line).replace(r#""version":"#, r#""former_version":"#).into_bytes();
        }
    }
    files
}

/// Figures for which the service keeps only the earliest fact: that of the first life is forgotten with it.
const OF_EARLIEST_FACT: [&str; 3] = ["revenue.payment_failures_open", "revenue.days_past_due", "support.fcr_91d"];

fn has_left(files: &Files, account: &str) -> bool {
    let lines = files.get("accounts").into_iter().flatten().filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok());
    lines.filter(|record| record["leaves"] == true).any(|record| record["account_id"] == account)
}

#[test]
fn metrics_agree_live_after_a_restore_in_a_replay_and_in_the_reference() {
    for seed in seeds() {
        let case = crate::hostile::case(seed);
        let files = with_separable_lives(case.files);
        let extras = Extras { months: false, changes: false };
        let reference = crate::oracle::replay(&files, &case.settings, case.t, extras);
        let folder = tempfile::tempdir().unwrap();
        let replayed = crate::oracle::program::replay(folder.path(), &files, &case.settings, case.t, extras).unwrap().accounts;
        let [live, restored] = crate::oracle::driver::lines(folder.path(), &files, case.t);
        for (way, lines) in [("in a replay", replayed), ("live", live), ("after a restore", restored)] {
            let mut found = of_metrics(&reference, &lines);
            found.retain(|difference| {
                way == "in a replay" || !OF_EARLIEST_FACT.contains(&&*difference.figure) || !has_left(&files, &difference.of)
            });
            assert!(found.is_empty(), "seed {seed}, {way}: {}", found[0]);
        }
    }
}

#[test]
fn the_replay_agrees_with_the_reference_on_every_figure() {
    let mut reported = Vec::new();
    for seed in seeds() {
        let case = crate::hostile::case(seed);
        let folder = tempfile::tempdir().unwrap();
        for difference in compare(folder.path(), &case, &case.files) {
            if !reported.contains(&difference.figure) {
                let kept = tempfile::tempdir().unwrap().keep();
                println!("{}", report(&kept, &case, &difference.figure));
                reported.push(difference.figure);
            }
        }
    }
    assert!(reported.is_empty(), "differences in {}", reported.join(", "));
}

#[test]
fn no_output_depends_on_the_number_of_threads() {
    for seed in seeds() {
        let case = crate::hostile::case(seed);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), case.settings.toml()).unwrap();
        std::fs::write(folder.path().join("model.toml"), case.settings.model.unwrap_or_default()).unwrap();
        let mut settings = Config::load_offline(Some(&folder.path().join("config.toml")), &[], []).unwrap().settings();
        if seed % 5 == 0 {
            settings.limits.accounts = 3;
        }
        let as_of = (seed % 2 == 0).then_some(Timestamp(case.t));
        let outputs = |threads, block_bytes| {
            let division = Division { threads: NonZeroUsize::new(threads).unwrap(), block_bytes: NonZeroUsize::new(block_bytes).unwrap() };
            crate::hostile::outputs::outputs(folder.path(), &case.files, &settings, as_of, division)
        };
        let expected = outputs(1, 1 << 20);
        for (threads, block_bytes) in [(2, 500), (3, 1)] {
            for (name, bytes) in outputs(threads, block_bytes) {
                assert!(bytes == expected[name], "seed {seed}: {name} by {threads} threads");
            }
        }
    }
}
