//! Whether another process has taken over the name of a member of the group.
//!
//! A static member whose session has ended joins again by its name alone, and the group then fences whoever has it: a successor, if one was
//! started while this process was suspended or cut off. So it looks first.

use super::failure::Failure;
use super::options::Options;
use crate::fault;
use crate::kafka::{Inspector, Membership};

/// A member with a name, and the client that looks the name up.
pub(super) struct Namesake {
    group: String,
    instance: String,
    inspector: Inspector,
}

impl Namesake {
    /// Contacts no broker. `None` without a name: nobody else can have it.
    ///
    /// # Errors
    /// If librdkafka refuses the properties.
    pub(super) fn of(group: &str, instance: Option<&str>, options: &Options) -> Result<Option<Self>, Failure> {
        let Some(instance) = instance else { return Ok(None) };
        let inspector = Inspector::patient(&options.properties)?;
        Ok(Some(Self { group: group.to_owned(), instance: instance.to_owned(), inspector }))
    }

    /// Fails if the group knows another member by the name of this one. Waits until it can tell, or `step` returns false.
    ///
    /// # Errors
    /// [`Failure::Fenced`].
    pub(super) fn check(&self, own: &Membership, step: impl Fn() -> bool) -> Result<(), Failure> {
        match self.inspector.member_named(&self.group, &self.instance, step) {
            Some(member) if member != own.member && !fault::is_mutant("name-not-looked-up") => Err(Failure::Fenced {
                cause: format!("the session has ended, and the group {} knows another member as {}", self.group, self.instance),
            }),
            _ => Ok(()),
        }
    }
}
