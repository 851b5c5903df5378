//! Why a record cannot be applied: a code from a closed set, and a reason that contains nothing of the payload.

use std::borrow::Cow;

/// The closed set of dead-letter codes. Used as header and as label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// Larger than `limits.record_bytes`.
    TooLarge,
    /// Bytes that are not UTF-8.
    InvalidUtf8,
    /// Nested deeper than 128.
    TooDeep,
    /// Not valid JSON.
    InvalidJson,
    /// A field, or the whole value, of a type other than the contract's.
    WrongType,
    /// A required field is missing, null or empty.
    MissingField,
    /// A value outside its range or its set of values.
    OutOfRange,
    /// A currency without a rate.
    UnknownCurrency,
    /// Further ahead of its reference time than `time.max_future_hours`.
    FutureTime,
    /// An alias that no account declares.
    UnknownAccount,
    /// The account hashes to a different partition.
    WrongPartition,
    /// A new account beyond `limits.accounts`.
    TooManyAccounts,
    /// A collection is full and nothing in it may be dropped.
    LimitReached,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 13] = [
        Self::TooLarge,
        Self::InvalidUtf8,
        Self::TooDeep,
        Self::InvalidJson,
        Self::WrongType,
        Self::MissingField,
        Self::OutOfRange,
        Self::UnknownCurrency,
        Self::FutureTime,
        Self::UnknownAccount,
        Self::WrongPartition,
        Self::TooManyAccounts,
        Self::LimitReached,
    ];

    /// The code in headers, labels and counts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::TooDeep => "too_deep",
            Self::InvalidJson => "invalid_json",
            Self::WrongType => "wrong_type",
            Self::MissingField => "missing_field",
            Self::OutOfRange => "out_of_range",
            Self::UnknownCurrency => "unknown_currency",
            Self::FutureTime => "future_time",
            Self::UnknownAccount => "unknown_account",
            Self::WrongPartition => "wrong_partition",
            Self::TooManyAccounts => "too_many_accounts",
            Self::LimitReached => "limit_reached",
        }
    }

    /// Index into arrays with one entry per code.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A record that ends as a dead letter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", code.name())]
pub struct Rejection {
    /// The code.
    pub code: Code,
    /// What is wrong and where. Names fields, never values: reasons reach headers and logs.
    pub reason: Cow<'static, str>,
}

impl Rejection {
    /// A rejection with this code and reason.
    #[must_use]
    pub fn new(code: Code, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { code, reason: reason.into() }
    }
}
