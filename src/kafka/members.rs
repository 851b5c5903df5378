//! Who else is in the consumer group, for users looking for an account that another instance holds.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::Error;
use super::inspector::Inspector;
use super::properties::Properties;
use crate::clock::monotonic;

/// How long a list of members is reused.
const MAX_AGE: Duration = Duration::from_secs(30);

/// The members of a group, cached for [`MAX_AGE`], because every request for an account held elsewhere needs them.
pub struct Members {
    inspector: Inspector,
    group: String,
    known: Mutex<Option<(Instant, Vec<String>)>>,
}

impl Members {
    /// Prepares a lookup of the members of `group` without contacting a broker.
    ///
    /// # Errors
    /// If librdkafka refuses the properties.
    pub fn new(properties: &Properties, group: &str) -> Result<Self, Error> {
        let inspector = Inspector::new(properties)?;
        Ok(Self { inspector, group: group.to_owned(), known: Mutex::new(None) })
    }

    /// Client id and host of each member, sorted; empty if the broker does not answer.
    #[must_use]
    pub fn list(&self) -> Vec<String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, members)) = &*known
            && at.elapsed() < MAX_AGE
        {
            return members.clone();
        }
        let mut members = self.inspector.members(&self.group).unwrap_or_default();
        members.sort_unstable();
        *known = Some((monotonic(), members.clone()));
        members
    }
}

impl std::fmt::Debug for Members {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Members").field("group", &self.group).finish_non_exhaustive()
    }
}
