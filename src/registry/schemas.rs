//! The schemas that a thread has met, and what becomes of a framed value.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::client::{Client, Lookup, Unavailable};
use super::schema::Schema;
use crate::clock::{Deadline, monotonic};
use crate::config::section::SchemaRegistry;
use crate::event::{Code, Rejection, framed, is_json_object};

/// A schema id that the registry does not know, or whose schema cannot be used, is asked for again after this.
const RETRY: Duration = Duration::from_mins(1);
/// Most schemas kept: producers that register a schema per record would otherwise fill the memory.
const SCHEMAS_MAX: usize = 10_000;

/// A value as the formats read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read<'a> {
    /// The value is not framed.
    Plain(&'a [u8]),
    /// JSON made of a framed value.
    Json(&'a [u8]),
    /// The value cannot be read.
    Rejected(Rejection),
}

/// The schemas of one thread.
pub struct Schemas {
    client: Client,
    known: HashMap<u32, Known>,
    json: Vec<u8>,
}

enum Known {
    Schema(Schema),
    Rejected { rejection: Rejection, at: Instant },
}

impl Schemas {
    /// No schemas yet.
    ///
    /// # Errors
    /// If the access cannot be used.
    pub fn new(access: &SchemaRegistry) -> Result<Self, Unavailable> {
        Ok(Self { client: Client::new(access)?, known: HashMap::new(), json: Vec::new() })
    }

    /// Asks the registry whether it answers.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub fn probe(&self) -> Result<(), Unavailable> {
        self.client.probe()
    }

    /// The value as the formats read it. Asks the registry for a schema that is not known yet, and asks again while it is silent, for
    /// `limit` at most; `pause` waits between two attempts and tells whether to go on.
    ///
    /// # Errors
    /// If the registry cannot be asked. The value is not read then.
    pub fn read<'a>(&'a mut self, value: &'a [u8], limit: Duration, mut pause: impl FnMut() -> bool) -> Result<Read<'a>, Unavailable> {
        let Some((id, payload)) = framed(value).filter(|(_, payload)| !is_json_object(payload)) else { return Ok(Read::Plain(value)) };
        let deadline = Deadline::after(limit);
        let mut is_warned = false;
        while let Err(unavailable) = self.learn(id, monotonic()) {
            if matches!(unavailable, Unavailable::Refused(_)) || deadline.passed() || !pause() {
                return Err(unavailable);
            }
            if !is_warned {
                tracing::warn!(schema = id, error = %unavailable, "waiting for the schema registry");
                is_warned = true;
            }
        }
        Ok(match self.known.get(&id) {
            None => Read::Plain(value),
            Some(Known::Rejected { rejection, .. }) => Read::Rejected(rejection.clone()),
            Some(Known::Schema(schema)) => {
                self.json.clear();
                match schema.write_json(payload, &mut self.json) {
                    Ok(()) => Read::Json(&self.json),
                    Err(reason) => Read::Rejected(Rejection::new(Code::SchemaMismatch, format!("schema {id}: {reason}"))),
                }
            }
        })
    }

    fn learn(&mut self, id: u32, now: Instant) -> Result<(), Unavailable> {
        match self.known.get(&id) {
            Some(Known::Schema(_)) => return Ok(()),
            Some(Known::Rejected { at, .. }) if now.saturating_duration_since(*at) < RETRY => return Ok(()),
            _ => {}
        }
        let rejected = |reason: String| Known::Rejected { rejection: Rejection::new(Code::UnknownSchema, reason), at: now };
        let known = match self.client.schema(id) {
            Ok(source) => match Schema::compile(&source) {
                Ok(schema) => Known::Schema(schema),
                Err(reason) => rejected(format!("schema {id} cannot be used: {reason}")),
            },
            Err(Lookup::Unknown) => rejected(format!("the schema registry has no schema {id}")),
            Err(Lookup::Unusable(reason)) => rejected(format!("schema {id} cannot be used: {reason}")),
            Err(Lookup::Unavailable(unavailable)) => return Err(unavailable),
        };
        if self.known.len() >= SCHEMAS_MAX {
            self.known.clear();
        }
        self.known.insert(id, known);
        Ok(())
    }
}
