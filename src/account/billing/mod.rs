//! The billing of an account: subscriptions, MRR through time with its movements, and invoices. Money is exact.
//!
//! The state keeps only facts. A [`Ledger`] derives every figure from them under the current money policy, so a late snapshot corrects
//! history, and MRR can change with time alone, without any event.

mod append;
mod codec;
mod denomination;
#[cfg(test)]
mod fixture;
mod invoices;
mod ledger;
mod loss;
#[cfg(test)]
mod next_life;
#[cfg(test)]
mod oracle;
mod packed;
mod period;
mod settled;
mod snapshot;
mod status;
mod subscription;
mod timeline;
mod view;

pub use invoices::PaymentFailures;
pub use ledger::Ledger;
pub use loss::LossKind;
pub use period::{Renewals, Terms, Trials};
pub use settled::PaidInvoices;
pub use status::{LONG_TERM_DAYS, Status};
pub use timeline::{FirstPayment, MRR_MAX, Movement, Timeline};
pub use view::SubscriptionView;

use invoices::{InvoiceFact, Invoices, Payment};
use packed::{PackedTable, pack};
use snapshot::Snapshot;
use subscription::{Inserted, Subscription};
use xxhash_rust::xxh3::xxh3_64;

use super::{ApplyContext, Limit};
use crate::event::{BillingEvent, Invoice, Stream, SubscriptionSnapshot};
use crate::metric::Metrics;
use crate::metric::View;
use crate::money::Policy;
use crate::settings::Settings;
use crate::time::{MaybeTimestamp, Timestamp};

/// The billing facts of an account: a function of the set of its records, whatever their order and repetition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Billing {
    /// [`Subscription`]s by hash of their ids.
    subscriptions: PackedTable,
    invoices: Invoices,
    first_subscription_at: MaybeTimestamp,
    first_invoice_at: MaybeTimestamp,
    /// Whether any record can only be stored in version 2, such as an amount below a minor unit.
    needs_v2: bool,
}

impl Billing {
    /// Applies an event.
    pub fn apply(&mut self, event: &BillingEvent<'_>, ctx: &mut ApplyContext<'_>) {
        match event {
            BillingEvent::Subscription(snapshot) => self.apply_snapshot(snapshot, ctx),
            BillingEvent::InvoicePaid(invoice) => {
                let paid = InvoiceFact::Paid(Payment::new(invoice.amount, ctx.at, ctx.id));
                self.apply_invoice(invoice, paid, ctx);
            }
            BillingEvent::InvoicePaymentFailed(invoice) => self.apply_invoice(invoice, InvoiceFact::Failed(ctx.at), ctx),
        }
    }

    fn apply_snapshot(&mut self, event: &SubscriptionSnapshot<'_>, ctx: &mut ApplyContext<'_>) {
        self.first_subscription_at.keep_earliest(ctx.at);
        let hash = xxh3_64(event.subscription_id.as_bytes());
        let (snapshot, left_out) = Snapshot::new(event, ctx.at, ctx.id);
        self.needs_v2 |= snapshot.needs_v2();
        let (bytes, inserted) = append::append(self.subscriptions.packed(hash), snapshot);
        if inserted == Inserted::Unchanged {
            return;
        }
        if left_out || inserted == Inserted::Trimmed {
            ctx.limits.reached(Limit::Snapshots);
        }
        self.subscriptions.put(hash, bytes);
        if self.subscriptions.len() > ctx.settings.limits.subscriptions {
            self.forget_longest_idle();
            ctx.limits.reached(Limit::Subscriptions);
        }
    }

    fn apply_invoice(&mut self, invoice: &Invoice<'_>, fact: InvoiceFact<'_>, ctx: &mut ApplyContext<'_>) {
        self.first_invoice_at.keep_earliest(ctx.at);
        self.needs_v2 |= fact.needs_v2();
        if self.invoices.record(&invoice.invoice_id, fact, ctx.settings) {
            ctx.limits.reached(Limit::Invoices);
        }
    }

    /// Forgets everything up to the deletion of the account.
    pub fn forget_until(&mut self, deleted_at: Timestamp) {
        let (mut left, mut first, mut needs_v2) = (Vec::new(), None, false);
        for (hash, subscription) in self.subscriptions.iter::<Subscription<'_>>() {
            let Some(subscription) = subscription.after(deleted_at) else { continue };
            first = first.into_iter().chain(subscription.oldest_at()).min();
            needs_v2 |= subscription.needs_v2();
            left.push((hash, pack(&subscription)));
        }
        self.subscriptions = left.into_iter().collect();
        self.invoices.forget_until(deleted_at);
        self.needs_v2 = needs_v2 || self.invoices.needs_v2();
        if self.first_subscription_at.get().is_some_and(|known| known <= deleted_at) {
            self.first_subscription_at = first.into();
        }
        if self.first_invoice_at.get().is_some_and(|known| known <= deleted_at) {
            self.first_invoice_at = self.invoices.first_at().into();
        }
    }

    /// Drops the subscription that has gone longest without a snapshot.
    fn forget_longest_idle(&mut self) {
        let idle = |(hash, subscription): (u64, Subscription<'_>)| (subscription.newest_at(), hash);
        if let Some((_, hash)) = self.subscriptions.iter().map(idle).min() {
            self.subscriptions.remove(hash);
        }
    }

    /// The time of the first subscription record: MRR is known from then on.
    #[must_use]
    pub fn first_subscription_at(&self) -> Option<Timestamp> {
        self.first_subscription_at.get()
    }

    /// The time of the first billing record, subscription or invoice: invoices are known from then on.
    #[must_use]
    pub fn first_record_at(&self) -> Option<Timestamp> {
        self.first_subscription_at.get().into_iter().chain(self.first_invoice_at.get()).min()
    }

    /// Decodes the billing once, for all figures under a policy.
    #[must_use]
    pub fn ledger<'a>(&'a self, policy: &'a Policy) -> Ledger<'a> {
        Ledger::new(self, policy)
    }

    /// Sets the `revenue.*` metrics at the instant of the billing stream. A caller that needs more figures uses a [`Ledger`].
    pub fn measure(&self, view: &View, settings: &Settings, out: &mut Metrics) {
        self.ledger(&settings.money).measure(view.stream(Stream::Billing).t, out);
    }
}
