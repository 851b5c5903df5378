//! Events that outlive the text they were read from: an envelope may hold its payload in a form that has to be unpacked first.

use std::borrow::Cow;

use super::record::{Event, Record};
use super::{
    AccountProfile, BillingEvent, Cost, FeedbackEvent, FeedbackKind, Invoice, SubscriptionSnapshot, TicketEvent, TicketKind, UsageEvent,
    UsageKind,
};

impl Record<'_> {
    /// The same record with text of its own.
    #[must_use]
    pub fn into_owned(self) -> Record<'static> {
        let event = match self.event {
            Event::Usage(event) => Event::Usage(usage(event)),
            Event::Billing(event) => Event::Billing(billing(event)),
            Event::Cost(cost) => Event::Cost(Cost { category: cost.category, amount: cost.amount, segment: maybe(cost.segment) }),
            Event::Support(event) => Event::Support(ticket(event)),
            Event::Feedback(event) => Event::Feedback(feedback(event)),
            Event::Profile(event) => Event::Profile(Box::new(profile(*event))),
        };
        Record {
            account: maybe(self.account),
            account_system: maybe(self.account_system),
            id: maybe(self.id),
            type_name: self.type_name,
            occurred_at: self.occurred_at,
            payload_time: self.payload_time,
            cut_text: self.cut_text,
            unexpanded_discount: self.unexpanded_discount,
            event,
        }
    }
}

fn text(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

fn maybe(given: Option<Cow<'_, str>>) -> Option<Cow<'static, str>> {
    given.map(text)
}

fn usage(event: UsageEvent<'_>) -> UsageEvent<'static> {
    let kind = match event.kind {
        UsageKind::Feature { feature, count } => UsageKind::Feature { feature: text(feature), count },
        UsageKind::SessionEnded { duration_ns } => UsageKind::SessionEnded { duration_ns },
        UsageKind::Identified => UsageKind::Identified,
    };
    UsageEvent { user_id: maybe(event.user_id), anonymous_id: maybe(event.anonymous_id), kind }
}

fn billing(event: BillingEvent<'_>) -> BillingEvent<'static> {
    let invoice = |invoice: Invoice<'_>| Invoice { invoice_id: text(invoice.invoice_id), amount: invoice.amount };
    match event {
        BillingEvent::Subscription(snapshot) => BillingEvent::Subscription(Box::new(subscription(*snapshot))),
        BillingEvent::InvoicePaid(paid) => BillingEvent::InvoicePaid(invoice(paid)),
        BillingEvent::InvoicePaymentFailed(failed) => BillingEvent::InvoicePaymentFailed(invoice(failed)),
    }
}

fn subscription(snapshot: SubscriptionSnapshot<'_>) -> SubscriptionSnapshot<'static> {
    SubscriptionSnapshot {
        subscription_id: text(snapshot.subscription_id),
        status: snapshot.status,
        items: snapshot.items,
        discounts: snapshot.discounts,
        trial_end: snapshot.trial_end,
        current_period_start: snapshot.current_period_start,
        current_period_end: snapshot.current_period_end,
        cancel_at_period_end: snapshot.cancel_at_period_end,
        cancel_at: snapshot.cancel_at,
        canceled_at: snapshot.canceled_at,
        started_at: snapshot.started_at,
        term_end: snapshot.term_end,
        reason: maybe(snapshot.reason),
        version: snapshot.version,
    }
}

fn ticket(event: TicketEvent<'_>) -> TicketEvent<'static> {
    let kind = match event.kind {
        TicketKind::Opened => TicketKind::Opened,
        TicketKind::Reopened => TicketKind::Reopened,
        TicketKind::StatusChanged(status) => TicketKind::StatusChanged(status),
        TicketKind::PriorityChanged => TicketKind::PriorityChanged,
        TicketKind::Assigned => TicketKind::Assigned,
        TicketKind::Replied { by, public } => TicketKind::Replied { by, public },
        TicketKind::Resolved => TicketKind::Resolved,
        TicketKind::Closed => TicketKind::Closed,
        TicketKind::Rated(score) => TicketKind::Rated(score),
        TicketKind::Snapshot(snapshot) => TicketKind::Snapshot(snapshot),
        TicketKind::Moved => TicketKind::Moved,
        TicketKind::Merged(into) => TicketKind::Merged(text(into)),
        TicketKind::Deleted => TicketKind::Deleted,
    };
    TicketEvent {
        ticket_id: text(event.ticket_id),
        kind,
        priority: event.priority,
        category: maybe(event.category),
        product: maybe(event.product),
        channel: maybe(event.channel),
        team: maybe(event.team),
    }
}

fn feedback(event: FeedbackEvent<'_>) -> FeedbackEvent<'static> {
    let kind = match event.kind {
        FeedbackKind::Nps(points) => FeedbackKind::Nps(points),
        FeedbackKind::Csat(place) => FeedbackKind::Csat(place),
        FeedbackKind::Ces(place) => FeedbackKind::Ces(place),
        FeedbackKind::SurveySent(kind) => FeedbackKind::SurveySent(text(kind)),
        FeedbackKind::Referral => FeedbackKind::Referral,
        FeedbackKind::Advocacy(kind) => FeedbackKind::Advocacy(text(kind)),
        FeedbackKind::OverrideSet { value, until, reason, by } => {
            FeedbackKind::OverrideSet { value, until, reason: text(reason), by: text(by) }
        }
        FeedbackKind::OverrideCleared => FeedbackKind::OverrideCleared,
    };
    FeedbackEvent { kind, theme: maybe(event.theme) }
}

fn profile(profile: AccountProfile<'_>) -> AccountProfile<'static> {
    AccountProfile {
        name: maybe(profile.name),
        segment: maybe(profile.segment),
        plan: maybe(profile.plan),
        csm: maybe(profile.csm),
        region: maybe(profile.region),
        entitled_features: profile.entitled_features.into_iter().map(text).collect(),
        aliases: profile.aliases.into_iter().map(|(system, id)| (text(system), text(id))).collect(),
        referred_by: maybe(profile.referred_by),
        acquired_through: maybe(profile.acquired_through),
        seats: profile.seats,
        signed_up_at: profile.signed_up_at,
        onboarded_at: profile.onboarded_at,
        merge: profile.merge,
        deleted: profile.deleted,
    }
}
