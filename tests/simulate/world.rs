//! One run: a virtual clock, a queue of what happens next, several processes, and the model of the brokers.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use churnwatch::fault::is_mutant;
use churnwatch::stream::Inputs;
use churnwatch::stream::machine::{Event, GroupEvent, Now};
use churnwatch::time::Timestamp;

use crate::broker::group::{Group, Joined};
use crate::broker::{Answer, Broker, Request, Topic};
use crate::check::{Checks, Violation};
use crate::fault::{Decision, Fault, Kind};
use crate::load::{BILLING, EPOCH, Load, USAGE};
use crate::process::{Actor, Doing, Process, RequestFault};
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

/// Something that happens at a point in time.
#[derive(Debug)]
enum Action {
    Wake(usize, Actor, u64),
    Arrive(usize, Actor, u64, Request, bool),
    Answered(usize, Actor, u64, Answer),
    Broken(usize, Actor, u64),
    Heartbeat(usize),
    /// The group gives up on a member of which it has heard nothing.
    Session(usize, u64),
    /// A consumer that has reached no broker gives up its assignment by itself.
    LocalLoss(usize),
    Join(usize),
    Sync(usize, i32),
    RebalanceLimit(i32),
    Mark(usize),
    Sweep,
    Load,
    Fault(usize),
    Restart(usize, Option<String>),
}

/// What somebody may do to the topics and the group.
#[derive(Clone, Copy, Debug)]
enum Damage {
    OffsetMoved,
    ChangelogHeadDeleted,
    TopicReplaced,
    InputDeleted,
}

impl Damage {
    const ALL: [Self; 4] = [Self::OffsetMoved, Self::ChangelogHeadDeleted, Self::TopicReplaced, Self::InputDeleted];

    /// The exit code by which the service must refuse it.
    const fn code(self) -> &'static str {
        match self {
            Self::OffsetMoved => "offsets_moved",
            Self::ChangelogHeadDeleted => "state_incomplete",
            Self::TopicReplaced => "topic_recreated",
            Self::InputDeleted => "input_lost",
        }
    }
}

struct Planned(u64, u64, Action);

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}

