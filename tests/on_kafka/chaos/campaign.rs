//! One campaign: an application with its own topics and broker, a fleet of instances, one fault after another, and the final check.

use std::net::TcpListener;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::Violation;
use super::check::{self, Looked, Restored};
use super::deck::Deck;
use super::disk::Disk;
use super::fault::Kind;
use super::figures::Figures;
use super::fleet::{Fleet, PERMITTED, code_of};
use super::load::{self, AHEAD_MAX_MS, Feed, Load, REMEMBERED_DAYS, Size};
use super::proxy::{Api, Proxy};
use super::random::Random;
use super::stage::{self, Stage};
use crate::kafka::broker::{Broker, free_port};
use crate::kafka::client::{self, Group};
use crate::kafka::in_time;
use crate::kafka::input::{Topics, now};
use crate::kafka::service::Application;

/// Time within which every partition makes progress after a fault, or the process exits and is restarted.
pub const PROGRESS_LIMIT: Duration = Duration::from_mins(4);
/// Places for instances.
pub const PLACES: usize = 4;
pub const PARTITIONS: i32 = 4;

/// The parameters of a campaign.
#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    /// 1, or a cluster of 3.
    pub brokers: usize,
    /// Maximum number of faults.
    pub faults: usize,
    /// No fault starts after this.
    pub until: Option<Instant>,
    pub size: Size,
    /// Records per second that arrive while things break.
    pub per_second: u64,
    /// The kinds of faults to choose from.
    pub kinds: Vec<Kind>,
    /// Time within which everything must make progress after a fault.
    pub progress_limit: Duration,
    /// A rule that the service breaks on purpose.
    pub mutant: Option<&'static str>,
    /// Whether usage, billing and support pass the repartition stage.
    pub has_stage: bool,
}

/// A campaign under way.
pub struct Campaign<'a> {
    pub broker: &'a Broker,
    pub proxy: &'a Proxy,
    pub topics: &'a Topics,
    /// Where the broker's logs are, if that disk can be filled.
    pub disk: Option<&'a Disk>,
    pub application: &'a Application,
    pub fleet: Fleet<'a>,
    pub random: Random,
    /// What the next network faults disturb.
    pub apis: Deck<Api>,
    pub figures: Figures,
    progress_limit: Duration,
    group: Group,
    stage: Option<Stage>,
}

/// Why a campaign ended early, and after how many faults.
pub struct Caught {
    pub faults: usize,
    pub violations: Vec<Violation>,
}

/// Runs a campaign.
///
/// # Errors
/// The violation of an invariant.
pub fn run(plan: &Plan) -> Result<Figures, Caught> {
    let (proxy, listeners) = Proxy::listen(plan.seed, plan.brokers);
    let disk = plan.kinds.contains(&Kind::DiskFull).then(|| Disk::mount().expect("a full disk takes the rights to mount one"));
    let broker = start_brokers(&proxy, listeners, disk.as_ref());
    let topics = if plan.has_stage { stage::create_topics(&broker) } else { Topics::create(&broker, "chaos", PARTITIONS) };
    let Load { mut older, mut newer } = load::simulated(plan.seed, plan.size);
    if plan.has_stage {
        (older, newer) = (stage::with_foreign_keys(older), stage::with_foreign_keys(newer));
    }
    topics.fill(&broker, &older);
    let mut application = Application::new(&broker, &topics);
    configure(&mut application, &proxy);
    let stage = plan.has_stage.then(|| Stage::of(&broker, &mut application));
    let feed = Feed::begin(&broker, &topics, newer, plan.per_second, plan.seed);

    let mut campaign = Campaign {
        broker: &broker,
        proxy: &proxy,
        topics: &topics,
        disk: disk.as_ref(),
        application: &application,
        fleet: Fleet::new(&application, PLACES, plan.mutant),
        random: Random::new(plan.seed),
        apis: Deck::new(&Api::ALL),
        figures: Figures::default(),
        progress_limit: plan.progress_limit,
        group: Group::new(&broker, &application.id),
        stage,
    };
    let result = campaign.go_through(plan);
    feed.end();
    let result = match result {
        Ok(()) => campaign.conclude(plan),
        Err(violations) => Err(campaign.give_up(violations)),
    };
    let Campaign { mut figures, fleet, .. } = campaign;
    figures.kills += fleet.kills;
    figures.exits.extend(fleet.exits.clone());
    drop(fleet);
    broker.end("KILL");
    match result {
        Ok(looked) => {
            figures.looked(&looked, &proxy);
            Ok(figures)
        }
        Err(violations) => Err(Caught { faults: figures.faults(), violations }),
    }
}

