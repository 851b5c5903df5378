//! Adds a snapshot to a packed subscription. Most snapshots are the newest, and then only the previous one needs unpacking.

use super::packed::{has_outranked, pack, pack_before, unpack};
use super::snapshot::Snapshot;
use super::subscription::{Inserted, Subscription, passed_limit};

/// Adds a snapshot to a subscription, which may be new; returns its bytes and what became of the snapshot.
pub(super) fn append<'a>(packed: Option<&'a [u8]>, snapshot: Snapshot<'a>) -> (Box<[u8]>, Inserted) {
    if let Some(appended) = packed.and_then(|packed| append_newest(packed, &snapshot)) {
        return (appended, Inserted::Kept);
    }
    let mut subscription: Subscription<'_> = packed.map(unpack).unwrap_or_default();
    let inserted = subscription.insert(snapshot);
    (pack(&subscription), inserted)
}

/// The fast path: the snapshot is greater and later than all others, none of which is outranked, and no limit is exceeded.
fn append_newest(packed: &[u8], snapshot: &Snapshot<'_>) -> Option<Box<[u8]>> {
    if has_outranked(packed) {
        return None;
    }
    let ((changes, count), snapshots): ((usize, usize), _) = postcard::take_from_bytes(packed).ok()?;
    let (newest, _): (Snapshot<'_>, _) = postcard::take_from_bytes(snapshots).ok()?;
    if newest.occurred_at >= snapshot.occurred_at || newest >= *snapshot {
        return None;
    }
    let (changes, count) = (changes + usize::from(snapshot.changes_mrr_or_status(&newest)), count + 1);
    if passed_limit(count, changes).is_some() {
        return None;
    }
    Some(pack_before(&(changes, count, snapshot), snapshots))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fixture::{day, monthly};
    use super::*;
    use crate::event::{self, SubscriptionSnapshot};

    proptest! {
        #[test]
        fn appending_equals_inserting(records in prop::collection::vec((0..400_i64, 0..3_i64, 0..3_i64), 1..120), distance in 1..5_i64) {
            let records: Vec<(i64, event::SubscriptionSnapshot<'_>)> = (0..)
                .zip(records)
                .map(|(number, (jump, amount, version))| {
                    let at = if jump < 20 { jump } else { number * distance };
                    (at, SubscriptionSnapshot { version: Some(version.max(number / 30)), ..monthly("a", amount) })
                })
                .collect();
            let (mut packed, mut inserted): (Option<Box<[u8]>>, _) = (None, Subscription::default());
            for (at, event) in &records {
                let snapshot = || Snapshot::new(event, day(*at), None).0;
                let (bytes, what) = append(packed.as_deref(), snapshot());
                prop_assert_eq!(what, inserted.insert(snapshot()));
                prop_assert_eq!(&bytes, &pack(&inserted));
                packed = Some(bytes);
            }
        }
    }
}
