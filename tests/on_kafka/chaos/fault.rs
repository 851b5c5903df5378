//! The faults. Each ends when every task makes progress again.

use std::time::{Duration, Instant};

use super::Violation;
use super::campaign::{Campaign, PLACES};
use super::proxy::{Action, Api, Disturbance};
use crate::kafka::in_time;

/// What is done to the service and its environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// kill -9, then restart at once.
    Kill,
    /// kill -9; restart after the others have taken over.
    KillAndTakeOver,
    /// kill -9 of every instance at once.
    KillAll,
    /// A second kill -9 during the restore.
    KillTwice,
    /// It kills itself at a named point.
    KillAtPoint,
    /// SIGSTOP past the session, sometimes past the transaction; then SIGCONT.
    Zombie,
    /// A thread blocks at a named point for longer than `max.poll.interval.ms`.
    Stall,
    /// kill -9 of the broker, which restarts at once.
    BrokerKill,
    /// The same while an instance restores.
    BrokerKillInRestore,
    /// The broker is shut down cleanly and restarted.
    BrokerBounce,
    /// Requests of one kind are delayed, dropped or cut off.
    Network,
    /// The request to end a transaction gets no response until it times out.
    LostAnswer,
    /// Changes the number of instances.
    Scale,
    /// The broker's disk fills up until it shuts down; then space is freed and it restarts.
    DiskFull,
    /// [`Self::KillAtPoint`] while a transaction holds records and offsets.
    KillBeforeCommit,
    /// [`Self::Zombie`] whose thread blocks just before a write until its client has learned that it was fenced.
    LateZombie,
    /// [`Self::KillAtPoint`] around a commit of the repartition stage.
    KillStage,
    /// [`Self::Stall`] of a thread of the repartition stage alone, for longer than its membership, sometimes than its transaction.
    ZombieStage,
    /// In a cluster: the leader of a partition is killed or shut down, and returns after every task has made progress without it.
    LeaderLoss,
    /// The same for the coordinator of the group or of a transaction.
    CoordinatorLoss,
    /// The same for either while an instance commits.
    ElectionInCommit,
    /// The same for the leader of a changelog partition while an instance reads it.
    ElectionInRestore,
}

impl Kind {
    /// How often each occurs in a deck, with about thirty kills in all.
    pub const MIX: [(Self, usize); 14] = [
        (Self::Kill, 5),
        (Self::KillAndTakeOver, 3),
        (Self::KillAll, 4),
        (Self::KillTwice, 3),
        (Self::KillAtPoint, 4),
        (Self::Zombie, 1),
        (Self::LateZombie, 1),
        (Self::Stall, 1),
        (Self::BrokerKill, 1),
        (Self::BrokerKillInRestore, 1),
        (Self::BrokerBounce, 1),
        (Self::Network, 2),
        (Self::LostAnswer, 1),
        (Self::Scale, 1),
    ];

    /// The same with a repartition stage.
    pub const STAGE_MIX: [(Self, usize); 12] = [
        (Self::KillStage, 4),
        (Self::ZombieStage, 3),
        (Self::Kill, 2),
        (Self::KillAndTakeOver, 2),
        (Self::KillAll, 1),
        (Self::KillAtPoint, 1),
        (Self::Zombie, 1),
        (Self::BrokerKill, 1),
        (Self::BrokerBounce, 1),
        (Self::Network, 3),
        (Self::LostAnswer, 1),
        (Self::Scale, 1),
    ];

    /// The same for a cluster.
    pub const CLUSTER_MIX: [(Self, usize); 9] = [
        (Self::LeaderLoss, 4),
        (Self::CoordinatorLoss, 4),
        (Self::ElectionInCommit, 4),
        (Self::ElectionInRestore, 3),
        (Self::KillAtPoint, 1),
        (Self::KillAndTakeOver, 1),
        (Self::Zombie, 1),
        (Self::Network, 1),
        (Self::Scale, 1),
    ];
}

/// Faults that occur only on request.
pub const ON_DEMAND: [Kind; 1] = [Kind::DiskFull];

