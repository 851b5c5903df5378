//! What is committed for a task.

/// What was last committed for one task. Equal commit points mean equal state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitPoint {
    /// The group's offset of each input, in the order of [`crate::stream::inputs::Inputs::topics`].
    pub group: Vec<Option<i64>>,
    /// The offset after the changelog's last record, control records included.
    pub changelog_end: i64,
}
