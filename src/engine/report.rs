//! The full report of one account, as the HTTP API returns it.

/// One account as a JSON object that is never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountReport(pub Vec<u8>);

impl AccountReport {
    /// Adds the account's recent changes, each one JSON, as `recent_changes`.
    #[must_use]
    pub fn with_recent_changes(mut self, changes: &[Vec<u8>]) -> Self {
        // The last byte closes the object.
        self.0.pop();
        self.0.extend_from_slice(b",\"recent_changes\":[");
        self.0.extend_from_slice(&changes.join(&b','));
        self.0.extend_from_slice(b"]}");
        self
    }
}
