//! An event type: its name in `type`, and the function that reads its fields.

use super::fields::Fields;
use crate::event::{Event, Rejection};

/// Reads the fields of one event type.
type Read = for<'a> fn(&Fields<'a, '_>) -> Result<Event<'a>, Rejection>;

pub(super) struct EventType {
    /// The name in `type`.
    pub(super) name: &'static str,
    /// False only for costs, which belong to no account.
    pub(super) of_account: bool,
    /// Reads its fields in the documented order.
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
