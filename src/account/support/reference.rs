//! A reference model: tickets computed naively from a list of events, and checks that neither order nor repetition matters.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::fixture::{TicketRecord, hour, record, snapshot};
use super::lifecycle::Resolution;
use super::view::TicketView;
use super::{PeriodTicket, Tickets, fixture, ticket_hash};
use crate::account::Section;
use crate::account::feedback::Satisfaction;
use crate::event::{OpenStatus, Priority, ReplyBy, SnapshotStatus, TicketKind, TicketSnapshot};
use crate::settings::Settings;
use crate::time::{DAY_MS, Timestamp};

/// Position in "opened, reopened, status, priority, assigned, replied, resolved, closed, rated, snapshot", then moved, merged, deleted,
/// even if a snapshot reports them.
fn place(kind: &TicketKind<'_>) -> usize {
    let name = match kind {
        TicketKind::Snapshot(snapshot) if takes_away(snapshot.status) => format!("{:?}", snapshot.status),
        _ => format!("{kind:?}"),
    };
    let order = [
        "Opened",
        "Reopened",
        "StatusChanged",
        "PriorityChanged",
        "Assigned",
        "Replied",
        "Resolved",
        "Closed",
        "Rated",
        "Snapshot",
        "Moved",
        "Merged",
        "Deleted",
    ];
    order.iter().position(|kind| name.split(['(', ' ']).next() == Some(kind)).unwrap()
}

fn takes_away(status: SnapshotStatus) -> bool {
    matches!(status, SnapshotStatus::Moved | SnapshotStatus::Merged | SnapshotStatus::Deleted)
}

/// The moves of a ticket: `o`pen, `w`aiting, `x` reopened, `r`esolved, `c`losed, `d`one by a snapshot with instants, `R` and `C` resolved
/// or closed by a snapshot that does not say when.
fn moves(facts: &[&TicketRecord], t: Timestamp) -> Vec<(Timestamp, usize, char)> {
    let mut moves = Vec::new();
    for fact in facts {
        let at_its_time = match &fact.event.kind {
            TicketKind::Reopened => 'x',
            TicketKind::StatusChanged(OpenStatus::Open) => 'o',
            TicketKind::StatusChanged(_) => 'w',
            TicketKind::Resolved => 'r',
            TicketKind::Closed => 'c',
            TicketKind::Snapshot(s) if takes_away(s.status) => '-',
            TicketKind::Snapshot(s) => match s.status {
                SnapshotStatus::New | SnapshotStatus::Open => 'o',
                SnapshotStatus::Pending | SnapshotStatus::OnHold => 'w',
                _ if s.resolved_at.or(s.first_resolved_at).is_some() => 'd',
                SnapshotStatus::Resolved => 'R',
                _ => s.closed_at.map_or('C', |_| 'd'),
            },
            _ => continue,
        };
        if at_its_time != '-' {
            moves.push((fact.at, place(&fact.event.kind), at_its_time));
        }
        if let TicketKind::Snapshot(s) = &fact.event.kind {
            let inner = [(s.first_resolved_at, 6, 'r'), (s.resolved_at, 6, 'r'), (s.closed_at, 7, 'c'), (s.reopened_at, 1, 'x')];
            moves.extend(inner.into_iter().filter_map(|(at, place, what)| Some((at.filter(|at| *at <= t)?, place, what))));
        }
    }
    moves.sort_by_key(|(at, place, _)| (*at, *place));
    moves
}

fn is_done(what: char) -> bool {
    "rcdRC".contains(what)
}

/// Instants and positions of resolutions, in order.
fn resolutions(moves: &[(Timestamp, usize, char)]) -> Vec<(Timestamp, usize)> {
    let of = |instant, found| -> Vec<_> {
        let counts = |n: usize| moves[n].2 == instant || (moves[n].2 == found && (n == 0 || !is_done(moves[n - 1].2)));
        (0..moves.len()).filter(|n| counts(*n)).map(|n| (moves[n].0, moves[n].1)).collect()
    };
    let resolved = of('r', 'R');
    if resolved.is_empty() { of('c', 'C') } else { resolved }
}

/// Milliseconds waiting, added up between all instants at which anything happens.
fn waiting_ms(moves: &[(Timestamp, usize, char)], from: Timestamp, to: Timestamp) -> i64 {
    let mut instants: Vec<Timestamp> = moves.iter().map(|(at, ..)| *at).chain([from, to]).filter(|at| (from..=to).contains(at)).collect();
    instants.sort_unstable();
    let waits = |at: Timestamp| moves.iter().rev().find(|(moved, ..)| *moved <= at).is_some_and(|(.., what)| *what == 'w');
    instants.windows(2).filter(|pair| waits(pair[0])).map(|pair| pair[1].since(pair[0])).sum()
}

