//! Billing as changelog records: subscriptions and invoices in as many parts as needed; a single one is never split.

use serde::{Deserialize, Serialize};

use super::Billing;
use super::invoices::Invoice;
use super::packed::{Packed, PackedTable, read, without_outranked};
use super::settled::{PaidInvoices, Settled};
use super::subscription::Subscription;
use crate::account::parts::{SectionPart, split};
use crate::account::section::{self, PART_BYTES, split_version};
use crate::account::{CodecError, Section};
use crate::settings::StateVersion;
use crate::time::{MaybeTimestamp, Timestamp};

/// One changelog record, without its version byte. `S`: how folded invoices are kept.
#[derive(Serialize, Deserialize)]
struct BillingPart<'a, S> {
    /// In the first part only.
    header: Option<Header<S>>,
    /// Hash of the id and packed subscription.
    #[serde(borrow)]
    subscriptions: Vec<(u64, &'a [u8])>,
    /// Hash of the id and packed invoice.
    #[serde(borrow)]
    invoices: Vec<(u64, &'a [u8])>,
}

#[derive(Serialize, Deserialize)]
struct Header<S> {
    first_subscription_at: MaybeTimestamp,
    first_invoice_at: MaybeTimestamp,
    settled: Option<S>,
}

impl Section for Billing {
    fn parts(&self, version: StateVersion) -> Vec<SectionPart> {
        if self.first_record_at().is_none() {
            return Vec::new();
        }
        let settled = self.invoices.settled.as_deref();
        match version {
            StateVersion::V1 => self.parts_with(version, settled.map(|settled| settled.paid_by(Timestamp::MAX)).as_ref()),
            StateVersion::V2 => self.parts_with(version, settled),
        }
    }

    fn least_version(&self) -> StateVersion {
        if self.needs_v2 || self.invoices.settled.is_some() { StateVersion::V2 } else { StateVersion::V1 }
    }

    fn restore(&mut self, _part: u64, bytes: &[u8]) -> Result<(), CodecError> {
        match split_version(bytes)?.0 {
            StateVersion::V1 => self.restore_part::<PaidInvoices>(bytes),
            StateVersion::V2 => self.restore_part::<Settled>(bytes),
        }
    }
}

impl Billing {
    fn parts_with<S: Serialize>(&self, version: StateVersion, settled: Option<&S>) -> Vec<SectionPart> {
        let (first_subscription_at, first_invoice_at) = (self.first_subscription_at, self.first_invoice_at);
        let subscriptions = written::<Subscription<'_>>(&self.subscriptions, version);
        let invoices = written::<Invoice<'_>>(&self.invoices.kept, version);
        split((subscriptions.as_slice(), invoices.as_slice()), PART_BYTES, |is_first, (subscriptions, invoices): (&[_], &[_])| {
            let header = is_first.then_some(Header { first_subscription_at, first_invoice_at, settled });
            section::encode(version, &BillingPart { header, subscriptions: subscriptions.to_vec(), invoices: invoices.to_vec() })
        })
    }

    fn restore_part<'a, S: Into<Settled> + Deserialize<'a>>(&mut self, bytes: &'a [u8]) -> Result<(), CodecError> {
        let part: BillingPart<'a, S> = section::decode(bytes)?;
        for (hash, bytes) in part.subscriptions {
            self.needs_v2 |= checked::<Subscription<'_>>(bytes)?.needs_v2();
            self.subscriptions.put(hash, bytes.into());
        }
        for (hash, bytes) in part.invoices {
            self.needs_v2 |= checked::<Invoice<'_>>(bytes)?.needs_v2();
            self.invoices.kept.put(hash, bytes.into());
        }
        if let Some(header) = part.header {
            self.first_subscription_at = header.first_subscription_at;
            self.first_invoice_at = header.first_invoice_at;
            self.invoices.settled = header.settled.map(|settled| Box::new(settled.into()));
        }
        Ok(())
    }
}

/// Refuses bytes that do not decode: only valid values may enter the state.
fn checked<'a, T: Packed<'a>>(bytes: &'a [u8]) -> Result<T, CodecError> {
    read(bytes).ok_or(CodecError::Corrupt("an entry of a billing part"))
}

/// The entries of a table. Version 1 leaves out outranked facts: they count only if a deletion is read late, and repeated failures are too
/// frequent to end a rolling upgrade.
fn written<'a, T: Packed<'a>>(table: &'a PackedTable, version: StateVersion) -> Vec<(u64, &'a [u8])> {
    let kept = |bytes: &'a [u8]| if version == StateVersion::V1 { without_outranked::<T>(bytes) } else { bytes };
    table.bytes().map(|(hash, bytes)| (hash, kept(bytes))).collect()
}

#[cfg(test)]
mod tests {
    use crate::account::MAX_PART_BYTES;

    use super::super::fixture::{MONTH, TestAccount, YEAR, amount, day, item, monthly, no_discount, usd, with_status};
    use super::super::invoices::{MAX_INVOICES, MAX_REPEATED_FAILURES};
    use super::super::snapshot::{MAX_DISCOUNTS, MAX_PRICES};
    use super::super::subscription::{MAX_CHANGES, MAX_OUTRANKED, MAX_UNCHANGED};
    use super::*;
    use crate::event::{BillingEvent, Discount, Item, SubscriptionSnapshot, SubscriptionStatus};
    use crate::money::{Amount, Currency, Fixed, Interval, IntervalUnit};

    fn restored(parts: &[SectionPart]) -> Billing {
        let mut state = Billing::default();
        for (number, bytes) in parts {
            state.restore(*number, bytes).unwrap();
        }
        state
    }

    /// A snapshot of the greatest possible size.
    fn largest(id: &str, number: i64) -> SubscriptionSnapshot<'_> {
        // 38 digits with decimals, the most that a stored amount can have.
        let amount = Amount { minor: Fixed::new(10_i128.pow(38) + i128::from(10 * number + 1), 24), currency: Currency::USD };
        let price = |count| Item { quantity: 1, ..item(amount, Interval { unit: IntervalUnit::Week, count }) };
        let prices = (0..u32::try_from(MAX_PRICES).unwrap()).map(|number| price(u32::MAX - number));
        let far = Some(Timestamp::MIN);
        let percent_off = Some("99.99999999999999999999999999".parse().unwrap());
        let off = Some(amount.minor);
        SubscriptionSnapshot {
            items: prices.collect(),
            discounts: vec![
                Discount { percent_off, amount_off_minor: off, interval: Some(YEAR), ends_at: far, ..no_discount() };
                MAX_DISCOUNTS
            ],
            cancel_at: far,
            version: Some(i64::MAX - 100_000 + number),
            reason: Some("r".repeat(256).into()),
            trial_end: far,
            started_at: far,
            term_end: far,
            ..monthly(id, 0)
        }
    }

    #[test]
    fn billing_is_restored_from_its_parts_in_any_order() {
        let mut account = TestAccount::with_rates(&[(0, "EUR", "1.1")]);
        assert_eq!(account.state.parts(StateVersion::NEWEST), []);
        account.snapshot(day(1), SubscriptionSnapshot { items: vec![item(amount(5, "EUR"), MONTH)], ..monthly("a", 0) });
        account.snapshot(day(2), largest("b", 1));
        account.paid(day(3), "in_1", "evt", usd(100));
        account.failed(day(4), "in_2");
        let parts = account.state.parts(StateVersion::NEWEST);
        assert_eq!(parts.len(), 1);
        assert_eq!(restored(&parts), account.state);
    }

    #[test]
    fn data_that_needs_version_2_is_written_in_version_2_and_restored() {
        let below = Amount { minor: Fixed::new(5, 1), currency: Currency::USD };
        let whole = || SubscriptionSnapshot { items: vec![item(usd(-5), MONTH)], ..monthly("a", 0) };
        let facts: [fn(&mut TestAccount, Amount); 7] = [
            |account, _| (0..=MAX_INVOICES).for_each(|number| account.paid(day(3), &format!("in_{number}"), "evt", usd(7))),
            |account, _| account.snapshot(day(2), SubscriptionSnapshot { cancel_at: Some(day(9)), ..monthly("b", 5) }),
            |account, _| {
                account.snapshot(day(2), SubscriptionSnapshot { discounts: vec![no_discount(), no_discount()], ..monthly("b", 5) });
            },
            |account, below| account.snapshot(day(2), SubscriptionSnapshot { items: vec![item(below, MONTH)], ..monthly("b", 0) }),
            |account, below| account.paid(day(3), "in_1", "evt", below),
            |account, _| account.snapshot(day(2), with_status("b", 5, SubscriptionStatus::IncompleteExpired)),
            |account, below| {
                let discounts = vec![Discount { amount_off_minor: Some(below.minor), ..no_discount() }];
                account.snapshot(day(2), SubscriptionSnapshot { discounts, ..monthly("b", 5) });
            },
        ];
        for fact in facts {
            let mut account = TestAccount::default();
            account.snapshot(day(1), whole());
            account.paid(day(1), "in_0", "evt", usd(7));
            assert_eq!(account.state.least_version(), StateVersion::V1);
            fact(&mut account, below);
            assert_eq!(account.state.least_version(), StateVersion::V2);
            let restored = restored(&account.state.parts(StateVersion::V2));
            assert_eq!(restored, account.state);
        }
    }

    #[test]
    fn the_largest_account_fits_its_parts() {
        let mut account = TestAccount::default();
        let id = "i".repeat(256);
        let most = MAX_CHANGES + MAX_UNCHANGED + 1;
        for number in 0..i64::try_from(most).unwrap() {
            let course = number.min(i64::try_from(MAX_CHANGES).unwrap());
            let snapshot = SubscriptionSnapshot { version: Some(i64::MAX - 1_000 + number), ..largest("a", course) };
            account.apply(day(number), Some(&id), &BillingEvent::Subscription(Box::new(snapshot)));
        }
        for number in 0..=i64::try_from(MAX_OUTRANKED).unwrap() {
            let snapshot = SubscriptionSnapshot { version: Some(i64::MAX - 200_000 - number), ..largest("a", 1_000 + number) };
            account.apply(day(1_000 + number), Some(&id), &BillingEvent::Subscription(Box::new(snapshot)));
        }
        let (_, bytes) = account.state.subscriptions.bytes().next().unwrap();
        let bytes: Box<[u8]> = bytes.into();
        for hash in [1 << 61, 1 << 62, 1 << 63] {
            account.state.subscriptions.put(hash, bytes.clone());
        }
        for number in 0..=MAX_INVOICES {
            for at in 0..5 {
                account.paid(day(at), &format!("in_{number}"), &id, usd(i64::MAX));
            }
            for at in 0..=i64::try_from(MAX_REPEATED_FAILURES).unwrap() {
                account.failed(day(at), &format!("in_{number}"));
            }
        }
        assert_eq!(account.ledger().subscriptions.iter().map(|subscription| subscription.snapshots().len()).max(), Some(most));
        let mut parts = account.state.parts(StateVersion::NEWEST);
        let largest = parts.iter().map(|(_, bytes)| bytes.len()).max().unwrap();
        assert!(
            parts.len() > 4 && (300 * 1024..=MAX_PART_BYTES).contains(&largest),
            "{} parts, the largest of {largest} bytes",
            parts.len()
        );
        parts.reverse();
        assert_eq!(restored(&parts), account.state);
    }

    #[test]
    fn folded_invoices_of_version_1_count_at_any_instant() {
        let mut account = TestAccount::default();
        (0..=MAX_INVOICES).for_each(|number| account.paid(day(3), &format!("in_{number}"), "evt", usd(7)));
        let restored = restored(&account.state.parts(StateVersion::V1));
        let paid = |t| restored.ledger(&account.settings.money).invoices(t).1;
        assert_eq!([1, 3].map(|number| paid(day(number)).sum), [7, 7 * (i64::try_from(MAX_INVOICES).unwrap() + 1)]);
    }

    #[test]
    fn invalid_bytes_are_refused() {
        let mut account = TestAccount::default();
        account.snapshot(day(1), monthly("a", 1));
        let (_, part) = account.state.parts(StateVersion::NEWEST).remove(0);
        let mut newer = part.clone();
        newer[0] = StateVersion::NEWEST as u8 + 1;
        let mut state = Billing::default();
        assert_eq!(state.restore(0, &newer), Err(CodecError::NewerVersion(StateVersion::NEWEST as u8 + 1)));
        assert!(matches!(state.restore(0, &part[..part.len() / 2]), Err(CodecError::Corrupt(_))));
        assert!(matches!(state.restore(0, &[]), Err(CodecError::Corrupt(_))));
        account.snapshot(day(2), monthly("a", 0));
        account.snapshot(day(3), SubscriptionSnapshot { version: Some(-2), ..monthly("a", 2) });
        let (_, bytes) = account.state.subscriptions.bytes().next().unwrap();
        let end = without_outranked::<Subscription<'_>>(bytes).len();
        assert!((end + 1..bytes.len()).all(|end| read::<Subscription<'_>>(&bytes[..end]).is_none()), "a list that is cut");
        assert!(end + 1 < bytes.len() && read::<Subscription<'_>>(bytes).is_some());
    }
}