impl Eq for Planned {}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Planned {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

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
            checks: Checks::new(setting),
            figures: Figures { runs: 1, ..Figures::default() },
            marking: BTreeSet::new(),
            markers_late: 0,
            markers_late_until: 0,
            names: 0,
            trace: Vec::new(),
            inputs: Arc::clone(&setting.inputs),
            producers: BTreeMap::new(),
        };
        world.write_load(4);
        for slot in 0..plan.slots {
            let name = plan.named.then(|| format!("n{slot}"));
            world.plan_at(slot as u64 * 100, Action::Restart(slot, name));
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

    /// Somebody damages what the service relies on while no process runs: the next one must refuse to go on.
    fn vandalise(&mut self) -> Result<(), Violation> {
        let damage = Damage::ALL[self.random.within(0..Damage::ALL.len() as u64) as usize];
        let task = self.random.within(0..self.setting.tasks as u64) as usize;
        self.log(|| format!("damage to task {task}: {damage:?}"));
        self.processes.iter_mut().for_each(|process| process.is_alive = false);
        self.queue.clear();
        self.broker.group = Group::default();
        (self.broker.coordinator_back, self.broker.group_back, self.broker.disk_back) = (0, 0, 0);
        self.fleet = vec![None];
        let is_done = match damage {
            Damage::OffsetMoved => {
                let next = self.broker.committed.get_mut(&(BILLING, task)).filter(|next| **next > 0);
                next.map(|next| *next -= 1).is_some()
            }
            Damage::ChangelogHeadDeleted => {
                let log = self.broker.log_mut(Topic::Changelog, task);
                (1..log.end()).any(|start| log.delete_before(start))
            }
            Damage::TopicReplaced => {
                self.inputs = Arc::clone(&self.setting.replaced);
                true
            }
            Damage::InputDeleted => {
                self.write_load(5);
                let next = self.broker.committed.get(&(USAGE, task)).copied().unwrap_or(0) as usize;
                let log = self.broker.log_mut(Topic::Input(USAGE), task);
                let has_more = log.end() > next + 1;
                log.start = if has_more { next + 1 } else { log.start };
                has_more
            }
        };
        if !is_done {
            return Ok(());
        }
        self.checks.expected_exit = Some(damage.code());
        let (begun, commits) = (self.now, self.checks.commits);
        self.plan_in(1, Action::Restart(0, None));
        self.plan_in(SWEEP, Action::Sweep);
        while let Some(Reverse(Planned(at, _, action))) = self.queue.pop() {
            self.now = at;
            self.act(action);
            if let Some(violation) = self.checks.violation.take() {
                return Err(violation);
            }
            if self.checks.expected_exit.is_none() {
                return Ok(());
            }
            let writes = self.checks.commits > commits + 2 * self.setting.tasks as u64;
            if writes || self.now > begun + PROGRESS_LIMIT {
                return Err(Violation::new(
                    "damage",
                    format!("{damage:?} of task {task}: the service does not exit with {}", damage.code()),
                ));
            }
        }
        Ok(())
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
            Action::Restart(slot, name) => self.restart(slot, name),
        }
    }

    fn write_load(&mut self, records: u64) {
        for task in 0..self.setting.tasks {
            self.load.write(&mut self.broker, task, records, self.now, &mut self.random);
        }
    }

    // Requests

    /// Sends the request that a thread waits for.
    pub fn send(&mut self, id: usize, actor: Actor) {
        let process = &mut self.processes[id];
        let Doing::Calling(call) = &process.thread(actor).doing else { return };
        let request = call.request.clone();
        let token = process.thread(actor).token;
        if process.cut_until > self.now {
            let wait = self.random.within(100..400);
            return self.plan_in(wait, Action::Broken(id, actor, token));
        }
        let decision = match request {
            Request::Offsets { .. } => Some(Decision::Offsets),
            Request::End(_, true) => Some(Decision::Commit),
            _ => None,
        };
        let fault = process.next_fault.take_if(|(wanted, _)| Some(*wanted) == decision).map(|(_, fault)| fault);
        let held = if matches!(request, Request::AddPartitions(..)) { process.held.take() } else { None };
        if let Some(held) = held {
            let wait = self.random.within(4..30);
            self.plan_in(wait, Action::Arrive(id, actor, token, held, false));
        }
        let (there, broken) = (self.random.within(1..4), self.random.within(80..250));
        if fault.is_some() {
            self.log(|| format!("process {id}: {fault:?} for {request:?}"));
        }
        match fault {
            None => self.plan_in(there, Action::Arrive(id, actor, token, request, true)),
            Some(RequestFault::Lost) => self.plan_in(broken, Action::Broken(id, actor, token)),
            Some(RequestFault::AnswerLost) => {
                self.figures.lost_answers += 1;
                self.plan_in(there, Action::Arrive(id, actor, token, request, false));
                self.plan_in(broken, Action::Broken(id, actor, token));
            }
            Some(RequestFault::Late(late)) => {
                self.figures.lost_answers += 1;
                self.plan_in(late, Action::Arrive(id, actor, token, request, false));
                self.plan_in(broken, Action::Broken(id, actor, token));
            }
            Some(RequestFault::Held) => {
                self.figures.lost_answers += 1;
                self.processes[id].held = Some(request);
                self.plan_in(broken, Action::Broken(id, actor, token));
            }
            Some(RequestFault::Silent(silent)) => {
                self.figures.lost_answers += 1;
                self.plan_in(there, Action::Arrive(id, actor, token, request, false));
                self.plan_in(silent, Action::Broken(id, actor, token));
            }
        }
    }

    fn arrive(&mut self, id: usize, actor: Actor, token: u64, request: &Request, is_answered: bool) {
        let answer = self.broker.handle(request, self.now);
        if !matches!(answer, Answer::Retry) {
            self.log(|| format!("process {id}: {request:?} -> {answer:?}"));
        }
        self.plan_markers();
        if is_answered {
            let (back, again) = (self.random.within(1..4), self.random.within(20..120));
            match answer {
                Answer::Retry => self.plan_in(again, Action::Broken(id, actor, token)),
                answer => self.plan_in(back, Action::Answered(id, actor, token, answer)),
            }
        }
    }

    fn plan_markers(&mut self) {
        for id in self.broker.ending() {
            if self.marking.insert(id) {
                let late = if self.now < self.markers_late_until { self.markers_late } else { 0 };
                let wait = self.random.within(0..10) + late;
                self.plan_in(wait, Action::Mark(id));
            }
        }
    }

    fn mark(&mut self, id: usize) {
        let left = self.broker.unmarked(id) as u64;
        let place = if left == 0 { 0 } else { self.random.within(0..left) as usize };
        if let Some(committed) = self.broker.write_marker(id, place) {
            self.log(|| format!("committed: {:?}", committed.offsets));
            self.checks.committed(&committed, &self.broker, &self.load, self.setting);
        }
        if self.broker.ending().contains(&id) {
            let wait = self.random.within(0..8);
            self.plan_in(wait, Action::Mark(id));
        } else {
            self.marking.remove(&id);
        }
    }

    // Waking

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

    // The group

    /// The members learn of a rebalance with one of their next heartbeats.
    fn tell_members(&mut self) {
        let owners: Vec<usize> = self.broker.group.members.iter().map(|member| member.owner).collect();
        for owner in owners {
            let wait = self.random.within(0..1_500);
            self.plan_in(wait, Action::Heartbeat(owner));
        }
        let generation = self.broker.group.generation;
        self.plan_in(REBALANCE_LIMIT, Action::RebalanceLimit(generation));
    }

    pub fn plan_join(&mut self, id: usize) {
        let wait = self.random.within(1..5);
        self.plan_in(wait, Action::Join(id));
    }

    fn heartbeat(&mut self, id: usize) {
        if self.is_held_up(id, || Action::Heartbeat(id)) {
            return;
        }
        let process = &mut self.processes[id];
        if process.cut_until > self.now {
            let at = process.cut_until + 100;
            return self.plan_at(at, Action::Heartbeat(id));
        }
        let Some(own) = process.consumer.member else { return };
        match self.broker.group.members.iter().find(|member| member.id == own) {
            None if process.name.is_some() && self.broker.group.members.iter().any(|member| member.name == process.name) => {
                process.consumer.is_fenced = true;
            }
            None => {
                process.consumer.member = None;
                if !process.consumer.revoked(true) {
                    self.plan_join(id);
                }
            }
            Some(member) if self.broker.group.rebalancing.is_some() && !member.has_joined => {
                if !process.consumer.revoked(false) {
                    self.plan_join(id);
                }
            }
            Some(_) => {}
        }
    }

    fn session(&mut self, id: usize, member: u64) {
        let process = &self.processes[id];
        let is_silent = !process.is_alive || process.paused_until > self.now || process.cut_until > self.now;
        if !is_silent && process.consumer.member == Some(member) {
            return;
        }
        let was_rebalancing = self.broker.group.rebalancing.is_some();
        if self.broker.group.remove(member, self.now) {
            self.log(|| format!("process {id}: session ended"));
            if !was_rebalancing {
                self.tell_members();
            }
            self.complete_if_gathered();
        }
    }

    fn local_loss(&mut self, id: usize) {
        if self.is_held_up(id, || Action::LocalLoss(id)) || self.processes[id].cut_until <= self.now {
            return;
        }
        let consumer = &mut self.processes[id].consumer;
        // A member that waits to be admitted keeps its id, and asks again with it.
        if consumer.generation.is_some() {
            consumer.member = None;
            consumer.revoked(true);
        }
    }

    /// The session of the member that a process is, if it is one, ends unless it is heard of.
    fn plan_session(&mut self, id: usize) {
        if let Some(member) = self.processes[id].consumer.member {
            self.plan_in(SESSION, Action::Session(id, member));
        }
    }

    fn join(&mut self, id: usize) {
        if self.is_held_up(id, || Action::Join(id)) {
            return;
        }
        if self.processes[id].cut_until > self.now || self.broker.group_back > self.now {
            let at = self.processes[id].cut_until.max(self.broker.group_back) + 100;
            return self.plan_at(at, Action::Join(id));
        }
        if !self.processes[id].has_joined && self.is_name_taken(id) {
            self.processes[id].consumer.is_fenced = true;
            return;
        }
        let was_rebalancing = self.broker.group.rebalancing.is_some();
        let was_member = self.is_back(id);
        let process = &mut self.processes[id];
        process.has_joined = true;
        let joined = self.broker.group.join(id, process.consumer.member, process.name.as_deref(), self.now);
        self.log(|| format!("process {id} joins: {joined:?}"));
        match joined {
            Joined::Waits(member) => self.processes[id].consumer.member = Some(member),
            Joined::Fenced => self.processes[id].consumer.is_fenced = true,
            Joined::Replaced { member, before } => {
                self.processes[id].consumer.member = Some(member);
                let others = self.processes.iter().position(|process| process.consumer.member == Some(before));
                if let Some(other) = others {
                    if other > id && self.processes[other].is_alive && was_member {
                        self.checks.fences_successor(id, other);
                    }
                    let wait = self.random.within(0..1_500);
                    self.plan_in(wait, Action::Heartbeat(other));
                }
                if self.broker.group.rebalancing.is_none() {
                    let generation = self.broker.group.generation;
                    self.plan_in(5, Action::Sync(id, generation));
                    return;
                }
            }
        }
        if !was_rebalancing && self.broker.group.rebalancing.is_some() {
            self.tell_members();
        }
        self.complete_if_gathered();
    }

    /// Whether a process has been a member before, or started so long ago that it may have been replaced.
    pub fn is_back(&self, id: usize) -> bool {
        self.processes[id].has_joined || self.now >= self.processes[id].began + SESSION
    }

    /// Before a name is used for the first time: whether a later process has it, as `Namesake::check_first_use` finds out.
    pub fn is_name_taken(&self, id: usize) -> bool {
        let process = &self.processes[id];
        let holder = self.broker.group.holder(process.name.as_deref());
        self.now >= process.began + SESSION && holder.is_some() && holder != process.predecessor && !is_mutant("name-not-looked-up")
    }

    fn complete_if_gathered(&mut self) {
        if self.broker.group.is_gathered() && !self.broker.group.members.is_empty() {
            self.broker.group.complete(self.setting.tasks);
            let generation = self.broker.group.generation;
            let owners: Vec<usize> = self.broker.group.members.iter().map(|member| member.owner).collect();
            self.log(|| format!("generation {generation}: {owners:?}"));
            for owner in owners {
                let wait = self.random.within(2..40);
                self.plan_in(wait, Action::Sync(owner, generation));
            }
        }
    }

    fn sync(&mut self, id: usize, generation: i32) {
        if self.is_held_up(id, || Action::Sync(id, generation)) {
            return;
        }
        let Some(own) = self.processes[id].consumer.member else { return };
        if self.broker.group.generation != generation || !self.broker.group.assignment.contains_key(&own) {
            let wait = self.random.within(1..100);
            return self.plan_in(wait, Action::Heartbeat(id));
        }
        let (from, to) = self.broker.group.assignment[&own];
        let topics = self.setting.inputs.topics.iter();
        let partitions = topics.flat_map(|topic| (from..to).map(|task| (topic.name.clone(), task as i32))).collect();
        self.processes[id].consumer.assigned(partitions, generation);
        if self.broker.group.rebalancing.is_some() {
            let wait = self.random.within(0..1_500);
            self.plan_in(wait, Action::Heartbeat(id));
        }
    }

    // Faults

    fn fault(&mut self, fault: Fault) {
        self.log(|| format!("fault: {fault:?}"));
        let (now, id) = (self.now, self.fleet[fault.slot]);
        match fault.kind {
            Kind::Coordinator(millis) => self.broker.coordinator_back = now + millis,
            Kind::Group(millis) => self.broker.group_back = now + millis,
            Kind::Disk(millis) => self.broker.disk_back = now + millis,
            Kind::Compact => (0..self.setting.tasks).for_each(|task| self.broker.log_mut(Topic::Changelog, task).compact()),
            Kind::Markers(millis) => (self.markers_late, self.markers_late_until) = (millis, now + 5_000),
            kind => {
                let Some(id) = id.filter(|id| self.processes[*id].is_alive) else { return };
                let process = &mut self.processes[id];
                match kind {
                    Kind::Kill(steps) => process.killed_in = Some(steps),
                    Kind::Pause(millis) => {
                        self.figures.zombies += u64::from(millis > SESSION);
                        process.paused_until = now + millis;
                        self.plan_session(id);
                        self.plan_in(millis + 50, Action::Heartbeat(id));
                    }
                    Kind::Cut(millis) | Kind::Replace(millis) => {
                        process.cut_until = now + millis;
                        let (is_replaced, name) = (matches!(kind, Kind::Replace(_)), process.name.clone());
                        self.plan_session(id);
                        if is_replaced && name.is_some() {
                            let wait = self.random.within(100..millis);
                            self.plan_in(wait, Action::Restart(fault.slot, name));
                        }
                        self.plan_in(SESSION, Action::LocalLoss(id));
                        self.plan_in(millis + 50, Action::Heartbeat(id));
                    }
                    Kind::Request(decision, request) => process.next_fault = Some((decision, request)),
                    Kind::Clock(shift) => process.clock_shift += shift,
                    Kind::Stop => {
                        let clocks = self.clocks(id);
                        // A machine that waits takes the request all the same.
                        drop(self.processes[id].member.handle(Event::Stop, clocks));
                    }
                    Kind::Namesake => {
                        let name = process.name.clone();
                        if name.is_some() {
                            self.plan_in(10, Action::Restart(fault.slot, name));
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    /// A process takes a step; false if that is where it is killed.
    pub fn survives(&mut self, id: usize) -> bool {
        let process = &mut self.processes[id];
        match &mut process.killed_in {
            Some(0) => {
                self.figures.kills += 1;
                self.log(|| format!("process {id} is killed"));
                self.gone(id);
                false
            }
            Some(left) => {
                *left -= 1;
                true
            }
            None => true,
        }
    }

    /// A process is no more; its place is filled again.
    pub fn gone(&mut self, id: usize) {
        let process = &mut self.processes[id];
        process.is_alive = false;
        let (slot, name) = (process.slot, process.name.clone());
        self.plan_session(id);
        if self.fleet[slot] == Some(id) {
            self.fleet[slot] = None;
            let wait = self.random.within(50..2_000);
            self.plan_in(wait, Action::Restart(slot, name));
        }
    }

    /// A process leaves the group in good order.
    pub fn leave(&mut self, id: usize) {
        let process = &self.processes[id];
        if process.name.is_none()
            && let Some(own) = process.consumer.member
        {
            let was_rebalancing = self.broker.group.rebalancing.is_some();
            self.broker.group.remove(own, self.now);
            if !was_rebalancing && self.broker.group.rebalancing.is_some() {
                self.tell_members();
            }
            self.complete_if_gathered();
        }
        self.gone(id);
    }

    fn restart(&mut self, slot: usize, name: Option<String>) {
        let id = self.processes.len();
        let transactional_id = name.clone().unwrap_or_else(|| self.new_name("p"));
        let clocks = self.clocks(id);
        self.processes.push(Process::start(self.setting, &self.inputs, slot, name, transactional_id, clocks));
        let process = &mut self.processes[id];
        process.began = self.now;
        process.predecessor = self.broker.group.holder(process.name.as_deref());
        self.fleet[slot] = Some(id);
        self.log(|| format!("process {id} starts in place {slot}"));
        self.wake_in(id, Actor::Stream, 1);
        self.wake_in(id, Actor::Restore, 1);
    }

    /// A name that no other producer has.
    pub fn new_name(&mut self, first: &str) -> String {
        self.names += 1;
        format!("{first}-{}", self.names)
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