/// Points in `src/stream`, and the maximum number of passes before the process kills itself there.
const POINTS: [(&str, u64); 7] = [
    ("before-cycle", 9),
    ("before-begin", 6),
    ("after-produce", 6),
    ("before-commit", 6),
    ("after-commit", 6),
    ("in-restore", 200),
    ("in-revocation", 2),
];
/// The same in the repartition stage, whose threads start once the aliases have been read and the group has settled.
const STAGE_POINTS: [(&str, u64); 2] = [("before-repartition-commit", 4), ("after-repartition-commit", 4)];
/// The same for blocking.
const STALLS: [(&str, u64); 4] = [("before-cycle", 9), ("before-begin", 6), ("after-produce", 6), ("before-commit", 6)];
/// The session lasts three seconds, a transaction ten.
const PAST_SESSION: Duration = Duration::from_millis(4500);
const PAST_TRANSACTION: Duration = Duration::from_secs(13);
const POINT_LIMIT: Duration = Duration::from_secs(8);
/// The same with a repartition stage, in which records pass two groups.
const STAGE_POINT_LIMIT: Duration = Duration::from_secs(25);
/// Time within which an instance sends every kind of request at least once.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);
/// Time within which a zombie has learned what happened without it.
const AWAKENING: Duration = Duration::from_secs(3);