fn reference(records: &[TicketRecord], t: Timestamp) -> Option<TicketView<'_>> {
    let mut facts: Vec<&TicketRecord> = records.iter().filter(|fact| fact.at <= t).collect();
    facts.sort_by_key(|fact| (fact.at, place(&fact.event.kind), fact.id.clone()));
    let is = |name: TicketKind<'static>| facts.iter().filter(move |fact| place(&fact.event.kind) == place(&name)).map(|fact| fact.at);
    if facts.is_empty() || is(TicketKind::Deleted).count() > 0 {
        return None;
    }
    let seen = snapshot(0, "", SnapshotStatus::Open, |_| ()).event.kind;
    let back = is(TicketKind::Opened).chain(is(seen)).max();
    if is(TicketKind::Moved).max().is_some_and(|moved| back.is_none_or(|back| back <= moved)) {
        return None;
    }
    let merged = is(TicketKind::Merged("".into())).count() > 0;
    let snapshots: Vec<(Timestamp, &TicketSnapshot)> = facts
        .iter()
        .filter_map(|fact| if let TicketKind::Snapshot(snapshot) = &fact.event.kind { Some((fact.at, &**snapshot)) } else { None })
        .collect();
    let known = |at: Option<Timestamp>| at.filter(|at| *at <= t);
    let snapshot_created = known(snapshots.iter().rev().find_map(|(_, s)| s.created_at));
    let created = is(TicketKind::Opened).chain(snapshot_created).min();
    let agent = |fact: &&&TicketRecord| matches!(fact.event.kind, TicketKind::Replied { by: ReplyBy::Agent, public: true });
    let replies = facts.iter().filter(agent).map(|fact| fact.at);
    let moves = moves(&facts, t);
    let reopenings: Vec<Timestamp> = moves.iter().filter(|(.., what)| *what == 'x').map(|(at, ..)| *at).collect();
    let resolutions = if merged { Vec::new() } else { resolutions(&moves) };
    let first_resolution = resolutions.first().map(|&(at, rank)| {
        let before: Vec<_> = facts.iter().filter(|fact| (fact.at, place(&fact.event.kind)) <= (at, rank)).collect();
        let mut teams: Vec<_> = before.iter().filter_map(|fact| fact.event.team.clone()).collect();
        teams.sort_unstable();
        teams.dedup();
        let one_contact = before.iter().filter(|fact| agent(fact)).count() <= 1 && teams.len() <= 1;
        Resolution {
            at,
            is_first: !reopenings.iter().any(|reopened| *reopened < at),
            reopened: reopenings.iter().any(|reopened| *reopened != at),
            waiting_ms: created.filter(|created| *created <= at).map_or(0, |created| waiting_ms(&moves, created, at)),
            first_contact: one_contact && !reopenings.iter().any(|x| *x > at && x.0 <= at.0 + 5 * DAY_MS),
        }
    });
    let rating = facts.iter().rev().find_map(|fact| match &fact.event.kind {
        TicketKind::Rated(place) => Some((fact.at, Satisfaction::of(*place))),
        TicketKind::Snapshot(snapshot) => snapshot.score.map(|place| (fact.at, Satisfaction::of(place))),
        _ => None,
    });
    Some(TicketView {
        t,
        first_record: records.iter().map(|fact| fact.at).min()?,
        created,
        open: !merged && !moves.last().is_some_and(|(.., what)| is_done(*what)),
        first_resolution,
        last_resolved: resolutions.last().map(|(at, _)| *at),
        first_reply: replies.chain(snapshots.iter().filter_map(|(_, s)| known(s.first_reply_at))).min(),
        rating,
        priority: facts.iter().rev().find_map(|fact| fact.event.priority).unwrap_or_default(),
        category: facts.iter().rev().find_map(|fact| fact.event.category.as_deref()),
        product: facts.iter().rev().find_map(|fact| fact.event.product.as_deref()),
        channel: facts.iter().rev().find_map(|fact| fact.event.channel.as_deref()),
    })
}

/// An hour within twelve days, from few enough values that many coincide.
fn hours() -> impl Strategy<Value = i64> {
    (0..25_i64).prop_map(|halves| halves * 12)
}

fn instant() -> impl Strategy<Value = Option<Timestamp>> {
    prop::option::of((-3..30_i64).prop_map(|halves| hour(halves * 12)))
}

fn kind() -> impl Strategy<Value = TicketKind<'static>> {
    let status = select(vec![OpenStatus::Open, OpenStatus::Pending, OpenStatus::OnHold]);
    let reply = (select(vec![ReplyBy::Agent, ReplyBy::Requester, ReplyBy::Bot]), any::<bool>());
    prop_oneof![
        3 => Just(TicketKind::Opened),
        2 => Just(TicketKind::Reopened),
        3 => status.prop_map(TicketKind::StatusChanged),
        1 => Just(TicketKind::PriorityChanged),
        2 => Just(TicketKind::Assigned),
        3 => reply.prop_map(|(by, public)| TicketKind::Replied { by, public }),
        3 => Just(TicketKind::Resolved),
        2 => Just(TicketKind::Closed),
        2 => select(vec![0.0, 0.25, 0.5, 0.75, 1.0]).prop_map(TicketKind::Rated),
        3 => whole_ticket(),
        1 => select(vec![TicketKind::Merged("9".into()), TicketKind::Deleted, TicketKind::Opened]),
        2 => Just(TicketKind::Moved),
    ]
}

