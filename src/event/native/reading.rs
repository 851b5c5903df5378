//! State shared by the values of one record while it is decoded.

use std::cell::Cell;

use super::context::DecodeContext;

pub(in crate::event) struct Reading<'c> {
    pub(in crate::event) context: &'c DecodeContext,
    /// Whether any text was truncated at `limits.text_bytes`.
    pub(in crate::event) cut_text: Cell<bool>,
    /// Whether a discount was left out because the payload holds only its id.
    pub(in crate::event) unexpanded_discount: Cell<bool>,
    /// Whether the payload contains any escape, as far as that is known.
    pub(in crate::event) has_escapes: Cell<bool>,
}

impl<'c> Reading<'c> {
    pub(in crate::event) const fn new(context: &'c DecodeContext) -> Self {
        Self { context, cut_text: Cell::new(false), unexpanded_discount: Cell::new(false), has_escapes: Cell::new(true) }
    }
}
