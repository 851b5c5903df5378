use super::*;
use crate::clock::monotonic;
use crate::config::Config;
use crate::config::section::Start;
use crate::kafka::Commit;
use crate::stream::Permits;
use crate::stream::inputs::TopicIds;
use crate::stream::machine::event::Answered;
use crate::stream::machine::task::tests::restored;
use crate::time::Timestamp;

const LIMIT: Duration = Duration::from_secs(1);

/// A member with a clock that stands still.
struct Driver {
    member: Member,
    now: Now,
}

impl Driver {
    fn of(instance: Option<&str>) -> Self {
        let options = Options::of(&Config::default(), Permits::none(Start::Earliest));
        let options = Arc::new(Options { instance: instance.map(str::to_owned), ..options });
        let inputs = Inputs { topics: options.inputs.clone(), partitions: 4, partitioning: None, ids: TopicIds::default() };
        let metrics = Metrics::new(&prometheus::Registry::new(), 50).unwrap();
        let now = Now { monotonic: monotonic(), wall: Timestamp(1_700_000_000_000) };
        let member = Member::new(0, &options, &Arc::new(inputs), Arc::default(), Arc::new(metrics), now);
        Self { member, now }
    }

    /// One that runs these tasks and has nothing to write.
    fn running(instance: Option<&str>, tasks: &[i32]) -> Self {
        let mut driver = Self::of(instance);
        driver.assign(tasks);
        let Effect::Restore(request) = driver.next() else { panic!("the tasks are to be restored") };
        for task in tasks {
            let state = Answered::Restored(Box::new(restored(*task, false)));
            driver.tell(Event::Restored(Answer { request: request.number, task: *task, state }));
        }
        assert!(matches!(driver.next(), Effect::Drain));
        assert!(matches!(driver.next(), Effect::Assign(inputs) if inputs.len() == tasks.len() * driver.member.inputs.topics.len()));
        driver
    }

    fn assign(&mut self, tasks: &[i32]) {
        let topics = self.member.inputs.topics.clone();
        let partitions = topics.iter().flat_map(|topic| tasks.iter().map(|task| (topic.name.clone(), *task))).collect();
        self.tell(Event::Group(GroupEvent::Assigned(partitions)));
        assert!(matches!(self.next(), Effect::Accept));
        assert!(matches!(self.next(), Effect::Await), "nothing before the membership is known");
        self.tell(Event::Accepted(Some(Membership { generation: 1, member: "one".to_owned() })));
    }

    fn next(&mut self) -> Effect {
        self.member.next(self.now, &|_, _| None).unwrap()
    }

    fn tell(&mut self, event: Event) {
        self.member.handle(event, self.now).unwrap();
    }

    /// Something to commit for a task.
    fn change(&mut self, task: i32) {
        self.member.tasks.get_mut(task).unwrap().change();
    }

    fn pass(&mut self, time: Duration) {
        self.now.monotonic += time;
    }

    /// Reads until a transaction is to be written, and hands it over: the tasks whose offsets are in it.
    fn write(&mut self) -> Vec<i32> {
        while let Effect::Read { wait } = self.next() {
            self.pass(wait);
            self.member.polled(0);
        }
        let offsets = self.member.write(|_| Ok(())).unwrap();
        let tasks: BTreeSet<i32> = offsets.iter().map(|offset| offset.partition).collect();
        tasks.into_iter().collect()
    }

    fn written(&mut self, result: Result<Commit, TransactionError>) {
        self.tell(Event::Written { result, lasted: LIMIT });
    }
}

const fn committed(may_be_repeated: bool) -> Commit {
    Commit { last: Vec::new(), may_be_repeated }
}

fn revoked(lost: bool) -> Event {
    Event::Group(GroupEvent::Revoked { lost })
}

#[test]
fn what_is_assigned_is_restored_before_it_is_read() {
    let mut driver = Driver::of(None);
    driver.assign(&[0, 3]);
    let Effect::Restore(request) = driver.next() else { panic!() };
    assert_eq!(request.tasks.keys().copied().collect::<Vec<_>>(), [0, 3]);
    assert!(matches!(driver.next(), Effect::Read { .. }), "what it runs already is read meanwhile");
}

#[test]
fn a_rebalance_that_has_begun_comes_before_an_assignment_which_would_answer_it() {
    let mut driver = Driver::of(None);
    driver.assign(&[0]);
    let Effect::Restore(request) = driver.next() else { panic!() };
    let state = Answered::Restored(Box::new(restored(0, false)));
    driver.tell(Event::Restored(Answer { request: request.number, task: 0, state }));
    assert!(matches!(driver.next(), Effect::Drain));
    driver.tell(revoked(false));
    assert!(matches!(driver.next(), Effect::Unassign));
}

#[test]
fn a_member_without_a_name_gives_its_partitions_up_at_once() {
    let mut driver = Driver::running(None, &[0]);
    driver.tell(revoked(false));
    assert!(matches!(driver.next(), Effect::Unassign));
}

#[test]
fn a_member_with_a_name_looks_it_up_before_it_gives_its_partitions_up() {
    for lost in [false, true] {
        let mut driver = Driver::running(Some("a"), &[0]);
        driver.tell(revoked(lost));
        assert!(matches!(driver.next(), Effect::CheckName(Some(own)) if own.member == "one"), "lost: {lost}");
        assert!(matches!(driver.next(), Effect::Await));
        driver.tell(Event::NameIsOurs);
        assert!(matches!(driver.next(), Effect::Unassign));
    }
}

