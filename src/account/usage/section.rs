//! Usage as changelog records: everything in one, and the users in parts of their own where they are many.

use super::State;
use super::actors::User;
use crate::account::section::{CodecError, Section, decode, encode};

/// The format of all parts.
const VERSION: u8 = 1;
/// Users of one part: 30 bytes each at most.
const USERS_A_PART: usize = 8_000;
/// Users up to this many travel with the rest.
const USERS_TOGETHER: usize = 1_000;

const WHOLE: u16 = 0;
const FIRST_OF_USERS: u16 = 1;

impl Section for State {
    fn parts(&self) -> Vec<(u16, Vec<u8>)> {
        if *self == Self::default() {
            return Vec::new();
        }
        if self.users.len() <= USERS_TOGETHER {
            return vec![(WHOLE, encode(VERSION, self))];
        }
        let rest = Self { users: Vec::new(), ..self.clone() };
        let users = self.users.chunks(USERS_A_PART).map(|users| encode(VERSION, &users));
        (WHOLE..).zip(std::iter::once(encode(VERSION, &rest)).chain(users)).collect()
    }

    fn restore(&mut self, part: u16, bytes: &[u8]) -> Result<(), CodecError> {
        let mut users = std::mem::take(&mut self.users);
        match part {
            WHOLE => *self = decode(VERSION, bytes)?,
            FIRST_OF_USERS.. => users.extend(decode::<Vec<User>>(VERSION, bytes)?),
        }
        self.users.append(&mut users);
        self.users.sort_unstable_by_key(|user| user.hash);
        Ok(())
    }
}
