//! The table as a whole: what it holds after profiles in any order.

use std::borrow::Cow;

use proptest::prelude::*;

use super::claims::CLAIMS_MAX;
use super::*;

fn profile(ids: &[&'static str]) -> AccountProfile<'static> {
    let aliases = ids.iter().map(|id| (Cow::Borrowed("stripe"), Cow::Borrowed(*id))).collect();
    AccountProfile { aliases, ..AccountProfile::default() }
}

fn merging(ids: &[&'static str]) -> AccountProfile<'static> {
    AccountProfile { merge: true, ..profile(ids) }
}

fn note(table: &mut Aliases, account: &str, at: i64, ids: &[&'static str]) -> Noted {
    table.note(account, Timestamp(at), None, &profile(ids))
}

#[test]
fn an_alias_leads_to_the_account_that_declares_it() {
    let mut table = Aliases::new(1_000);
    assert_eq!(note(&mut table, "acme", 1, &["cus_1", "cus_2"]), Noted::default());
    assert_eq!((table.account("stripe", "cus_2"), table.account("zendesk", "cus_2"), table.len()), (Some("acme"), None, 2));
    note(&mut table, "acme", 2, &["cus_1"]);
    assert_eq!((table.account("stripe", "cus_2"), table.len()), (None, 1));
}

#[test]
fn an_older_profile_changes_nothing() {
    let mut table = Aliases::new(1_000);
    note(&mut table, "acme", 2, &[]);
    note(&mut table, "acme", 1, &["cus_1"]);
    assert!(table.is_empty());
}

#[test]
fn the_newest_declaration_has_an_alias_and_the_other_gets_it_back() {
    let mut table = Aliases::new(1_000);
    note(&mut table, "acme", 1, &["cus_1"]);
    assert_eq!(note(&mut table, "bolt", 2, &["cus_1"]), Noted { disputed: 1, moved: 1, ..Noted::default() });
    assert_eq!((table.account("stripe", "cus_1"), table.disputed()), (Some("bolt"), 1));
    assert_eq!(note(&mut table, "acme", 3, &["cus_1"]), Noted { moved: 1, ..Noted::default() });
    assert_eq!(table.account("stripe", "cus_1"), Some("acme"), "it moves back when it is declared again");
    assert_eq!(note(&mut table, "acme", 4, &[]).moved, 1);
    assert_eq!((table.account("stripe", "cus_1"), table.disputed()), (Some("bolt"), 0), "and when it is withdrawn");
}

#[test]
fn a_deleted_account_has_no_aliases() {
    let mut table = Aliases::new(1_000);
    note(&mut table, "acme", 1, &["cus_1"]);
    table.note("acme", Timestamp(2), None, &AccountProfile { deleted: true, ..profile(&["cus_1"]) });
    assert_eq!(table.account("stripe", "cus_1"), None);
}

#[test]
fn profiles_that_merge_add_up() {
    let mut table = Aliases::new(1_000);
    table.note("acme", Timestamp(1), None, &merging(&["cus_1"]));
    table.note("acme", Timestamp(2), None, &merging(&["cus_2"]));
    assert_eq!((table.account("stripe", "cus_1"), table.account("stripe", "cus_2")), (Some("acme"), Some("acme")));
    note(&mut table, "acme", 2, &["cus_3"]);
    assert_eq!(
        (table.account("stripe", "cus_1"), table.account("stripe", "cus_2")),
        (None, Some("acme")),
        "a whole profile replaces what is older"
    );
}

#[test]
fn an_alias_of_an_alias_is_not_followed() {
    let mut table = Aliases::new(1_000);
    note(&mut table, "cus_2", 1, &["cus_1"]);
    assert_eq!(note(&mut table, "cus_1", 1, &["cus_2"]).cyclic, 1);
    assert_eq!((table.account("stripe", "cus_1"), table.account("stripe", "cus_2")), (Some("cus_2"), Some("cus_1")));
}

fn declaration() -> impl Strategy<Value = (&'static str, i64, Vec<&'static str>, bool, bool)> {
    let accounts = prop::sample::select(vec!["a", "b", "c"]);
    let ids = prop::sample::subsequence(vec!["1", "2", "3"], 0..=3);
    (accounts, 0_i64..40, ids, any::<bool>(), prop::bool::weighted(0.1))
}

proptest! {
    #[test]
    fn the_order_of_profiles_does_not_matter(profiles in prop::collection::vec(declaration(), 0..20).prop_shuffle()) {
        let build = |order: &[usize]| {
            let mut table = Aliases::new(1_000);
            for (number, (account, at, ids, merges, deleted)) in order.iter().map(|number| (number, &profiles[*number])) {
                // Two different profiles with the same time differ by id.
                let id = number.to_string();
                let profile = AccountProfile { deleted: *deleted, merge: *merges, ..profile(ids) };
                table.note(account, Timestamp(*at), Some(&id), &profile);
            }
            (["1", "2", "3"].map(|id| table.account("stripe", id).map(str::to_owned)), table.disputed(), table.len())
        };
        let forwards = build(&(0..profiles.len()).collect::<Vec<_>>());
        let backwards = build(&(0..profiles.len()).rev().collect::<Vec<_>>());
        prop_assert_eq!(forwards, backwards);
    }
}

#[test]
fn beyond_the_limit_a_declaration_is_refused_and_everything_else_still_works() {
    let mut table = Aliases::new(5);
    note(&mut table, "acme", 1, &["1", "2"]);
    note(&mut table, "bolt", 1, &["3"]);
    assert!(!table.has_room_for("acme", &profile(&["4"])) && table.has_room_for("acme", &profile(&["1"])));
    assert_eq!(table.note("acme", Timestamp(2), None, &merging(&["4"])).refused, 1);
    assert_eq!(note(&mut table, "coda", 2, &["5"]).refused, 1);
    assert_eq!((table.account("stripe", "4"), table.account("stripe", "5"), table.len()), (None, None, 3));
    note(&mut table, "bolt", 3, &[]);
    assert!(table.has_room_for("acme", &profile(&["4"])), "an account without aliases makes room");
    assert_eq!(table.note("acme", Timestamp(3), None, &merging(&["4"])).refused, 0);
    assert_eq!((table.account("stripe", "4"), table.account("stripe", "3"), table.len()), (Some("acme"), None, 3));
}

#[test]
fn an_alias_that_everybody_declares_keeps_its_newest_declarations() {
    let mut table = Aliases::new(10_000);
    let everybody = 3 * CLAIMS_MAX;
    let refused: usize =
        (0..everybody).map(|n| note(&mut table, &format!("a{n}"), i64::try_from(n).unwrap(), &["undefined"]).refused).sum();
    assert_eq!((refused, table.len(), table.disputed()), (everybody - CLAIMS_MAX, 1, 1));
    assert_eq!(table.account("stripe", "undefined"), Some(&*format!("a{}", everybody - 1)));
    assert_eq!(note(&mut table, "a0", 0, &["undefined"]).refused, 0, "a profile that is not newer says nothing new");
}

#[test]
fn what_a_newer_profile_has_said_already_is_outdated() {
    let mut table = Aliases::new(1_000);
    table.note("acme", Timestamp(3), None, &merging(&["1"]));
    let outdated = |at, profile: &AccountProfile<'_>| table.is_outdated("acme", Timestamp(at), None, profile);
    assert!(outdated(2, &merging(&["1"])));
    assert!(!outdated(3, &merging(&["1"])), "the same one may have been read again, after a transaction that failed");
    assert!(!outdated(2, &merging(&["1", "2"])) && !outdated(2, &profile(&["1"])));
}
