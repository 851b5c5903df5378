//! One run: a virtual clock, a queue of what happens next, several processes, and the model of the brokers.

mod action;
mod damage;
mod faults;
mod membership;
mod requests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use churnwatch::stream::Inputs;
use churnwatch::stream::machine::{Event, GroupEvent, Now};
use churnwatch::time::Timestamp;

use self::action::{Action, Planned};
use crate::broker::{Answer, Broker, Topic};
use crate::check::{Checks, Violation};
use crate::fault::{Fault, Kind};
use crate::load::{EPOCH, Load};
use crate::process::{Actor, Process};
use crate::random::Random;
use crate::setting::Setting;

/// How long a member may be silent.
pub const SESSION: u64 = 6_000;
/// How long a member may take to join a rebalance.
const REBALANCE_LIMIT: u64 = 30_000;
/// How often the coordinator looks for transactions that are open for too long.
const SWEEP: u64 = 1_000;
/// How long the processes have, once nothing fails any more, to write everything.
pub const PROGRESS_LIMIT: u64 = 150_000;

/// What a run is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    pub faults: Vec<Fault>,
    /// Whether the instances have names.
    pub named: bool,
    pub slots: usize,
    pub until: u64,
    pub traces: bool,
}

/// What a run has gone through.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    pub runs: u64,
    pub kills: u64,
    pub zombies: u64,
    pub lost_answers: u64,
    pub commits: u64,
    pub changes: u64,
    pub virtual_ms: u64,
}

pub struct World<'a> {
    pub setting: &'a Setting,
    pub plan: &'a Plan,
    pub now: u64,
    origin: Instant,
    queue: BinaryHeap<Reverse<Planned>>,
    planned: u64,
    pub random: Random,
    pub broker: Broker,
    pub processes: Vec<Process>,
    /// The process in each place of the fleet.
    pub fleet: Vec<Option<usize>>,
    pub load: Load,
    pub checks: Checks,
    pub figures: Figures,
    marking: BTreeSet<usize>,
    markers_late: u64,
    markers_late_until: u64,
    /// Names of producers so far.
    names: u64,
    pub trace: Vec<String>,
    /// As the next process finds them.
    inputs: Arc<Inputs>,
    accepts_loss: bool,
    /// The last process that has initialised each transactional id.
    pub producers: BTreeMap<String, usize>,
}

impl<'a> World<'a> {
    pub fn new(setting: &'a Setting, plan: &'a Plan, origin: Instant) -> Self {
        let mut world = Self {
            setting,
            plan,
            now: 0,
            origin,
            queue: BinaryHeap::new(),
            planned: 0,
            random: Random::new(plan.seed),
            broker: Broker::new(setting.inputs.topics.len(), setting.tasks),
            processes: Vec::new(),
            fleet: vec![None; plan.slots],
            load: Load::default(),
            checks: Checks::new(setting, !plan.faults.iter().any(|fault| matches!(fault.kind, Kind::Clock(_)))),
            figures: Figures { runs: 1, ..Figures::default() },
            marking: BTreeSet::new(),
            markers_late: 0,
            markers_late_until: 0,
            names: 0,
            trace: Vec::new(),
            inputs: Arc::clone(&setting.inputs),
            accepts_loss: false,
            producers: BTreeMap::new(),
        };
        world.write_load(4);
        for slot in 0..plan.slots {
            let name = plan.named.then(|| format!("n{slot}"));
            world.plan_at(slot as u64 * 100, Action::Start(slot, name));
        }
        for place in 0..plan.faults.len() {
            world.plan_at(plan.faults[place].at, Action::Fault(place));
        }
        world.plan_at(SWEEP, Action::Sweep);
        world.plan_at(500, Action::Load);
        world
    }

    /// Runs until everything is written after the last fault.
    pub fn run(&mut self) -> Result<Figures, Violation> {
        let mut settled_since = None;
        while let Some(Reverse(Planned(at, _, action))) = self.queue.pop() {
            self.now = at;
            let is_look = matches!(action, Action::Sweep);
            self.act(action);
            if let Some(violation) = self.checks.violation.take() {
                return Err(violation);
            }
            if is_look && self.now > self.plan.until + 2_000 {
                if self.is_settled() {
                    if self.now >= *settled_since.get_or_insert(self.now) + 2_000 {
                        break;
                    }
                } else {
                    settled_since = None;
                }
                if self.now > self.plan.until + PROGRESS_LIMIT {
                    return Err(Violation::new("I9 progress", format!("not everything is committed: {}", self.describe())));
                }
            }
        }
        self.figures.virtual_ms = self.now;
        self.figures.commits = self.checks.commits;
        self.figures.changes = self.checks.changes;
        self.checks.finish(&self.broker, &self.load, self.setting, self.now)?;
        self.vandalise()?;
        Ok(self.figures)
    }

    fn is_settled(&self) -> bool {
        let inputs = (0..self.broker.inputs).flat_map(|input| (0..self.setting.tasks).map(move |task| (input, task)));
        let is_written = |(input, task): (usize, usize)| {
            let log = self.broker.log(Topic::Input(input), task);
            let committed = self.broker.committed.get(&(input, task)).copied().unwrap_or(-1);
            committed >= 0 && log.next_committed(committed as usize).is_none()
        };
        inputs.into_iter().all(is_written) && !self.broker.has_open()
    }