#[test]
fn a_member_with_a_name_looks_it_up_even_if_its_first_assignment_was_lost_before_it_could_be_accepted() {
    let mut driver = Driver::of(Some("a"));
    driver.tell(Event::Group(GroupEvent::Assigned(Vec::new())));
    assert!(matches!(driver.next(), Effect::Accept));
    driver.tell(Event::Accepted(None));
    driver.tell(revoked(true));
    assert!(matches!(driver.next(), Effect::Restore(request) if request.tasks.is_empty()));
    assert!(matches!(driver.next(), Effect::CheckName(None)));
}

#[test]
fn a_shutdown_during_the_look_up_leaves_without_giving_anything_up_which_would_be_to_rejoin() {
    let mut driver = Driver::running(Some("a"), &[0]);
    driver.tell(revoked(true));
    assert!(matches!(driver.next(), Effect::CheckName(_)));
    driver.tell(Event::Stop);
    driver.tell(Event::NameIsOurs);
    assert!(matches!(driver.next(), Effect::Leave));
}

#[test]
fn an_offset_that_is_out_of_range_after_the_partitions_were_given_up_asks_for_nothing() {
    let mut driver = Driver::running(None, &[0]);
    driver.tell(revoked(false));
    driver.tell(Event::Group(GroupEvent::OutOfRange));
    assert!(matches!(driver.next(), Effect::Unassign));
    assert!(matches!(driver.next(), Effect::Read { .. }));
}

#[test]
fn what_is_revoked_is_written_first_and_what_is_lost_is_not() {
    let mut driver = Driver::running(None, &[0]);
    driver.change(0);
    driver.tell(revoked(false));
    assert_eq!(driver.write(), [0]);
    driver.written(Ok(committed(false)));
    assert!(matches!(driver.next(), Effect::Unassign));

    let mut driver = Driver::running(None, &[0]);
    driver.change(0);
    driver.tell(revoked(true));
    assert!(matches!(driver.next(), Effect::Unassign));
}

#[test]
fn a_commit_whose_requests_may_still_arrive_is_followed_by_another_producer() {
    let mut driver = Driver::running(None, &[0]);
    driver.change(0);
    driver.write();
    driver.written(Ok(committed(true)));
    assert!(matches!(driver.next(), Effect::ReplaceProducer));
    assert!(matches!(driver.next(), Effect::Await));
    driver.tell(Event::ProducerReplaced);
    assert!(matches!(driver.next(), Effect::Read { .. }));
}

#[test]
fn partitions_are_given_up_before_another_producer_is_awaited() {
    let mut driver = Driver::running(None, &[0]);
    driver.change(0);
    driver.tell(revoked(false));
    driver.write();
    driver.written(Ok(committed(true)));
    assert!(matches!(driver.next(), Effect::Unassign));
    assert!(matches!(driver.next(), Effect::Drain));
    assert!(matches!(driver.next(), Effect::ReplaceProducer));
}

#[test]
fn the_tasks_of_a_transaction_that_failed_are_restored_and_the_others_read_on() {
    let mut driver = Driver::running(None, &[0, 1]);
    driver.change(0);
    assert_eq!(driver.write(), [0]);
    driver.written(Err(TransactionError::Aborted("test".to_owned())));
    assert!(matches!(driver.next(), Effect::Drain));
    assert!(matches!(driver.next(), Effect::ReplaceProducer));
    driver.tell(Event::ProducerReplaced);
    assert!(matches!(driver.next(), Effect::Drain), "before an assignment, once more");
    assert!(matches!(driver.next(), Effect::Restore(request) if request.tasks.keys().eq(&[0])));
    assert!(matches!(driver.next(), Effect::Assign(inputs) if inputs.iter().all(|(_, task, _)| *task == 1)));
}

#[test]
fn a_named_member_whose_last_transaction_failed_looks_its_name_up_and_then_takes_another_producer() {
    let mut driver = Driver::running(Some("a"), &[0]);
    driver.change(0);
    driver.tell(revoked(false));
    driver.write();
    driver.written(Err(TransactionError::Aborted("test".to_owned())));
    assert!(matches!(driver.next(), Effect::CheckName(_)));
    driver.tell(Event::NameIsOurs);
    assert!(matches!(driver.next(), Effect::Unassign));
    assert!(matches!(driver.next(), Effect::Drain));
    assert!(matches!(driver.next(), Effect::ReplaceProducer));
}

#[test]
fn a_named_member_whose_producer_was_fenced_ends() {
    let mut driver = Driver::running(Some("a"), &[0]);
    driver.change(0);
    driver.write();
    let fenced = Event::Written { result: Err(TransactionError::Fenced("test".to_owned())), lasted: LIMIT };
    assert_eq!(driver.member.handle(fenced, driver.now).unwrap_err().code(), "fenced");
}

#[test]
fn tasks_whose_cycles_are_near_each_other_share_a_transaction() {
    let mut driver = Driver::running(None, &[0, 1]);
    driver.change(0);
    assert_eq!(driver.write(), [0]);
    driver.written(Ok(committed(false)));
    let interval = driver.member.options.commit_interval;
    driver.change(1);
    driver.change(0);
    driver.pass(interval / 3);
    driver.member.tasks.get_mut(1).unwrap().reach_cycle(driver.now.monotonic);
    assert_eq!(driver.write(), [1], "the cycle of the other is too far away");
    driver.written(Ok(committed(false)));
    driver.change(1);
    assert_eq!(driver.write(), [0, 1]);
}

#[test]
fn a_shutdown_writes_what_is_left_and_then_leaves() {
    let mut driver = Driver::running(None, &[0]);
    driver.change(0);
    driver.tell(Event::Stop);
    assert_eq!(driver.write(), [0]);
    driver.written(Ok(committed(false)));
    assert!(matches!(driver.next(), Effect::Leave));
}
