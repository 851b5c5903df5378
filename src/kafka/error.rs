//! Errors of Kafka calls that are not worth repeating.

/// Why a client could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The broker or the client refused a call, or did not answer within its time limit.
    #[error("{doing}: {error}")]
    Call {
        /// What the client was doing.
        doing: String,
        /// The client's message.
        error: String,
    },
    /// The principal lacks a right.
    #[error("{resource} {name}: {operation} is not allowed")]
    NotAllowed {
        /// `topic`, `group` or `transactional id`.
        resource: &'static str,
        /// Its name.
        name: String,
        /// The missing operation, as Kafka's tools spell it.
        operation: &'static str,
    },
}

impl Error {
    /// A call that failed while the client was `doing` something.
    pub(crate) fn call(doing: impl Into<String>, error: &impl ToString) -> Self {
        Self::Call { doing: doing.into(), error: error.to_string() }
    }
}
