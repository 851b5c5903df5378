//! Errors of Kafka calls that are not worth retrying.

/// Why a call failed.
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
    /// The principal is not authorized.
    #[error("{resource} {name}: {operation} is not allowed")]
    NotAllowed {
        /// `topic`, `group` or `transactional id`.
        resource: &'static str,
        /// Its name.
        name: String,
        /// The missing operation, as Kafka's tools spell it.
        operation: &'static str,
    },
    /// Partitions that have not been read to their ends deliver nothing.
    #[error("{topic} [{partition}]: no records for {seconds} s, and the end has not been reached")]
    Stalled {
        /// The topic.
        topic: String,
        /// The first partition that has not been read to its end.
        partition: i32,
        /// How long the reader waited.
        seconds: u64,
    },
}

impl Error {
    /// A call that failed while the client was `doing` something.
    pub(crate) fn call(doing: impl Into<String>, error: &impl ToString) -> Self {
        Self::Call { doing: doing.into(), error: error.to_string() }
    }

    /// A missing right; the broker's `reason` names the topic or group.
    pub(crate) fn forbidden(doing: &str, reason: &str) -> Self {
        Self::call(doing, &format!("{reason}; `churnwatch check` lists the missing rights"))
    }
}
