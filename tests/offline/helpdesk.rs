//! A real ticket log, checked against figures computed without this program (`fixtures/helpdesk/README.md`).

use std::collections::HashMap;
use std::io::Read;

use churnwatch::account::support::{Durations, TicketView, Tickets, ticket_hash};
use churnwatch::account::{ApplyContext, LimitMeter};
use churnwatch::event::{TicketEvent, TicketKind};
use churnwatch::settings::Settings;
use churnwatch::time::{BusinessHours, Date, HOUR_MS, OpenHours, Timestamp, Zone};
use flate2::read::GzDecoder;

const LOG: &[u8] = include_bytes!("../fixtures/helpdesk/helpdesk.csv.gz");
const EXPECTED: &[u8] = include_bytes!("../fixtures/helpdesk/expected_tickets.csv.gz");

/// Seconds from opening to first resolution in the hours of [`desk`].
const EXPECTED_BUSINESS: &[u8] = include_bytes!("../fixtures/helpdesk/expected_business_hours.csv.gz");

/// The rows of a CSV file without quotes, by column name.
fn rows(gzipped: &[u8]) -> Vec<HashMap<String, String>> {
    let mut text = String::new();
    GzDecoder::new(gzipped).read_to_string(&mut text).unwrap();
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row = |line: &str| names.iter().zip(line.split(',')).map(|(name, value)| ((*name).to_owned(), value.to_owned())).collect();
    lines.map(row).collect()
}

/// `2010-01-13 08:40:25`, with or without `+00:00`; empty: none.
fn instant(text: &str) -> Option<Timestamp> {
    let utc = format!("{}Z", text.get(..19)?.replace(' ', "T"));
    Some(Timestamp::parse_rfc3339(&utc).unwrap())
}

struct Step {
    ticket: String,
    at: Timestamp,
    /// Equal for rows that are equal.
    id: String,
    kind: TicketKind<'static>,
}

/// The log as ticket events: a ticket opens with its first row, and any activity after a resolution, except closing, reopens it.
fn steps() -> Vec<Step> {
    let mut resolved: HashMap<String, bool> = HashMap::new();
    let mut steps = Vec::new();
    for row in rows(LOG) {
        let (ticket, activity) = (row["case:concept:name"].clone(), row["Activity"].as_str());
        let (at, id) = (instant(&row["time:timestamp"]).unwrap(), format!("{activity} by {}", row["Resource"]));
        let step = |kind| Step { ticket: ticket.clone(), at, id: id.clone(), kind };
        if !resolved.contains_key(&ticket) {
            steps.push(step(TicketKind::Opened));
        }
        let was_resolved = resolved.entry(ticket.clone()).or_default();
        match activity {
            "Resolve ticket" => {
                *was_resolved = true;
                steps.push(step(TicketKind::Resolved));
            }
            "Closed" => steps.push(step(TicketKind::Closed)),
            _ if std::mem::take(was_resolved) => steps.push(step(TicketKind::Reopened)),
            _ => {}
        }
    }
    steps
}

fn applied<'a>(steps: impl Iterator<Item = &'a Step>) -> Tickets {
    let (mut state, settings, mut limits) = (Tickets::default(), Settings::default(), LimitMeter::default());
    for step in steps {
        let event = TicketEvent {
            ticket_id: step.ticket.as_str().into(),
            kind: step.kind.clone(),
            priority: None,
            category: None,
            product: None,
            channel: None,
            team: None,
        };
        state.apply(&event, &mut ApplyContext { at: step.at, id: Some(&step.id), settings: &settings, limits: &mut limits });
    }
    assert!(limits.iter().all(|(_, count)| count == 0));
    state
}