/// Brokers behind the proxy. Only clients that use its address go through it.
pub fn start_brokers(proxy: &Proxy, listeners: Vec<TcpListener>, disk: Option<&Disk>) -> Broker {
    let proxied: Vec<u16> = proxy.ports.iter().map(|_| free_port()).collect();
    let broker = if let [port] = proxied[..] {
        let logs = disk.map(|disk| format!("log.dirs={}\n", disk.data().display())).unwrap_or_default();
        Broker::start(|direct, controller| behind_proxy(direct, controller, port, proxy.ports[0]) + &logs, "")
    } else {
        Broker::cluster(i32::try_from(proxied.len()).unwrap(), |node| {
            let place = usize::try_from(node.id).unwrap() - 1;
            behind_proxy(node.port, node.controller, proxied[place], proxy.ports[place])
        })
    };
    for (listener, port) in listeners.into_iter().zip(proxied) {
        proxy.forward(listener, port);
    }
    broker
}

/// A second listener, which advertises the proxy to its clients.
fn behind_proxy(port: u16, controller: u16, proxied: u16, proxy: u16) -> String {
    format!(
        "listeners=PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{proxied},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{proxy}\n\
         listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT\n\
         inter.broker.listener.name=PLAINTEXT\n"
    )
}

/// Short timeouts, so a campaign sees many of them, and low publish thresholds, so most events cause changes.
fn configure(application: &mut Application, proxy: &Proxy) {
    let remembered = REMEMBERED_DAYS.to_string();
    let bootstrap = proxy.address();
    for (key, value) in [
        ("kafka.bootstrap_servers", bootstrap.as_str()),
        ("kafka.properties.\"session.timeout.ms\"", "3000"),
        ("kafka.properties.\"heartbeat.interval.ms\"", "500"),
        ("kafka.properties.\"max.poll.interval.ms\"", "20000"),
        ("kafka.properties.\"socket.timeout.ms\"", "5000"),
        ("kafka.properties.\"reconnect.backoff.max.ms\"", "1000"),
        ("time.dedup_days", &remembered),
        ("publish.score_points", "0.5"),
        ("publish.risk", "0.005"),
        ("streams.usage.stale_after_hours", "never"),
        ("streams.billing.stale_after_hours", "never"),
        ("streams.support.stale_after_hours", "never"),
    ] {
        application.set(key, value);
    }
}

