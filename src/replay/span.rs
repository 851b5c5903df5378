//! Where a line is in its block.

/// The bytes of a line, without its end of line, in a block below 4 GiB.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// Offset of its first byte.
    pub start: u32,
    /// Length in bytes.
    pub length: u32,
}