fn whole_ticket() -> impl Strategy<Value = TicketKind<'static>> {
    let status = prop_oneof![
        8 => select(vec![SnapshotStatus::New, SnapshotStatus::Pending, SnapshotStatus::Resolved, SnapshotStatus::Closed]),
        1 => select(vec![SnapshotStatus::Moved, SnapshotStatus::Moved, SnapshotStatus::Merged, SnapshotStatus::Deleted]),
    ];
    let instants = (instant(), instant(), instant(), instant(), instant(), instant());
    (status, instants, prop::option::of(select(vec![0.0, 0.6, 1.0]))).prop_map(|(status, instants, score)| {
        let record = snapshot(0, "", status, |s| {
            (s.created_at, s.first_reply_at, s.first_resolved_at, s.resolved_at, s.reopened_at, s.closed_at) = instants;
            s.score = score;
        });
        record.event.kind
    })
}

/// Events of a few tickets, each with a unique id.
pub(super) fn records() -> impl Strategy<Value = Vec<TicketRecord>> {
    let fields = (
        prop::option::weighted(0.3, select(Priority::ALL.to_vec())),
        prop::option::weighted(0.3, select(vec!["bug", "question"])),
        prop::option::weighted(0.2, select(vec!["api", "app"])),
        prop::option::weighted(0.2, select(vec!["mail", "chat"])),
        prop::option::weighted(0.3, select(vec!["first line", "second line", "third line"])),
    );
    let event = (hours(), select(vec!["1", "2", "3"]), kind(), fields, any::<u16>());
    prop::collection::vec(event, 1..40).prop_map(|events| {
        let with_id = |(n, (hours, ticket, kind, fields, salt)): (usize, (i64, &str, TicketKind<'static>, _, u16))| {
            let mut record = record(hours, ticket, kind).id(&format!("{salt}-{n}"));
            let (priority, category, product, channel, team): (_, Option<&str>, Option<&str>, Option<&str>, Option<&str>) = fields;
            (record.event.priority, record.event.category) = (priority, category.map(Into::into));
            (record.event.product, record.event.channel) = (product.map(Into::into), channel.map(Into::into));
            record.event.team = team.map(Into::into);
            record
        };
        events.into_iter().enumerate().map(with_id).collect()
    })
}

pub(super) fn shuffled<T: Clone>(items: &[T], keys: &[u32]) -> Vec<T> {
    let mut keyed: Vec<_> = items.iter().cloned().zip(keys.iter().cycle()).collect();
    keyed.sort_by_key(|(_, key)| **key);
    keyed.into_iter().map(|(item, _)| item).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn every_ticket_at_every_instant_matches_the_reference(records in records()) {
        let state = fixture::state_of(&records);
        let of_ticket = |ticket: &str| records.iter().filter(|record| record.event.ticket_id == ticket).cloned().collect();
        let own: [(u64, Vec<TicketRecord>); 3] = ["1", "2", "3"].map(|ticket| (ticket_hash(ticket), of_ticket(ticket)));
        for t in (-4..32).map(|halves| hour(halves * 12)) {
            let tickets: Vec<_> = state.tickets_at(t).collect();
            let mut expected: Vec<_> = own.iter().filter_map(|(hash, own)| Some((*hash, reference(own, t)?))).collect();
            expected.sort_by_key(|(hash, _)| *hash);
            for since in [hour(-200), hour(36), t].into_iter().filter(|since| *since <= t) {
                let settled = |ticket: &TicketView<'_>| PeriodTicket::of(ticket, since, true, None).is_none();
                let adding = tickets.iter().map(|(_, ticket)| *ticket).filter(|ticket| !settled(ticket));
                prop_assert!(adding.eq(state.unsettled_at(t, since).filter(|ticket| !settled(ticket))));
            }
            prop_assert_eq!(tickets, expected);
        }
    }

    #[test]
    fn order_repetition_and_a_restart_do_not_matter(
        records in records(),
        keys in prop::collection::vec(any::<u32>(), 80),
        anonymous in any::<bool>(),
        restart in any::<Index>(),
    ) {
        let mut records = records;
        if anonymous {
            for record in &mut records {
                record.id = None;
            }
        }
        let once = fixture::state_of(&records);
        let twice = shuffled(&[records.clone(), records].concat(), &keys);
        let (before, after) = twice.split_at(restart.index(twice.len()));
        let mut restarted = Tickets::default();
        for (part, bytes) in fixture::state_of(before).parts(crate::settings::StateVersion::NEWEST) {
            restarted.restore(part, &bytes).unwrap();
        }
        fixture::apply(&mut restarted, after, &Settings::default());
        prop_assert_eq!(restarted.parts(crate::settings::StateVersion::NEWEST), once.parts(crate::settings::StateVersion::NEWEST));
        prop_assert_eq!(restarted.open, once.open);
    }
}
