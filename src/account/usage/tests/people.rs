//! Anonymous users who are identified later are one person, whatever is read first.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::*;
use crate::settings::StateVersion;

/// What is observed of the people of an account.
const METRICS: [Metric; 6] =
    [Metric::Dau, Metric::Wau, Metric::Mau, Metric::RegularUsers28d, Metric::Stickiness, Metric::ActiveUsersGrowth];

#[test]
fn an_anonymous_user_who_is_identified_is_counted_once_and_keeps_their_dates() {
    let mut example = Example::default();
    for day in [60, 90, 91, 92] {
        example.used(noon(day), "browser-1", "f", 1);
    }
    example.used(noon(100), "ann", "f", 1);
    example.used(noon(99), "bob", "f", 1);
    assert_eq!(example.number(noon(100), Metric::Mau), Some(3.0));
    assert_eq!(example.number(noon(100), Metric::RegularUsers28d), Some(0.0));
    example.identified(noon(101), "browser-1", "ann");
    let of = |metric| example.number(noon(100), metric);
    assert_eq!(of(Metric::Mau), Some(2.0), "ann and bob");
    assert_eq!(of(Metric::RegularUsers28d), Some(1.0), "ann on the 90th, 91st, 92nd and 100th day");
    assert_eq!(of(Metric::Dau), Some(1.0), "ann: bob's use was a day ago to the millisecond");
    assert_eq!(of(Metric::Stickiness), Some(5.0 / (28.0 * 2.0)), "5 pairs of person and date");
    assert_eq!(of(Metric::ActiveUsersGrowth), Some(2.0), "ann alone was there before, as browser-1");
    assert_eq!(example.state.users_on_dates(Date(i32::try_from(noon(100).0 / DAY_MS).unwrap()), 28), 2);
}

#[test]
fn to_be_identified_is_no_use() {
    let mut example = Example::default();
    example.identified(noon(5), "browser-1", "ann");
    assert_eq!((example.state.last_activity(), example.number(noon(6), Metric::Mau)), (None, Some(0.0)));
}

#[test]
fn several_browsers_of_a_user_are_one_person_even_without_use_by_the_user() {
    let mut example = Example::default();
    for browser in ["b1", "b2", "b3"] {
        example.used(noon(10), browser, "f", 1);
        example.identified(noon(11), browser, "ann");
    }
    assert_eq!(example.number(noon(12), Metric::Mau), Some(1.0));
}

#[test]
fn users_who_share_a_browser_stay_two_people() {
    let mut example = Example::default();
    for (hour, user) in [(1, "ann"), (2, "bob")] {
        example.used(noon(10).plus(hour * HOUR_MS), user, "f", 1);
        example.identified(noon(10).plus(hour * HOUR_MS), "b1", user);
    }
    example.used(noon(10), "b1", "f", 1);
    assert_eq!(example.number(noon(12), Metric::Mau), Some(2.0));
}

#[test]
fn what_stands_for_a_missing_value_ties_nobody_together() {
    let mut example = Example::default();
    for user in ["ann", "bob"] {
        example.used(noon(10), user, "f", 1);
        example.identified(noon(10), "undefined", user);
        example.identified(noon(10), user, "null");
    }
    assert_eq!(example.number(noon(12), Metric::Mau), Some(2.0));
}

#[test]
fn beyond_the_limit_of_users_the_oldest_link_goes_and_is_counted() {
    let mut example = Example::default();
    example.settings.limits.users = 2;
    let mut limits = LimitMeter::default();
    for (day, browser) in [(10, "b1"), (11, "b2"), (12, "b3")] {
        let mut ctx = ApplyContext { at: noon(day), id: None, settings: &example.settings, limits: &mut limits };
        let event = UsageEvent { user_id: Some("ann".into()), anonymous_id: Some(browser.into()), kind: UsageKind::Identified };
        example.state.apply(&event, &mut ctx);
    }
    assert_eq!(limits.iter().filter(|(_, count)| *count > 0).collect::<Vec<_>>(), [(crate::account::Limit::UserLinks, 1)]);
    assert_eq!(example.state.links.all().len(), 2);
}

/// A step: when, by which id, and the user that it is identified as.
type Step = (i64, &'static str, Option<&'static str>, bool);

