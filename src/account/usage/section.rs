//! Usage as changelog records: everything in one, and the users apart where they are many.

use super::State;
use super::actors::User;
use crate::account::section::{CodecError, Section, decode, encode};

/// The format of both parts.
const VERSION: u8 = 1;
/// Users up to this many travel with the rest.
const USERS_TOGETHER: usize = 1_000;

const WHOLE: u16 = 0;
const USERS: u16 = 1;

impl Section for State {
    fn parts(&self) -> Vec<(u16, Vec<u8>)> {
        if *self == Self::default() {
            return Vec::new();
        }
        if self.users.len() <= USERS_TOGETHER {
            return vec![(WHOLE, encode(VERSION, self))];
        }
        let users = encode(VERSION, &self.users);
        let rest = Self { users: Vec::new(), ..self.clone() };
        vec![(WHOLE, encode(VERSION, &rest)), (USERS, users)]
    }

    fn restore(&mut self, part: u16, bytes: &[u8]) -> Result<(), CodecError> {
        match part {
            WHOLE => {
                let users = std::mem::take(&mut self.users);
                *self = decode(VERSION, bytes)?;
                if !users.is_empty() {
                    self.users = users;
                }
                Ok(())
            }
            USERS => {
                let users: Vec<User> = decode(VERSION, bytes)?;
                self.users = users;
                Ok(())
            }
            _ => Err(CodecError::Corrupt("usage has no such part")),
        }
    }
}
