//! The values of records, read through the schema registry where there is one.

use std::time::Duration;

use super::failure::Failure;
pub(super) use super::read_record::ReadRecord;
use crate::config::section::SchemaRegistry;
use crate::kafka::{Record, wait};
use crate::registry::{Read, Schemas};

/// Reads the values of one thread.
pub(super) struct Values {
    schemas: Option<Schemas>,
    limit: Duration,
}

impl Values {
    /// `limit`: how long a registry may be silent.
    ///
    /// # Errors
    /// If the registry's certificates cannot be used.
    pub(super) fn new(registry: &SchemaRegistry, limit: Duration) -> Result<Self, Failure> {
        let schemas = if registry.is_set() { Some(Schemas::new(registry)?) } else { None };
        Ok(Self { schemas, limit })
    }

    /// Whether the registry answers, if there is one.
    ///
    /// # Errors
    /// If it does not.
    pub(super) fn probe(&self) -> Result<(), Failure> {
        Ok(self.schemas.as_ref().map_or(Ok(()), Schemas::probe)?)
    }

    /// Reads the value of a record. `step` is called before each further attempt to reach the registry, and tells whether to go on; if not, the
    /// answer is `None`.
    ///
    /// # Errors
    /// If the registry cannot be asked.
    pub(super) fn read<'a>(&'a mut self, record: Record<'a>, mut step: impl FnMut() -> bool) -> Result<Option<ReadRecord<'a>>, Failure> {
        let (Some(schemas), Some(value)) = (&mut self.schemas, record.value) else {
            return Ok(Some(ReadRecord { record, value: Ok(record.value) }));
        };
        let mut is_over = false;
        let pause = || {
            std::thread::sleep(wait::STEP);
            is_over = !step();
            !is_over
        };
        let value = match schemas.read(value, self.limit, pause) {
            Ok(Read::Plain(value) | Read::Json(value)) => Ok(Some(value)),
            Ok(Read::Rejected(rejection)) => Err(rejection),
            Err(_) if is_over => return Ok(None),
            Err(unavailable) => return Err(unavailable.into()),
        };
        Ok(Some(ReadRecord { record, value }))
    }
}
