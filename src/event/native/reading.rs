//! State shared by the values of one record while it is decoded.

use std::cell::Cell;

use super::context::DecodeContext;

pub(super) struct Reading<'c> {
    pub(super) context: &'c DecodeContext,
    /// Whether any text was truncated at `limits.text_bytes`.
    pub(super) cut_text: Cell<bool>,
}

impl<'c> Reading<'c> {
    pub(super) const fn new(context: &'c DecodeContext) -> Self {
        Self { context, cut_text: Cell::new(false) }
    }
}
