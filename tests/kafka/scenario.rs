//! One application with its own topics, and the steps that tests share.

use std::time::Duration;

use churnwatch::simulate::SimulatedRecord;

use super::broker::Broker;
use super::client::{self, Group};
use super::eventually;
use super::input::Topics;
use super::service::{Application, Service};

pub const LIMIT: Duration = Duration::from_secs(90);

pub struct Scenario {
    pub broker: &'static Broker,
    pub topics: Topics,
    pub application: Application,
}

impl Scenario {
    /// Topics with these records, and an application that has not run yet.
    pub fn new(name: &str, partitions: i32, records: &[SimulatedRecord]) -> Self {
        Self::on(Broker::shared(), name, partitions, records)
    }

    /// The same on a broker other than the shared one.
    pub fn on(broker: &'static Broker, name: &str, partitions: i32, records: &[SimulatedRecord]) -> Self {
        let topics = Topics::create(broker, name, partitions);
        topics.fill(broker, records);
        let application = Application::new(broker, &topics);
        Self { broker, topics, application }
    }

    pub fn group(&self) -> Group {
        Group::new(self.broker, &self.application.id)
    }

    /// The committed offsets of all inputs, in the order of [`Topics::all`].
    pub fn committed(&self) -> Vec<Vec<i64>> {
        let group = self.group();
        self.topics.all().iter().map(|topic| group.committed(topic, self.topics.partitions)).collect()
    }

    /// The end offsets of all inputs.
    pub fn ends(&self) -> Vec<Vec<i64>> {
        self.topics.all().iter().map(|topic| client::ends(self.broker, topic)).collect()
    }

    /// Waits until the group's offsets have reached the ends of the inputs.
    pub fn wait_for_end(&self, service: &mut Service) {
        let (group, topics, ends) = (self.group(), self.topics.all(), self.ends());
        eventually("the end of the inputs", LIMIT, || {
            service.assert_alive();
            let reached = |(topic, ends): (&String, &Vec<i64>)| group.committed(topic, self.topics.partitions) == *ends;
            topics.iter().zip(&ends).all(reached).then_some(())
        });
    }

    /// Reads everything with one instance, and stops it.
    pub fn run_to_end(&self) {
        let mut service = self.application.start();
        self.wait_for_end(&mut service);
        service.terminate();
    }

    /// Starts an instance that must fail with this code, and must have committed nothing beyond its start offsets.
    pub fn fails_with(&self, code: &str) -> String {
        let read = || self.committed().concat().into_iter().map(|offset| offset.max(0)).collect::<Vec<_>>();
        let before = read();
        let log = self.application.start().fails_with(code);
        assert_eq!(read(), before, "an instance that fails commits nothing");
        log
    }
}
