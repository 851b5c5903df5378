//! Records under the name of another system become records of their account.

use std::borrow::Cow;

use super::Aliases;
use crate::event::{Code, Decoded, Record, Rejection};

impl Aliases {
    /// The record under its account's own id.
    ///
    /// # Errors
    /// `unknown_account` if it names its account by an alias that nobody has declared.
    pub fn resolve<'a>(&self, mut record: Record<'a>) -> Result<Record<'a>, Rejection> {
        if let (Some(system), Some(id)) = (record.account_system.take(), record.account.as_deref()) {
            let account = self.account(&system, id).ok_or_else(|| unknown(&system))?.to_owned();
            record.account = Some(Cow::Owned(account));
        }
        Ok(record)
    }

    /// All events of a record, each under its account's own id.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub fn resolve_all<'a>(&self, decoded: Decoded<'a>) -> Result<Decoded<'a>, Rejection> {
        Ok(match decoded {
            Decoded::Record(record) => Decoded::Record(self.resolve(record)?),
            Decoded::Records(records) => {
                Decoded::Records(records.into_iter().map(|record| self.resolve(record)).collect::<Result<_, _>>()?)
            }
            Decoded::Ignored => Decoded::Ignored,
        })
    }
}

fn unknown(system: &str) -> Rejection {
    Rejection::new(Code::UnknownAccount, format!("no account declares this id of {system} in its aliases"))
}
