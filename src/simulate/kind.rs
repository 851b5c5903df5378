//! The kinds of accounts, and how each differs in what it hides.

use super::random::Random;

/// The share of each kind, in the order of [`Kind::ALL`].
pub type Mix = [u32; Kind::ALL.len()];

/// The kind of story that an account follows. A few of every kind leave without any sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Steady use, few tickets.
    Healthy,
    /// More users every month, buys seats.
    Growing,
    /// Use falls slowly over two months; recovers or leaves.
    Slipping,
    /// Use stops within a week; recovers or leaves.
    Silent,
    /// Urgent tickets, slow replies, poor ratings; recovers or leaves.
    Angry,
    /// Use falls fast and payments fail; usually leaves.
    Churning,
    /// Starts a trial during the run; may or may not buy.
    Trial,
    /// Use swings with the season.
    Seasonal,
    /// Use stops early in the run, and comes back after some weeks; such an account never leaves because of it.
    Returning,
}

impl Kind {
    /// All kinds, in the order of [`Options::mix`](super::Options::mix).
    pub const ALL: [Self; 9] = [
        Self::Healthy,
        Self::Growing,
        Self::Slipping,
        Self::Silent,
        Self::Angry,
        Self::Churning,
        Self::Trial,
        Self::Seasonal,
        Self::Returning,
    ];

    /// The name in labels and options.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Growing => "growing",
            Self::Slipping => "slipping",
            Self::Silent => "silent",
            Self::Angry => "angry",
            Self::Churning => "churning",
            Self::Trial => "trial",
            Self::Seasonal => "seasonal",
            Self::Returning => "returning",
        }
    }

    /// Default share of accounts, in percent.
    #[must_use]
    pub const fn default_share(self) -> u32 {
        match self {
            Self::Healthy => 42,
            Self::Growing => 16,
            Self::Slipping => 9,
            Self::Silent | Self::Angry | Self::Churning => 7,
            Self::Trial | Self::Seasonal => 6,
            Self::Returning => 0,
        }
    }

    /// Draws a kind by the shares in `mix`; healthy if all are 0.
    pub fn draw(mix: &Mix, random: &mut Random) -> Self {
        let total: u32 = mix.iter().sum();
        let mut place = random.between(0, i64::from(total) - 1);
        for (kind, share) in Self::ALL.into_iter().zip(mix) {
            place -= i64::from(*share);
            if place < 0 {
                return kind;
            }
        }
        Self::Healthy
    }

    /// Whether an account of this kind declines. Until it does, one cannot tell it from a healthy account of the same fit.
    pub const fn declines(self) -> bool {
        matches!(self, Self::Slipping | Self::Silent | Self::Angry | Self::Churning | Self::Returning)
    }

    /// Whether its decline always ends well.
    pub const fn always_recovers(self) -> bool {
        matches!(self, Self::Returning)
    }

    /// The probabilities of a mild, a moderate and a severe decline.
    pub const fn depths(self) -> [f64; 3] {
        match self {
            Self::Slipping => [0.4, 0.4, 0.2],
            Self::Silent => [0.2, 0.4, 0.4],
            Self::Angry => [0.4, 0.35, 0.25],
            _ => [0.0, 0.2, 0.8],
        }
    }

    /// The probability that the product does not quite fit the account: fewer of its seats are used, and it is less content from the start.
    pub const fn poor_fit(self) -> f64 {
        match self {
            Self::Slipping | Self::Silent | Self::Angry | Self::Churning | Self::Returning => 0.85,
            Self::Healthy => 0.15,
            Self::Growing | Self::Trial | Self::Seasonal => 0.0,
        }
    }

    /// The probability that an account that decides to leave stops paying instead of cancelling.
    pub const fn stops_paying(self) -> f64 {
        match self {
            Self::Churning => 0.35,
            _ => 0.1,
        }
    }
}
