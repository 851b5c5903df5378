//! Why a record is rejected: a code from a closed set, and a reason without payload data.

use std::borrow::Cow;

/// The closed set of dead-letter codes, used as header and label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// Larger than `limits.record_bytes`.
    TooLarge,
    /// Not valid UTF-8.
    InvalidUtf8,
    /// Nested deeper than 128.
    TooDeep,
    /// Not valid JSON.
    InvalidJson,
    /// A field, or the whole value, has the wrong type.
    WrongType,
    /// A required field is missing, null or empty.
    MissingField,
    /// A value outside its range or not in its set.
    OutOfRange,
    /// A currency without a rate.
    UnknownCurrency,
    /// Further in the future than `time.max_future_hours` allows.
    FutureTime,
    /// Framed for a schema registry that has no usable schema with the id.
    UnknownSchema,
    /// Framed for a schema registry, and not written with the schema that it names.
    SchemaMismatch,
    /// An alias that no account declares.
    UnknownAccount,
    /// The account hashes to a different partition.
    WrongPartition,
    /// A new account beyond `limits.accounts`.
    TooManyAccounts,
    /// An alias beyond `limits.aliases`.
    TooManyAliases,
    /// A collection is full, and no entry may be evicted.
    LimitReached,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 16] = [
        Self::TooLarge,
        Self::InvalidUtf8,
        Self::TooDeep,
        Self::InvalidJson,
        Self::WrongType,
        Self::MissingField,
        Self::OutOfRange,
        Self::UnknownCurrency,
        Self::FutureTime,
        Self::UnknownSchema,
        Self::SchemaMismatch,
        Self::UnknownAccount,
        Self::WrongPartition,
        Self::TooManyAccounts,
        Self::TooManyAliases,
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
            Self::UnknownSchema => "unknown_schema",
            Self::SchemaMismatch => "schema_mismatch",
            Self::UnknownAccount => "unknown_account",
            Self::WrongPartition => "wrong_partition",
            Self::TooManyAccounts => "too_many_accounts",
            Self::TooManyAliases => "too_many_aliases",
            Self::LimitReached => "limit_reached",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::TooLarge => "send smaller records, or raise limits.record_bytes",
            Self::InvalidUtf8 | Self::InvalidJson => "send one JSON object per record, in UTF-8",
            Self::TooDeep => "send the event without the nested data",
            Self::WrongType | Self::MissingField | Self::OutOfRange => "correct the named field where the event is produced",
            Self::UnknownCurrency => "add a rate for the currency to money.rates",
            Self::FutureTime => "correct the producer's clock, or raise time.max_future_hours",
            Self::UnknownSchema => "register the schema, or point [schema_registry] at the registry that the producer uses",
            Self::SchemaMismatch => "write the record with the schema whose id it carries",
            Self::UnknownAccount => "declare the id in the aliases of its account, on the accounts topic",
            Self::WrongPartition => "key every record by its account, with one partitioner for all topics",
            Self::TooManyAccounts => "raise limits.accounts, or start more instances",
            Self::TooManyAliases => "raise limits.aliases, restart, and redrive unknown_account, which includes these",
            Self::LimitReached => "correct the times of these records, which lie ahead of the clock",
        }
    }

    /// Index into arrays with one entry per code.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A record rejected as a dead letter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", code.name())]
pub struct Rejection {
    /// The code.
    pub code: Code,
    /// What is wrong, and where. Names fields but never values, as reasons go to headers and logs.
    pub reason: Cow<'static, str>,
}

impl Rejection {
    /// A rejection with this code and reason.
    #[must_use]
    pub fn new(code: Code, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { code, reason: reason.into() }
    }

    /// End of the reason for an event time before `time.earliest`.
    pub(super) const TOO_EARLY: &'static str = "is before time.earliest";

    /// What to do about it: usually the remedy of the code, but an old history is not a fault of its producer.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        if self.code == Code::OutOfRange && self.reason.ends_with(Self::TOO_EARLY) {
            return "if events are that old, set time.earliest to a date before them (--set time.earliest=1990-01-01); else correct their times";
        }
        self.code.remedy()
    }
}