fn step() -> impl Strategy<Value = Step> {
    let id = || prop::sample::select(vec!["b1", "b2", "b3", "ann", "bob", "eve"]);
    (0..60 * 24_i64, id(), prop::option::weighted(0.3, id()), any::<bool>())
}

fn apply(example: &mut Example, (hour, id, user, is_use): &Step) {
    let at = noon(0).plus(hour * HOUR_MS);
    match user {
        Some(user) if *is_use => {
            let mut ctx = ApplyContext { at, id: None, settings: &example.settings, limits: &mut LimitMeter::default() };
            let kind = UsageKind::Feature { feature: "f".into(), count: 1 };
            example.state.apply(&UsageEvent { user_id: Some((*user).into()), anonymous_id: Some((*id).into()), kind }, &mut ctx);
        }
        Some(user) => example.identified(at, id, user),
        None => example.used(at, id, "f", 1),
    }
}

/// The people with use after an instant, worked out from the steps alone.
fn people(steps: &[Step], after_hour: i64) -> usize {
    let short = |id: &str| xxh3_64(id.as_bytes()) >> 20;
    let mut newest: BTreeMap<&str, (i64, u64, &str)> = BTreeMap::new();
    for (hour, id, user, _) in steps {
        if let Some(user) = user.filter(|user| user != id) {
            let link = (*hour, short(user), user);
            newest.entry(id).and_modify(|known| *known = link.max(*known)).or_insert(link);
        }
    }
    // Everyone who is reached from an id, in a circle or at the end of a chain: the set of those that reach themselves again or go nowhere.
    let person = |id: &'static str| -> BTreeSet<&str> {
        let next = |id: &str| newest.get(id).map(|link| link.2);
        let mut at = id;
        for _ in 0..6 {
            at = next(at).unwrap_or(at);
        }
        let mut all = BTreeSet::from([at]);
        while let Some(user) = next(at).filter(|user| !all.contains(user)) {
            all.insert(user);
            at = user;
        }
        all
    };
    let used = steps.iter().filter(|(hour, ..)| *hour > after_hour).filter_map(|(_, id, user, is_use)| match user {
        Some(user) => is_use.then_some(*user),
        None => Some(*id),
    });
    used.map(person).collect::<BTreeSet<_>>().len()
}

proptest! {
    #[test]
    fn people_depend_on_the_set_of_records_and_survive_a_restore(
        steps in prop::collection::vec(step(), 1..40),
        order in Just((0..40_usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let (mut forwards, mut shuffled) = (Example::default(), Example::default());
        for step in &steps {
            apply(&mut forwards, step);
        }
        order.iter().filter_map(|place| steps.get(*place)).for_each(|step| apply(&mut shuffled, step));
        let mut restored = Example::default();
        for (part, bytes) in shuffled.state.parts(StateVersion::NEWEST).into_iter().rev() {
            restored.state.restore(part, &bytes).unwrap();
        }
        let end = noon(0).plus(60 * 24 * HOUR_MS);
        let of = |example: &Example| METRICS.map(|metric| example.number(end, metric));
        prop_assert_eq!(of(&forwards), of(&shuffled));
        prop_assert_eq!(of(&forwards), of(&restored));
        prop_assert_eq!(&forwards.state.links, &restored.state.links);
        let mau = people(&steps, (60 - 28) * 24);
        prop_assert_eq!(of(&forwards)[2], Some(mau as f64));
    }
}

#[test]
fn many_links_are_written_in_parts_that_may_come_in_any_order() {
    let mut example = Example::default();
    for number in 0..5_000_i64 {
        let browser = format!("b{number}");
        example.used(noon(number % 28), &browser, "f", 1);
        example.identified(noon(number % 28), &browser, &format!("u{}", number % 100));
    }
    assert_eq!(example.number(noon(27), Metric::Mau), Some(100.0));
    let mut parts = example.state.parts(StateVersion::NEWEST);
    assert!(parts.len() > 20 && parts.iter().all(|(_, bytes)| bytes.len() < 8 * 1024), "{}", parts.len());
    parts.reverse();
    let mut restored = Usage::default();
    for (part, bytes) in &parts {
        restored.restore(*part, bytes).unwrap();
    }
    assert_eq!(restored, example.state);
    example.identified(noon(27), "another", "u1");
    let changed = example.state.parts(StateVersion::NEWEST).into_iter().filter(|part| !parts.contains(part)).count();
    assert!((1..=2).contains(&changed), "{changed} parts changed");
}
