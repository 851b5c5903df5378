use std::sync::Arc;

use super::*;
use crate::clock::monotonic;
use crate::config::Config;
use crate::config::section::Start;
use crate::directory::Directory;
use crate::event::Code;
use crate::settings::Settings;
use crate::stream::Permits;
use crate::stream::inputs::TopicIds;
use crate::stream::machine::offsets::Resolved;

fn empty(number: i32) -> SharedTask {
    SharedTask::new(number, Arc::new(Directory::new(Arc::new(Settings::default()))))
}

/// A task without accounts, which continues its three inputs at offset 7. The third was never committed.
pub(in crate::stream) fn restored_task() -> StreamTask {
    restored_from(empty(1))
}

fn restored_from(shared: SharedTask) -> StreamTask {
    StreamTask::new(Restored { shared, ..restored(1, true) }, monotonic())
}

/// A restored state without accounts, whose three inputs continue at offset 7; `is_new`: the third was never committed.
pub(in crate::stream) fn restored(task: i32, is_new: bool) -> Restored {
    let resolved = [false, false, is_new].map(|must_commit| Resolved { next: 7, must_commit }).to_vec();
    let commit_point = CommitPoint { group: vec![Some(7), Some(7), (!is_new).then_some(7)], changelog_end: 0 };
    let (basis, live_keys) = (Basis::default(), LiveKeys::default());
    Restored { shared: empty(task), resolved, commit_point, record_bytes: 1024, basis, live_keys }
}

impl StreamTask {
    /// Something to commit.
    pub(in crate::stream) fn change(&mut self) {
        self.must_commit = true;
    }

    /// Its next cycle is due now.
    pub(in crate::stream) fn reach_cycle(&mut self, now: Instant) {
        self.next_cycle = now;
    }
}

fn options() -> Options {
    Options::of(&Config::default(), Permits::none(Start::Earliest))
}

fn inputs() -> Inputs {
    Inputs { topics: options().inputs, partitions: 4, partitioning: None, ids: TopicIds::default() }
}

fn metrics() -> Metrics {
    Metrics::new(&prometheus::Registry::new(), 50).unwrap()
}

#[test]
fn restored_counts_are_not_counted_again() {
    let refused = || Rejection::new(Code::TooLarge, "test");
    let mut shared = empty(1);
    (0..2).for_each(|_| drop(shared.engine.refuse(Stream::Usage, refused())));
    let mut task = restored_from(shared);
    task.shared.show();
    drop(task.shared.engine.refuse(Stream::Usage, refused()));
    let now = Now { monotonic: monotonic(), wall: Timestamp(1_700_000_000_000) };
    task.round(now, &options(), Load { records: 100, bytes: 100_000 });
    let registry = prometheus::Registry::new();
    task.committed(3, Load::default(), &Metrics::new(&registry, 50).unwrap());
    let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    assert!(text.contains("churnwatch_records_total{outcome=\"dead_letter\",stream=\"usage\"} 1\n"), "{text}");
}

#[test]
fn an_offset_that_was_never_committed_is_written_even_without_a_record() {
    let mut task = restored_task();
    assert!(task.is_dirty());
    task.committed(3, Load::default(), &metrics());
    assert!(!task.is_dirty());
    assert_eq!(task.commit_point, CommitPoint { group: vec![Some(7); 3], changelog_end: 3 });
}

#[test]
fn the_size_of_changelog_records_rises_at_once_and_sinks_slowly() {
    let mut task = restored_task();
    assert_eq!(task.record_bytes, 1024, "as the restore has found it");
    task.committed(0, Load { records: 10, bytes: 80_000 }, &metrics());
    assert_eq!(task.record_bytes, 8_000);
    task.committed(0, Load { records: 10, bytes: 10 }, &metrics());
    assert_eq!(task.record_bytes, 7_000);
}

#[test]
fn a_task_without_anything_to_write_takes_nothing_of_a_transaction() {
    let mut task = restored_task();
    assert_eq!(task.load(0).records, 1, "the stamp with the offset that was never committed");
    task.committed(3, Load::default(), &metrics());
    assert_eq!(task.load(0), Load::default());
}

#[test]
fn offsets_and_stamp_cover_every_input_whether_it_moved_or_not() {
    let (mut task, inputs) = (restored_task(), inputs());
    task.positions[1].pass(20, None);
    let names: Vec<&str> = inputs.topics.iter().map(|topic| topic.name.as_str()).collect();
    let expected: Vec<_> = names.iter().zip([7, 21, 7]).map(|(name, next)| ((*name).to_owned(), 1, next)).collect();
    assert_eq!(task.offsets(&inputs).collect::<Vec<_>>(), expected);
    let stamp = task.stamp(&inputs);
    assert_eq!(names.iter().map(|name| stamp.next(name)).collect::<Vec<_>>(), [Some(7), Some(21), Some(7)]);
}

#[test]
fn a_task_is_due_as_soon_as_its_last_input_has_been_read_to_its_end() {
    let (mut task, mut options) = (restored_task(), options());
    options.catch_up_commit_interval = Duration::from_mins(1);
    let now = Now { monotonic: monotonic(), wall: Timestamp(1_700_000_000_000) };
    task.round(now, &options, Load { records: 100, bytes: 100_000 });
    assert_eq!(task.mode, Mode::CatchingUp);
    for index in 0..2 {
        task.reached_end(index, 7, monotonic());
        assert!(task.next_cycle() > monotonic() && !task.is_at_end());
    }
    task.reached_end(2, 7, monotonic());
    assert!(task.next_cycle() <= monotonic() && task.is_at_end());
}

#[test]
fn the_deletions_are_known_once_the_accounts_topic_has_been_read_to_its_end() {
    let mut task = restored_task();
    let with_accounts = |index: usize| {
        let mut inputs = inputs();
        inputs.topics[index].stream = Stream::Accounts;
        inputs
    };
    task.reached_end(0, 7, monotonic());
    assert!(!task.has_deletions(&with_accounts(1)));
    task.reached_end(1, 7, monotonic());
    assert!(task.has_deletions(&with_accounts(1)));
    task.positions[1].pass(20, None);
    assert!(task.has_deletions(&with_accounts(1)), "later records do not hold back the others again");
    task.reassigned();
    assert!(!task.has_deletions(&with_accounts(1)));
    assert!(task.has_deletions(&inputs()), "without an accounts topic there is nothing to wait for");
}

#[test]
fn after_a_new_assignment_every_end_must_be_reached_again() {
    let mut task = restored_task();
    (0..3).for_each(|index| task.reached_end(index, 7, monotonic()));
    task.reassigned();
    assert!(!task.is_at_end());
}

#[test]
fn the_lag_is_unknown_until_the_end_of_the_partition_is() {
    let (mut task, inputs) = (restored_task(), inputs());
    task.reached_end(0, 7, monotonic());
    let known = inputs.topics[1].name.clone();
    let metadata = task.metadata(&inputs, |topic| (topic == known).then_some(10));
    assert_eq!(metadata.inputs.iter().map(|input| input.lag).collect::<Vec<_>>(), [Some(0), Some(3), None]);
    assert!(metadata.catching_up);
}
