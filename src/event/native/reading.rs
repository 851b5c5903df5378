//! What the values of one record share while it is decoded.

use std::cell::Cell;

use super::context::DecodeContext;

/// The decoding of one record.
pub(super) struct Reading<'c> {
    pub(super) context: &'c DecodeContext,
    /// Whether any text was cut at `limits.text_bytes`.
    pub(super) cut_text: Cell<bool>,
}

impl<'c> Reading<'c> {
    pub(super) const fn new(context: &'c DecodeContext) -> Self {
        Self { context, cut_text: Cell::new(false) }
    }
}
