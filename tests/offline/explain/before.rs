//! What the state of today yields for 28 days before is what was measured then.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use churnwatch::event::Stream;
use churnwatch::metric::{Metric, Metrics};
use churnwatch::portfolio::Period;
use churnwatch::replay::{self, Division, History, InputFile, Reading};
use churnwatch::settings::Settings;
use churnwatch::time::Timestamp;

use super::{INPUTS, customers};

/// These depend on the profile as well, of which only the newest is known.
const OF_THE_PROFILE: [Metric; 2] = [Metric::SeatUtilisation, Metric::Adoption];

/// The metrics of every account at `t`, or 28 days before as derived from the state at `t`.
fn measured(files: &[InputFile], settings: &Arc<Settings>, t: Timestamp, before: bool) -> BTreeMap<String, Metrics> {
    let reading = Reading::of(files, t, settings, Division::of_machine().threads);
    let mut history = History::new(files, &reading, Arc::clone(settings));
    history.advance_to(t);
    let (view, all) = (history.view(t), Mutex::new(BTreeMap::new()));
    let _ = history.portfolio(Period::trailing(t, &settings.zone), |slot, metrics| {
        let metrics = if before { slot.account.measure_before(&view, 28, settings) } else { metrics.clone() };
        all.lock().unwrap().insert(slot.id().to_owned(), metrics);
        None
    });
    all.into_inner().unwrap()
}

#[test]
fn metrics_of_28_days_before_are_those_measured_then() {
    let folder = customers("150");
    let streams: Vec<Stream> =
        INPUTS.iter().step_by(2).filter_map(|option| Stream::ALL.into_iter().find(|stream| option.ends_with(stream.name()))).collect();
    let settings = replay::settings_for(&streams, Settings::default());
    let read = |(stream, name): (&Stream, &&str)| {
        let path = Path::new(folder.path()).join(name);
        InputFile::read((*stream, &Arc::default()), &path, &settings, Division::of_machine(), |_| ()).unwrap()
    };
    let files: Vec<InputFile> = streams.iter().zip(INPUTS.iter().skip(1).step_by(2)).map(read).collect();
    // At the end of a date, the exact windows of 28 days are the windows of 28 dates.
    let t = Timestamp::parse_rfc3339("2025-12-20T23:59:59.999Z").unwrap();
    let (then, derived) = (measured(&files, &settings, t.minus_days(28), false), measured(&files, &settings, t, true));
    let mut compared = BTreeMap::new();
    for (account, derived) in &derived {
        for (metric, sample) in derived.iter().filter(|(metric, _)| !OF_THE_PROFILE.contains(metric)) {
            let measured = then.get(account).and_then(|metrics| metrics.number(metric));
            let (derived, measured) = (sample.value.number(), measured);
            let is_same = derived.zip(measured).map_or(derived == measured, |(derived, measured)| (derived - measured).abs() < 1e-9);
            assert!(is_same, "{account} {}: {derived:?} was derived, {measured:?} was measured", metric.name());
            *compared.entry(metric).or_insert(0) += 1;
        }
    }
    for metric in [Metric::ActiveDays28d, Metric::Mau, Metric::Features28d, Metric::Mrr, Metric::OpenWeighted, Metric::Opened28d] {
        assert!(compared.get(&metric).is_some_and(|count| *count > 30), "{}", metric.name());
    }
}