impl Campaign<'_> {
    fn go_through(&mut self, plan: &Plan) -> Result<(), Vec<Violation>> {
        let alone = |violation| vec![violation];
        self.fleet.start(0, None);
        self.fleet.start(1, None);
        self.recover().map_err(alone)?;
        let mut deck = Deck::new(&plan.kinds);
        for number in 0..plan.faults {
            // A campaign without any fault would show nothing, however slow the machine.
            if number > 0 && plan.until.is_some_and(|until| Instant::now() > until) {
                break;
            }
            let kind = deck.draw(&mut self.random);
            let began = Instant::now();
            self.figures.count(kind);
            let details = self.cause(kind).map_err(alone)?;
            eprintln!("  fault {} of {}: {kind:?} {details}, {:.1} s", number + 1, plan.faults, began.elapsed().as_secs_f64());
        }
        Ok(())
    }

    /// Checks what was committed before something went wrong.
    fn give_up(&mut self, mut violations: Vec<Violation>) -> Vec<Violation> {
        self.proxy.calm();
        for place in self.fleet.running() {
            self.fleet.kill(place);
        }
        violations.extend(check::check_commits(self.broker, self.application));
        violations
    }

    /// Reads what is left with one instance, stops it, and checks everything.
    fn conclude(&mut self, plan: &Plan) -> Result<Looked, Vec<Violation>> {
        let alone = |violation| vec![violation];
        self.proxy.calm();
        self.recover().map_err(alone)?;
        let ahead = now() + i64::try_from(AHEAD_MAX_MS).unwrap() + 1_000;
        in_time(PROGRESS_LIMIT, || (now() > ahead).then_some(()));
        self.recover().map_err(alone)?;
        for place in self.fleet.running() {
            self.fleet.terminate(place).map_err(alone)?;
        }
        if let Some(stage) = &self.stage {
            let witness = self.witness()?;
            return check::stage::check(self.broker, self.topics, self.application, stage, &witness);
        }
        self.fleet.start(0, None);
        let restored = self.restored()?;
        self.fleet.terminate(0).map_err(alone)?;
        let witness = self.witness()?;
        let looked = check::check(self.broker, self.topics, self.application, &witness, &restored, plan.seed)?;
        self.move_offsets().map_err(alone)?;
        Ok(looked)
    }

    /// Writes a record of unknown type to every partition and waits until everything up to it is committed: every task makes progress.
    /// Returns the time that took.
    ///
    /// # Errors
    /// If it takes longer than guaranteed, or an instance exits with an unexpected code.
    pub fn recover(&mut self) -> Result<Duration, Violation> {
        let began = Instant::now();
        self.pulse();
        if self.stage.is_some() {
            self.reach(&Stage::inputs(self.broker, self.topics), |campaign| campaign.stage.as_ref().map(|stage| &stage.group))?;
        }
        let ends = match &self.stage {
            Some(stage) => stage.outputs(self.broker, self.topics),
            None => self.topics.all().into_iter().map(|topic| (topic.clone(), client::ends(self.broker, &topic))).collect(),
        };
        self.reach(&ends, |campaign| Some(&campaign.group))?;
        Ok(began.elapsed())
    }

    /// Waits until a group has committed these offsets.
    fn reach(&mut self, ends: &[(String, Vec<i64>)], group: impl Fn(&Self) -> Option<&Group>) -> Result<(), Violation> {
        let mut reached = Vec::new();
        let done = in_time(self.progress_limit, || {
            if let Err(violation) = self.fleet.supervise() {
                return Some(Err(violation));
            }
            if self.fleet.running().is_empty() {
                self.fleet.start(0, None);
            }
            let Some(group) = group(self) else { return Some(Ok(())) };
            reached = ends.iter().map(|(topic, ends)| group.committed(topic, i32::try_from(ends.len()).unwrap())).collect();
            let all = ends.iter().zip(&reached).all(|((_, ends), reached)| reached.iter().zip(ends).all(|(offset, end)| offset >= end));
            all.then_some(Ok(()))
        });
        match done {
            Some(result) => result,
            None => Err(Violation::new("I9", format!("no progress for {:?}: committed {reached:?} of {ends:?}", self.progress_limit))),
        }
    }

    /// Writes a record of unknown type to every partition.
    pub fn pulse(&self) {
        let usage = self.topics.of(churnwatch::event::Stream::Usage);
        let pulse = br#"{"type":"pulse"}"#.as_slice();
        client::produce_scattered(self.broker, PARTITIONS, (0..PARTITIONS).map(|_| (usage.as_str(), None, pulse, now())));
    }

    /// Writes an event to every partition of the usage topic of the stage, if there is one.
    pub fn beat(&self) {
        if self.stage.is_none() {
            return;
        }
        let usage = self.topics.of(churnwatch::event::Stream::Usage);
        let (at, partitions) = (now(), client::partitions(self.broker, &usage));
        let event = |n| {
            let fields = r#""type":"feature_used","account_id":"acct-beat","user_id":"u-0","feature":"beat""#;
            format!(r#"{{{fields},"id":"beat-{at}-{n}","occurred_at":{at}}}"#)
        };
        let events: Vec<String> = (0..partitions).map(event).collect();
        client::produce_scattered(self.broker, partitions, events.iter().map(|event| (usage.as_str(), None, event.as_bytes(), at)));
    }

    /// Moves the group's offsets while no instance runs: the next instance must refuse to continue and report it.
    fn move_offsets(&mut self) -> Result<(), Violation> {
        let usage = self.topics.of(churnwatch::event::Stream::Usage);
        self.group.commit(&usage, 1, 0);
        let mut log = String::new();
        for _ in 0..3 {
            let mut service = self.fleet.instance();
            let ended = in_time(PROGRESS_LIMIT, || service.ended().or_else(|| self.has_moved(&usage).then(ExitStatus::default)));
            log = service.log();
            let code = code_of(&log);
            if code == "offsets_moved" {
                return Ok(());
            }
            // On a machine that stalls for longer than a timeout, the reason may differ; it may try again.
            if ended.is_none_or(|status| status.success()) || !PERMITTED.contains(&code) {
                break;
            }
        }
        Err(Violation::new("I5", format!("an instance continues although the group was moved:\n{log}")))
    }

    /// Whether the offset that was moved to 0 has moved on.
    fn has_moved(&self, topic: &str) -> bool {
        self.group.committed(topic, PARTITIONS)[1] > 0
    }

    /// What the only instance reports after it has restored everything.
    fn restored(&mut self) -> Result<Restored, Vec<Violation>> {
        let answers = in_time(self.progress_limit, || {
            if let Err(violation) = self.recover() {
                return Some(Err(vec![violation]));
            }
            // A process that stalls for longer than its session loses its tasks and takes them back.
            // Only then is the list requested: an instance may return the same list for a second.
            if self.tasks_owned() < PARTITIONS {
                return None;
            }
            let answers = self.answers();
            (self.tasks_owned() == PARTITIONS).then_some(answers)
        });
        answers.unwrap_or_else(|| Err(vec![Violation::new("I9", "the only instance does not hold all tasks".to_owned())]))
    }

    fn tasks_owned(&self) -> i32 {
        let pipeline = self.asked("/api/pipeline");
        pipeline.and_then(|pipeline| i32::try_from(pipeline["tasks_owned"].as_i64()?).ok()).unwrap_or_default()
    }

    fn answers(&self) -> Result<Restored, Vec<Violation>> {
        let missing = |what: &str| vec![Violation::new("I4", format!("{what} cannot be read"))];
        let pipeline = self.asked("/api/pipeline").ok_or_else(|| missing("the pipeline"))?;
        let list = self.asked("/api/accounts?limit=1000").ok_or_else(|| missing("the list of accounts"))?;
        let accounts = list["accounts"].as_array().map(Vec::as_slice).unwrap_or_default();
        let ids = accounts.iter().filter_map(|account| account["account_id"].as_str());
        Ok(Restored { pipeline, lines: ids.filter_map(|id| Some((id.to_owned(), self.asked(&format!("/api/accounts/{id}"))?))).collect() })
    }

    /// The JSON response of the only instance.
    fn asked(&self, path: &str) -> Option<serde_json::Value> {
        let answer = self.fleet.get(path);
        answer.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok())
    }

    /// An application that reads the same input without faults.
    fn witness(&self) -> Result<Application, Vec<Violation>> {
        let mut witness = Application::new(self.broker, self.topics);
        configure(&mut witness, self.proxy);
        let topics = match &self.stage {
            Some(_) => stage::make_native(self.broker, self.topics, &mut witness),
            None => self.topics.all(),
        };
        let mut service = witness.start();
        let group = Group::new(self.broker, &witness.id);
        let done = in_time(PROGRESS_LIMIT, || {
            service.assert_alive();
            let reached = |topic: &String| group.committed(topic, PARTITIONS) == client::ends(self.broker, topic);
            topics.iter().all(reached).then_some(())
        });
        service.terminate();
        done.map(|()| witness).ok_or_else(|| vec![Violation::new("I9", "the undisturbed application does not come to the end".to_owned())])
    }
}
