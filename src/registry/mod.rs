//! Values that a schema registry describes: Avro, Protobuf and JSON behind a zero byte and a schema id.
//!
//! A framed value becomes the JSON that the formats of `event` read. Each thread keeps the schemas that it has met; a schema never changes
//! under its id, so nothing expires. A registry that does not answer is waited for: it is no fault of the record.

mod avro;
mod client;
mod protobuf;
mod schema;
mod schemas;
mod source;

pub use client::Unavailable;
pub use schemas::{Read, Schemas};

/// Bytes as JSON text.
fn base64(bytes: &[u8]) -> base64::display::Base64Display<'_, 'static, base64::engine::GeneralPurpose> {
    base64::display::Base64Display::new(bytes, &base64::engine::general_purpose::STANDARD)
}