    fn describe(&self) -> String {
        let alive: Vec<_> = self.processes.iter().enumerate().filter(|(_, process)| process.is_alive).collect();
        let states = alive.iter().map(|(id, process)| {
            format!(
                "process {id}: stream {:?}, restore {:?}, member {:?} generation {:?} pending {:?}",
                process.stream.doing,
                process.restorer.doing,
                process.consumer.member,
                process.consumer.generation,
                process.consumer.pending
            )
        });
        format!(
            "committed {:?}; group {:?}; transactions {:?}; {}",
            self.broker.committed,
            self.broker.group,
            self.broker.transactions.all.iter().map(|known| (&known.name, &known.state)).collect::<Vec<_>>(),
            states.collect::<Vec<_>>().join("; ")
        )
    }

    pub fn log(&mut self, text: impl FnOnce() -> String) {
        if self.plan.traces {
            let text = text();
            self.trace.push(format!("{:>7} {text}", self.now));
        }
    }

    fn plan_at(&mut self, at: u64, action: Action) {
        self.planned += 1;
        self.queue.push(Reverse(Planned(at, self.planned, action)));
    }

    fn plan_in(&mut self, millis: u64, action: Action) {
        self.plan_at(self.now + millis, action);
    }

    /// The clocks of a process.
    pub fn clocks(&self, id: usize) -> Now {
        let shift = self.processes.get(id).map_or(0, |process| process.clock_shift);
        Now { monotonic: self.monotonic(), wall: Timestamp(EPOCH + self.now as i64 + shift) }
    }

    pub fn monotonic(&self) -> Instant {
        self.origin + Duration::from_millis(self.now)
    }

    /// What a suspended process would do, it does later.
    fn is_held_up(&mut self, id: usize, action: impl FnOnce() -> Action) -> bool {
        let process = &self.processes[id];
        if !process.is_alive {
            return true;
        }
        if process.paused_until > self.now {
            let at = process.paused_until + self.random.within(0..20);
            self.plan_at(at, action());
            return true;
        }
        false
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Wake(id, actor, token) => {
                if self.processes[id].thread(actor).token == token && !self.is_held_up(id, || Action::Wake(id, actor, token)) {
                    self.step(id, actor);
                }
            }
            Action::Arrive(id, actor, token, request, is_answered) => self.arrive(id, actor, token, &request, is_answered),
            Action::Answered(id, actor, token, answer) => {
                let is_awaited = self.processes[id].thread(actor).token == token;
                if is_awaited && !self.is_held_up(id, || Action::Answered(id, actor, token, answer.clone())) {
                    self.answered(id, actor, answer);
                }
            }
            Action::Broken(id, actor, token) => {
                let is_awaited = self.processes[id].thread(actor).token == token;
                if is_awaited && !self.is_held_up(id, || Action::Broken(id, actor, token)) {
                    self.answered(id, actor, Answer::Retry);
                }
            }
            Action::Heartbeat(id) => self.heartbeat(id),
            Action::Session(id, member) => self.session(id, member),
            Action::LocalLoss(id) => self.local_loss(id),
            Action::Join(id) => self.join(id),
            Action::Sync(id, generation) => self.sync(id, generation),
            Action::RebalanceLimit(generation) => {
                if self.broker.group.generation == generation && self.broker.group.rebalancing.is_some() {
                    self.broker.group.members.retain(|member| member.has_joined);
                    self.complete_if_gathered();
                }
            }
            Action::Mark(id) => self.mark(id),
            Action::Sweep => {
                self.broker.transactions.expire(self.now);
                self.plan_markers();
                self.plan_in(SWEEP, Action::Sweep);
            }
            Action::Load => {
                if self.now < self.plan.until {
                    let records = self.random.within(0..3);
                    self.write_load(records);
                    self.plan_in(500, Action::Load);
                }
            }
            Action::Fault(place) => self.fault(self.plan.faults[place]),
            Action::Start(slot, name) => self.start(slot, name),
            Action::Refill(slot, name) if self.fleet[slot].is_none() => self.start(slot, name),
            Action::Refill(..) => {}
        }
    }

    fn write_load(&mut self, records: u64) {
        for task in 0..self.setting.tasks {
            self.load.write(&mut self.broker, task, records, self.now, &mut self.random);
        }
    }

    /// Lets a thread take its next step after so many ms.
    pub fn wake_in(&mut self, id: usize, actor: Actor, millis: u64) {
        let thread = self.processes[id].thread(actor);
        thread.token += 1;
        let token = thread.token;
        self.plan_in(millis, Action::Wake(id, actor, token));
    }

    /// A new wait of a thread: what comes for older ones is ignored.
    pub fn renew(&mut self, id: usize, actor: Actor) {
        self.processes[id].thread(actor).token += 1;
    }

    /// Hands over what the group has said.
    pub fn take_said(&mut self, id: usize) -> Option<Event> {
        let event = self.processes[id].consumer.take()?;
        if let GroupEvent::Revoked { lost } = event {
            self.log(|| format!("process {id}: revoked, lost: {lost}"));
        }
        Some(Event::Group(event))
    }
}