#[test]
fn every_ticket_matches_the_instants_computed_independently() {
    let steps = steps();
    let state = applied(steps.iter());
    let tickets: HashMap<u64, TicketView<'_>> = state.tickets_at(Timestamp::MAX).collect();
    let expected = rows(EXPECTED);
    assert_eq!((tickets.len(), expected.len()), (4_580, 4_580));
    for row in &expected {
        let ticket = &tickets[&ticket_hash(&row["id"])];
        let found = (ticket.created, ticket.first_resolution.map(|first| first.at), ticket.last_resolved);
        assert_eq!(found, (instant(&row["created"]), instant(&row["first_resolved"]), instant(&row["last_resolved"])), "{}", row["id"]);
        let reopened = ticket.first_resolution.is_some_and(|first| first.reopened);
        assert_eq!(reopened, row["reopens"] != "0", "{}", row["id"]);
    }
    assert_eq!(tickets.values().filter(|ticket| ticket.first_resolution.is_some_and(|first| first.reopened)).count(), 154);
}

#[test]
fn time_to_first_resolution_matches_the_independent_figures() {
    let steps = steps();
    let state = applied(steps.iter());
    let mut durations = Durations::default();
    for resolved in state.tickets_in(Timestamp::MIN, Timestamp::MAX, None).filter_map(|ticket| ticket.resolved) {
        durations.add(resolved.resolution_ms.unwrap());
    }
    let hours = |millis: f64| millis / HOUR_MS as f64;
    assert_eq!(durations.count(), 4_569);
    let mean = hours(durations.mean_ms().unwrap());
    assert!((mean - 266.940_370).abs() < 1e-6, "{mean}");
    let median = hours(durations.quantile_ms(50).unwrap() as f64);
    assert!((median - 143.593_333).abs() <= 143.593_333 / 100.0, "{median}");
}

/// Monday to Thursday 09:00 to 13:00 and 14:00 to 18:00, Friday 09:00 to 13:00, in Rome, except on public holidays of Italy.
fn desk() -> BusinessHours {
    let day = |texts: &[&str]| texts.iter().map(|text| OpenHours::parse(text).unwrap()).collect();
    let whole = || day(&["09:00-13:00", "14:00-18:00"]);
    let week = [whole(), whole(), whole(), whole(), day(&["09:00-13:00"]), Vec::new(), Vec::new()];
    let fixed = ["01-01", "01-06", "04-25", "05-01", "06-02", "08-15", "11-01", "12-08", "12-25", "12-26"];
    let easter_mondays = ["2010-04-05", "2011-04-25", "2012-04-09", "2013-04-01", "2014-04-21"].map(str::to_owned);
    let holidays = (2010..2015).flat_map(|year| fixed.map(|date| format!("{year}-{date}"))).chain(easter_mondays);
    BusinessHours::new(&Zone::named("Europe/Rome").unwrap(), week, holidays.map(|date| Date::parse(&date).unwrap()))
}

#[test]
fn business_hours_to_first_resolution_match_the_independent_figures() {
    let (steps, desk) = (steps(), desk());
    let state = applied(steps.iter());
    let tickets: HashMap<u64, TicketView<'_>> = state.tickets_at(Timestamp::MAX).collect();
    let expected = rows(EXPECTED_BUSINESS);
    assert_eq!(expected.len(), 4_569);
    for row in &expected {
        let seconds: i64 = row["business_seconds"].parse().unwrap();
        assert_eq!(tickets[&ticket_hash(&row["id"])].business_resolution_ms(&desk), Some(seconds * 1000), "{}", row["id"]);
    }
    let mut durations = Durations::default();
    for resolved in state.tickets_in(Timestamp::MIN, Timestamp::MAX, Some(&desk)).filter_map(|ticket| ticket.resolved) {
        durations.add(resolved.business_resolution_ms.unwrap());
    }
    let median = durations.quantile_ms(50).unwrap() as f64 / HOUR_MS as f64;
    assert!((median - 28.101_389).abs() <= 28.101_389 / 100.0, "{median}");
    let mean = durations.mean_ms().unwrap() / HOUR_MS as f64;
    assert!((mean - 55.647_112).abs() < 1e-6, "{mean}");
}

#[test]
fn the_log_read_backwards_gives_the_same_tickets() {
    let steps = steps();
    let (forwards, backwards) = (applied(steps.iter()), applied(steps.iter().rev()));
    assert!(forwards.tickets_at(Timestamp::MAX).eq(backwards.tickets_at(Timestamp::MAX)));
}
