//! What the group has assigned to a thread.

use std::collections::{BTreeMap, BTreeSet};

/// As whom a thread commits offsets: brokers refuse those of a member that the group has replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The generation of the group.
    pub generation: i32,
    /// The id that the group has given the member.
    pub member: String,
}

/// The tasks assigned to one thread.
#[derive(Default)]
pub(in crate::stream) struct Assignment {
    /// Tasks that have their partition of every input topic.
    pub tasks: Vec<i32>,
    /// Tasks that lack a topic, with the names of the missing ones.
    pub incomplete: Vec<(i32, String)>,
    /// Sent with every commit. `None`: nothing may be processed until the next assignment.
    pub membership: Option<Membership>,
}

impl Assignment {
    /// Groups partitions by task; a task needs its partition of every input.
    pub(super) fn of(partitions: Vec<(String, i32)>, inputs: &[&str], membership: Option<Membership>) -> Self {
        let mut topics: BTreeMap<i32, BTreeSet<String>> = BTreeMap::new();
        for (topic, partition) in partitions {
            topics.entry(partition).or_default().insert(topic);
        }
        let mut assignment = Self { membership, ..Self::default() };
        for (task, topics) in topics {
            let missing: Vec<&str> = inputs.iter().copied().filter(|name| !topics.contains(*name)).collect();
            if missing.is_empty() {
                assignment.tasks.push(task);
            } else {
                assignment.incomplete.push((task, missing.join(", ")));
            }
        }
        assignment
    }

    /// Whether every task can run.
    pub(super) const fn is_complete(&self) -> bool {
        self.membership.is_some() && self.incomplete.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_without_a_membership_is_not_complete() {
        let assignment = Assignment::of(vec![("usage".to_owned(), 4)], &["usage"], None);
        assert_eq!((assignment.tasks.as_slice(), assignment.incomplete.len()), (&[4][..], 0));
        assert!(!assignment.is_complete());
    }

    #[test]
    fn a_task_without_all_of_its_topics_is_incomplete() {
        let partitions = [("usage", 0), ("billing", 0), ("usage", 1)].map(|(topic, partition)| (topic.to_owned(), partition));
        let assignment = Assignment::of(partitions.to_vec(), &["billing", "usage"], None);
        assert_eq!((assignment.tasks.as_slice(), assignment.incomplete.as_slice()), (&[0][..], &[(1, "billing".to_owned())][..]));
        assert!(!assignment.is_complete());
    }
}
