//! The limits of the state, and how often each was reached.

/// A limit that was reached; the label of `churnwatch_limit_reached_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    /// `limits.text_bytes`: text was cut.
    TextBytes,
    /// Discounts of which only the id is known: their subscription counts at list price.
    UnexpandedDiscounts,
    /// `limits.accounts`.
    Accounts,
    /// `limits.users`.
    Users,
    /// Links between ids of a user, as many as `limits.users`.
    UserLinks,
    /// `limits.features`.
    Features,
    /// `limits.ids_per_day`.
    IdsPerDay,
    /// `limits.tickets_open`.
    TicketsOpen,
    /// `limits.tickets_resolved`.
    TicketsResolved,
    /// Facts per ticket.
    TicketFacts,
    /// `limits.subscriptions`.
    Subscriptions,
    /// Snapshots per subscription.
    Snapshots,
    /// Invoices per account.
    Invoices,
    /// `limits.answers`.
    Answers,
    /// Costs per task.
    Costs,
    /// Records waiting for their event time.
    Waiting,
    /// Deleted accounts remembered per task.
    Deletions,
    /// `limits.aliases`.
    Aliases,
}

impl Limit {
    /// Every limit.
    pub const ALL: [Self; 18] = [
        Self::TextBytes,
        Self::UnexpandedDiscounts,
        Self::Accounts,
        Self::Users,
        Self::UserLinks,
        Self::Features,
        Self::IdsPerDay,
        Self::TicketsOpen,
        Self::TicketsResolved,
        Self::TicketFacts,
        Self::Subscriptions,
        Self::Snapshots,
        Self::Invoices,
        Self::Answers,
        Self::Costs,
        Self::Waiting,
        Self::Deletions,
        Self::Aliases,
    ];

    /// The label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TextBytes => "text_bytes",
            Self::UnexpandedDiscounts => "unexpanded_discounts",
            Self::Accounts => "accounts",
            Self::Users => "users",
            Self::UserLinks => "user_links",
            Self::Features => "features",
            Self::IdsPerDay => "ids_per_day",
            Self::TicketsOpen => "tickets_open",
            Self::TicketsResolved => "tickets_resolved",
            Self::TicketFacts => "ticket_facts",
            Self::Subscriptions => "subscriptions",
            Self::Snapshots => "snapshots",
            Self::Invoices => "invoices",
            Self::Answers => "answers",
            Self::Costs => "costs",
            Self::Waiting => "waiting",
            Self::Deletions => "deletions",
            Self::Aliases => "aliases",
        }
    }
}

/// How often each limit was reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitMeter([u64; Limit::ALL.len()]);

impl LimitMeter {
    /// Counts that a limit was reached.
    pub fn reached(&mut self, limit: Limit) {
        if let Some(count) = self.0.get_mut(limit as usize) {
            *count += 1;
        }
    }

    /// The counts, each with its limit.
    pub fn iter(&self) -> impl Iterator<Item = (Limit, u64)> {
        Limit::ALL.into_iter().zip(self.0)
    }
}
