//! The five input streams, and one value per stream.

/// The five input streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Feature use and sessions.
    Usage,
    /// Subscriptions, invoices, costs.
    Billing,
    /// The ticket lifecycle.
    Support,
    /// Survey answers, referrals, health overrides.
    Feedback,
    /// Account profiles.
    Accounts,
}

impl Stream {
    /// All streams, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Usage, Self::Billing, Self::Support, Self::Feedback, Self::Accounts];

    /// The name in configuration, labels and outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Billing => "billing",
            Self::Support => "support",
            Self::Feedback => "feedback",
            Self::Accounts => "accounts",
        }
    }
}

/// One value per stream, in the order of [`Stream::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PerStream<T>(pub [T; 5]);

impl<T> PerStream<T> {
    /// A value for each stream.
    #[must_use]
    pub fn from_fn(value: impl FnMut(Stream) -> T) -> Self {
        Self(Stream::ALL.map(value))
    }

    /// The value of one stream.
    #[must_use]
    pub const fn of(&self, stream: Stream) -> &T {
        let [usage, billing, support, feedback, accounts] = &self.0;
        match stream {
            Stream::Usage => usage,
            Stream::Billing => billing,
            Stream::Support => support,
            Stream::Feedback => feedback,
            Stream::Accounts => accounts,
        }
    }

    /// The value of one stream, mutable.
    #[must_use]
    pub const fn of_mut(&mut self, stream: Stream) -> &mut T {
        let [usage, billing, support, feedback, accounts] = &mut self.0;
        match stream {
            Stream::Usage => usage,
            Stream::Billing => billing,
            Stream::Support => support,
            Stream::Feedback => feedback,
            Stream::Accounts => accounts,
        }
    }

    /// Each stream with its value.
    pub fn iter(&self) -> impl Iterator<Item = (Stream, &T)> {
        Stream::ALL.into_iter().zip(&self.0)
    }

    /// Each stream with its value, mutable.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Stream, &mut T)> {
        Stream::ALL.into_iter().zip(&mut self.0)
    }
}
