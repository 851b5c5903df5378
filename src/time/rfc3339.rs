//! Instants as RFC 3339 text in UTC, in the shapes that serde's `serialize_with` expects.

use serde::Serializer;

use super::Timestamp;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serialize_with passes a reference")]
pub(crate) fn rfc3339<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

#[expect(clippy::ref_option, reason = "serialize_with passes a reference")]
pub(crate) fn rfc3339_or_null<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => serializer.collect_str(at),
        None => serializer.serialize_none(),
    }
}
