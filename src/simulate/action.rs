//! What an account can do: the actions on an agenda, each of which becomes one record.

use crate::time::Timestamp;

/// An action; each becomes one record.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    /// The profile is published.
    Profile,
    /// The number of seats changes: a new profile, and a new subscription snapshot a moment later.
    Seats(u32),
    /// Product use.
    Usage(UsageAct),
    /// A change of the subscription, or an invoice.
    Billing(BillingAct),
    /// A step in the life of a ticket.
    Support(TicketAct),
    /// A survey, an answer, a referral or an override.
    Feedback(FeedbackAct),
}

/// A usage event.
#[derive(Clone, Copy, Debug)]
pub enum UsageAct {
    /// `feature_used`.
    Feature {
        /// The user's number.
        user: u32,
        /// The session's number.
        session: u32,
        /// Index into the list of features.
        feature: u32,
        /// Number of uses.
        count: u32,
    },
    /// `session_ended`.
    SessionEnded {
        /// The user's number.
        user: u32,
        /// The session's number.
        session: u32,
        /// Length.
        seconds: u32,
    },
}

/// A billing event.
#[derive(Clone, Copy, Debug)]
pub enum BillingAct {
    /// The subscription changes; the record is a full snapshot.
    Change(SubscriptionChange),
    /// An invoice is paid.
    Paid(u32),
    /// Payment of an invoice fails.
    Failed(u32),
}

/// A change of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionChange {
    /// It is first seen, already active.
    Seen,
    /// A trial begins.
    Trial,
    /// The trial becomes a paid subscription.
    Converted,
    /// The next period begins.
    Renewed,
    /// The number of seats changed.
    Seats,
    /// A payment failed.
    PastDue,
    /// The overdue payment arrived.
    Recovered,
    /// It will end with the current period.
    CancelScheduled,
    /// It ends.
    Ended,
}

/// A step in the life of a ticket.
#[derive(Clone, Copy, Debug)]
pub struct TicketAct {
    pub ticket: u32,
    pub step: TicketStep,
    pub priority: &'static str,
    pub category: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub enum TicketStep {
    Opened { user: u32 },
    Assigned { team: &'static str },
    Replied { by: &'static str },
    Status(&'static str),
    Raised,
    Resolved,
    Reopened,
    Closed,
    Rated(u32),
}

/// A feedback event.
#[derive(Clone, Copy, Debug)]
pub struct FeedbackAct {
    pub user: u32,
    pub kind: FeedbackAction,
}

#[derive(Clone, Copy, Debug)]
pub enum FeedbackAction {
    Sent(&'static str),
    Nps(u32),
    Csat(u32),
    Ces(u32),
    Referral,
    Advocacy(&'static str),
    Override { until: Timestamp },
}
