//! An event type of the contract: its name in `type`, and how its fields are read.

use super::fields::Fields;
use crate::event::{Event, Rejection};

/// Reads the fields of one event type.
type Read = for<'a> fn(&Fields<'a, '_>) -> Result<Event<'a>, Rejection>;

/// An event type of the contract.
pub(super) struct EventType {
    /// The name in `type`.
    pub(super) name: &'static str,
    /// Whether it belongs to an account.
    pub(super) of_account: bool,
    /// Reads its fields, in the order of the contract.
    pub(super) read: Read,
}

impl EventType {
    pub(super) const fn new(name: &'static str, read: Read) -> Self {
        Self { name, of_account: true, read }
    }

    pub(super) const fn without_account(name: &'static str, read: Read) -> Self {
        Self { name, of_account: false, read }
    }
}
