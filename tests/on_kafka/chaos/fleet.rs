//! Instances under a supervisor: those that exit are restarted, and their exit is checked.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::Violation;
use crate::kafka::in_time;
use crate::kafka::service::{Application, Service};

/// Codes with which an instance may exit while its cluster is broken: it cannot make progress and reports it.
pub const PERMITTED: [&str; 4] = ["kafka", "no_progress", "fenced", "restore_stuck"];
const SIGKILL: i32 = 9;
/// Time within which SIGTERM ends an instance.
const TERMINATION_LIMIT: Duration = Duration::from_secs(10);

/// One place for an instance.
struct Slot {
    /// Stream threads.
    threads: u64,
    /// Whether its membership is static.
    is_static: bool,
    service: Option<Service>,
    /// Whether it kills itself at a named point.
    is_armed: bool,
}

pub struct Fleet<'a> {
    application: &'a Application,
    slots: Vec<Slot>,
    mutant: Option<&'static str>,
    pub kills: u64,
    /// How often instances exited on their own, by code.
    pub exits: BTreeMap<String, u64>,
}

impl<'a> Fleet<'a> {
    /// Places for instances of 1 and 2 threads, every other one with static membership; none runs yet.
    pub fn new(application: &'a Application, places: usize, mutant: Option<&'static str>) -> Self {
        let slot = |number: usize| Slot {
            threads: 1 + number as u64 / 2 % 2,
            is_static: number.is_multiple_of(2),
            service: None,
            is_armed: false,
        };
        Self { application, slots: (0..places).map(slot).collect(), mutant, kills: 0, exits: BTreeMap::new() }
    }

    /// The places in which an instance runs.
    pub fn running(&self) -> Vec<usize> {
        (0..self.slots.len()).filter(|place| self.slots[*place].service.is_some()).collect()
    }

    /// The places in which none runs.
    pub fn free(&self) -> Vec<usize> {
        (0..self.slots.len()).filter(|place| self.slots[*place].service.is_none()).collect()
    }

    /// Starts an instance with a fault at a named point. A pause is meant to exceed `max.poll.interval.ms`.
    pub fn start(&mut self, place: usize, fault: Option<String>) {
        let impatient = fault.as_ref().map(|_| "kafka.properties.\"max.poll.interval.ms\"=4000");
        self.launch(place, fault, impatient);
    }

    /// Starts an instance with a pause at a named point that is too short for its client to react.
    pub fn start_patient(&mut self, place: usize, fault: String) {
        self.launch(place, Some(fault), None);
    }

    fn launch(&mut self, place: usize, fault: Option<String>, setting: Option<&str>) {
        let slot = &mut self.slots[place];
        let mut arguments = vec!["--set".to_owned(), format!("application.threads={}", slot.threads)];
        if slot.is_static {
            arguments.extend(["--set".to_owned(), format!("application.instance=i{place}")]);
        }
        arguments.extend(setting.into_iter().flat_map(|setting| ["--set".to_owned(), setting.to_owned()]));
        let mut variables: Vec<_> = self.mutant.iter().map(|mutant| ("CHURNWATCH_MUTANT", (*mutant).to_owned())).collect();
        slot.is_armed = fault.as_ref().is_some_and(|fault| fault.split(':').count() == 2);
        variables.extend(fault.map(|fault| ("CHURNWATCH_FAULT", fault)));
        slot.service = Some(self.application.start_with(&arguments, &variables));
    }

    /// Whether an instance has logged a message.
    pub fn has_logged(&self, place: usize, message: &str) -> bool {
        self.slots[place].service.as_ref().is_some_and(|service| service.log().contains(&format!(" {message} ")))
    }

    /// An instance that nobody supervises.
    pub fn instance(&self) -> Service {
        let variables: Vec<_> = self.mutant.iter().map(|mutant| ("CHURNWATCH_MUTANT", (*mutant).to_owned())).collect();
        self.application.start_with(&[], &variables)
    }

    /// SIGKILL.
    pub fn kill(&mut self, place: usize) {
        if let Some(service) = self.slots[place].service.take() {
            service.kill();
            self.kills += 1;
        }
    }

    /// Another signal.
    pub fn signal(&self, place: usize, name: &str) {
        if let Some(service) = &self.slots[place].service {
            service.signal(name);
        }
    }

    /// Sends SIGTERM, which must end the instance with status 0 within ten seconds, whatever it is doing.
    ///
    /// # Errors
    /// If it does not, or if an instance has exited on its own with a code that no injected fault explains.
    pub fn terminate(&mut self, place: usize) -> Result<(), Violation> {
        self.supervise()?;
        let Some(mut service) = self.slots[place].service.take() else { return Ok(()) };
        let began = Instant::now();
        service.signal("TERM");
        let status = in_time(2 * TERMINATION_LIMIT, || service.ended());
        let (lasted, log) = (began.elapsed(), service.log());
        if let Some(status) = status
            && !log.contains("shutting down")
            && !status.success()
        {
            return self.exited(&log, status);
        }
        if status.is_some_and(|status| status.success()) && lasted < TERMINATION_LIMIT {
            return Ok(());
        }
        let end = status.map_or_else(|| "it still runs".to_owned(), |status| status.to_string());
        Err(Violation::new("exit", format!("{lasted:?} after SIGTERM: {end}\n{log}")))
    }

    /// Whether an instance that was to kill itself at a named point has done so; its place is free then.
    pub fn has_fallen(&self, place: usize) -> bool {
        self.slots[place].service.is_none()
    }

    /// Restarts instances that exited on their own, except those that killed themselves at a named point.
    ///
    /// # Errors
    /// If one exited with a code that no injected fault explains.
    pub fn supervise(&mut self) -> Result<(), Violation> {
        for place in 0..self.slots.len() {
            let slot = &mut self.slots[place];
            let Some(status) = slot.service.as_mut().and_then(Service::ended) else { continue };
            let log = slot.service.take().unwrap().log();
            if slot.is_armed && status.signal() == Some(SIGKILL) {
                self.kills += 1;
                continue;
            }
            self.exited(&log, status)?;
            self.start(place, None);
        }
        Ok(())
    }

    /// Counts an instance that exited on its own.
    fn exited(&mut self, log: &str, status: ExitStatus) -> Result<(), Violation> {
        let code = code_of(log).to_owned();
        if status.code() != Some(1) || !PERMITTED.contains(&code.as_str()) || log.contains("panicked") {
            return Err(Violation::new("exit", format!("an instance ended with {status} and `{code}`:\n{log}")));
        }
        *self.exits.entry(code).or_default() += 1;
        Ok(())
    }

    /// The response to a GET of the only instance.
    pub fn get(&self, path: &str) -> String {
        let running = self.running();
        assert_eq!(running.len(), 1);
        self.slots[running[0]].service.as_ref().unwrap().get(path)
    }
}

/// The code in the last line of an instance that has ended.
pub fn code_of(log: &str) -> &str {
    let last = log.lines().last().and_then(|line| line.strip_prefix("error: "));
    last.and_then(|line| line.split(':').next()).unwrap_or_default()
}