impl Campaign<'_> {
    /// Causes a fault and waits for progress. Returns its details.
    ///
    /// # Errors
    /// If progress does not resume.
    pub fn cause(&mut self, kind: Kind) -> Result<String, Violation> {
        let plain = |()| String::new();
        match kind {
            Kind::Kill => self.kill().map(plain),
            Kind::KillAndTakeOver => self.kill_and_take_over().map(plain),
            Kind::KillAll => self.kill_all().map(plain),
            Kind::KillTwice => self.kill_twice().map(plain),
            Kind::KillAtPoint => self.kill_at_point(&POINTS),
            Kind::KillBeforeCommit => self.kill_at_point(&[("after-produce", 6), ("before-commit", 6)]),
            Kind::Zombie => self.zombie().map(plain),
            Kind::Stall => self.stall(&STALLS, 9_000),
            Kind::KillStage => self.kill_at_point(&STAGE_POINTS),
            Kind::ZombieStage => self.stall(&STAGE_POINTS[..1], 14_000),
            Kind::LateZombie => self.late_zombie().map(plain),
            Kind::LostAnswer => self.lost_answer(),
            Kind::BrokerKill => self.restart_broker("KILL").map(plain),
            Kind::BrokerKillInRestore => self.kill_broker_in_restore(),
            Kind::BrokerBounce => self.restart_broker("TERM").map(plain),
            Kind::DiskFull => self.fill_disk().map(plain),
            Kind::Network => self.network(),
            Kind::Scale => self.scale(),
            Kind::LeaderLoss => self.lose_leader(),
            Kind::CoordinatorLoss => self.lose_coordinator(),
            Kind::ElectionInCommit => self.elect_in_commit(),
            Kind::ElectionInRestore => self.elect_in_restore(),
        }
    }

    /// A random running instance.
    pub(super) fn any(&mut self) -> Result<usize, Violation> {
        self.at_least(1)?;
        let running = self.fleet.running();
        Ok(self.random.one_of(&running))
    }

    /// Starts instances until `count` are running, and lets them settle.
    fn at_least(&mut self, count: usize) -> Result<(), Violation> {
        let running = self.fleet.running().len();
        let missing: Vec<_> = self.fleet.free().into_iter().take(count.saturating_sub(running)).collect();
        for place in &missing {
            self.fleet.start(*place, None);
        }
        if missing.is_empty() { Ok(()) } else { self.recover().map(drop) }
    }

    /// Waits for a random moment, so the fault hits an instance anywhere in its work. No assertion depends on it.
    pub(super) fn moment(&mut self, millis_max: u64) -> Result<(), Violation> {
        let (began, moment) = (Instant::now(), Duration::from_millis(self.random.between(0, millis_max)));
        self.outlast(began, moment)
    }

    /// Supervises the instances for a while.
    fn outlast(&mut self, began: Instant, time: Duration) -> Result<(), Violation> {
        let mut result = Ok(());
        in_time(time.saturating_sub(began.elapsed()), || {
            result = self.fleet.supervise();
            result.is_err().then_some(())
        });
        result
    }

    /// kill -9 of these instances, restarted at once, and the time until every task makes progress.
    fn restart(&mut self, places: &[usize]) -> Result<(), Violation> {
        let began = Instant::now();
        for place in places {
            self.fleet.kill(*place);
        }
        self.go_on_after(began, places)
    }

    /// Restarts instances that were killed at `began`, and records the time until every task makes progress.
    fn go_on_after(&mut self, began: Instant, places: &[usize]) -> Result<(), Violation> {
        for place in places {
            self.fleet.start(*place, None);
        }
        self.recover()?;
        self.figures.restarted(began.elapsed());
        Ok(())
    }

    fn kill(&mut self) -> Result<(), Violation> {
        let place = self.any()?;
        self.moment(400)?;
        self.restart(&[place])
    }

    fn kill_and_take_over(&mut self) -> Result<(), Violation> {
        self.at_least(2)?;
        let place = self.any()?;
        self.moment(400)?;
        let began = Instant::now();
        self.fleet.kill(place);
        self.recover()?;
        self.figures.taken_over(began.elapsed());
        self.fleet.start(place, None);
        Ok(())
    }

    fn kill_all(&mut self) -> Result<(), Violation> {
        self.at_least(PLACES - 1)?;
        self.moment(400)?;
        let running = self.fleet.running();
        self.restart(&running)
    }

    fn kill_twice(&mut self) -> Result<(), Violation> {
        let place = self.any()?;
        self.fleet.kill(place);
        self.fleet.start(place, None);
        self.moment(2500)?;
        self.restart(&[place])
    }

    fn kill_at_point(&mut self, points: &[(&str, u64)]) -> Result<String, Violation> {
        let place = self.any()?;
        let (point, passages) = self.random.one_of(points);
        let fault = format!("{point}:{}", self.random.between(1, passages));
        self.fleet.terminate(place)?;
        self.fleet.start(place, Some(fault.clone()));
        if point == "in-revocation" {
            // A joining member makes the others give up their partitions.
            self.at_least(self.fleet.running().len().min(PLACES - 1) + 1)?;
        }
        let mut result = Ok(());
        let limit = if points == STAGE_POINTS { STAGE_POINT_LIMIT } else { POINT_LIMIT };
        let fallen = in_time(limit, || {
            // The load may have come to its end, and without an event there is no transaction in the stage.
            self.beat();
            result = self.fleet.supervise();
            (result.is_err() || self.fleet.has_fallen(place)).then_some(())
        });
        result?;
        let began = Instant::now();
        if fallen.is_some() {
            self.figures.fallen(point);
        } else {
            // It never reached the point: an empty assignment has nothing to restore or write.
            self.fleet.kill(place);
        }
        self.go_on_after(began, &[place])?;
        Ok(if fallen.is_some() { fault } else { format!("{fault} was not reached") })
    }

    fn zombie(&mut self) -> Result<(), Violation> {
        self.at_least(2)?;
        let place = self.any()?;
        let (began, time) = (Instant::now(), if self.random.permille(300) { PAST_TRANSACTION } else { PAST_SESSION });
        self.fleet.signal(place, "STOP");
        let result = self.recover().and_then(|_| self.outlast(began, time));
        self.fleet.signal(place, "CONT");
        result?;
        self.outlast(Instant::now(), AWAKENING)?;
        self.recover().map(drop)
    }

    fn late_zombie(&mut self) -> Result<(), Violation> {
        self.at_least(2)?;
        // A dynamic member, because a static one is already fenced by its name.
        let place = self.random.one_of(&[1, 3]);
        self.fleet.terminate(place)?;
        self.fleet.start_patient(place, "before-cycle:10:14000".to_owned());
        let restored = in_time(POINT_LIMIT, || self.fleet.has_logged(place, "restored").then_some(()));
        let began = Instant::now();
        self.outlast(began, Duration::from_secs(3))?;
        self.fleet.signal(place, "STOP");
        let result = self.outlast(began, Duration::from_secs(3) + PAST_SESSION);
        self.fleet.signal(place, "CONT");
        result?;
        self.recover()?;
        if restored.is_some() {
            self.outlast(began, Duration::from_secs(17))?;
        }
        self.recover().map(drop)
    }

    /// Blocks a thread at one of these points for up to so many milliseconds.
    fn stall(&mut self, points: &[(&str, u64)], pause_max: u64) -> Result<String, Violation> {
        self.at_least(2)?;
        let place = self.any()?;
        let (point, passages) = self.random.one_of(points);
        let pause = self.random.between(6_000, pause_max);
        self.fleet.terminate(place)?;
        let began = Instant::now();
        let fault = format!("{point}:{}:{pause}", self.random.between(1, passages));
        self.fleet.start(place, Some(fault.clone()));
        self.recover()?;
        self.outlast(began, Duration::from_millis(pause + 3_000))?;
        self.recover().map(|_| fault)
    }

    fn restart_broker(&mut self, signal: &str) -> Result<(), Violation> {
        self.moment(400)?;
        self.broker.end(signal);
        let away = if self.random.permille(300) { 6_000 } else { 0 };
        self.moment(away)?;
        self.broker.start_again();
        self.recover().map(drop)
    }

    fn kill_broker_in_restore(&mut self) -> Result<String, Violation> {
        let place = self.any()?;
        self.fleet.terminate(place)?;
        self.fleet.start_patient(place, format!("in-restore:{}:4000", self.random.between(1, 100)));
        in_time(POINT_LIMIT, || self.fleet.has_logged(place, "assigned").then_some(()));
        self.moment(1000)?;
        let details = if self.fleet.has_logged(place, "restored") { "too late" } else { "" };
        self.broker.end("KILL");
        self.broker.start_again();
        self.recover().map(|_| details.to_owned())
    }

    fn fill_disk(&mut self) -> Result<(), Violation> {
        let disk = self.disk.expect("a campaign with this fault has one");
        disk.fill();
        self.broker.wait_for_end();
        disk.empty();
        self.broker.start_again();
        self.recover().map(drop)
    }

    fn network(&mut self) -> Result<String, Violation> {
        let (api, action) = (self.apis.draw(&mut self.random), self.random.one_of(&Action::ALL));
        let permille = self.random.one_of(&[200, 1000]);
        let left = self.random.between(1, 4);
        let started = if api.is_of_the_start() { Some(self.any()?) } else { None };
        if let Some(place) = started {
            self.fleet.terminate(place)?;
        }
        let before = self.proxy.disturbed(api);
        self.proxy.disturb(Disturbance { api, action, permille, left });
        if let Some(place) = started {
            self.fleet.start(place, None);
        }
        // A record to commit, for the requests of a transaction.
        self.pulse();
        let mut result = self.moment(6_000);
        let hit = in_time(REQUEST_LIMIT, || {
            result = result.clone().and_then(|()| self.fleet.supervise());
            (result.is_err() || self.proxy.disturbed(api) > before).then_some(())
        });
        self.proxy.calm();
        result?;
        if hit.is_none() {
            return Err(Violation::new("proxy", format!("no {api:?} request came by to be disturbed within {REQUEST_LIMIT:?}")));
        }
        self.recover().map(|_| format!("{api:?} {action:?} {permille}"))
    }

    fn lost_answer(&mut self) -> Result<String, Violation> {
        let action = self.random.one_of(&[Action::DropRequest, Action::DropAnswer]);
        let began = Instant::now();
        self.proxy.disturb(Disturbance { api: Api::EndTxn, action, permille: 1000, left: 6 });
        let result = self.outlast(began, PAST_TRANSACTION);
        self.proxy.calm();
        result?;
        self.recover().map(|_| format!("{action:?}"))
    }

    fn scale(&mut self) -> Result<String, Violation> {
        let target = usize::try_from(self.random.between(1, PLACES as u64)).unwrap();
        while self.fleet.running().len() > target {
            let place = self.any()?;
            self.fleet.terminate(place)?;
        }
        self.at_least(target)?;
        self.recover().map(|_| format!("to {target}"))
    }
}
