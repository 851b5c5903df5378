//! Whether another process has taken over the name of a member of the group.
//!
//! A static member joins by its name alone, first of all or after its session has ended, and the group then fences whoever has it: a
//! successor, if one was started while this process was suspended or cut off. So it looks first, if it has been away for long enough.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::failure::Failure;
use super::options::Options;
use crate::clock::{Deadline, monotonic};
use crate::fault;
use crate::kafka::{Inspector, Properties, TransactionalProducer, wait};

/// Who had the names of this process's members when it started: an earlier run that is still in the group, or nobody.
#[derive(Debug)]
pub(super) struct NamesAtStart {
    began: Instant,
    /// Member ids by name, of all groups.
    holders: BTreeMap<String, String>,
}

impl NamesAtStart {
    /// Asks for the named members of the groups, if this process has a name.
    pub(super) fn look(options: &Options, inspector: &Inspector) -> Self {
        let began = monotonic();
        if options.instance.is_none() {
            return Self { began, holders: BTreeMap::new() };
        }
        let deadline = Deadline::after(wait::OUTAGE);
        let stage = options.repartitioned().next().map(|_| options.repartition_group());
        let groups = [options.application.clone()].into_iter().chain(stage);
        let holders = groups.flat_map(|group| inspector.named_members(&group, || !deadline.passed())).collect();
        Self { began, holders }
    }
}

/// A member with a name, and the client that looks the name up.
pub(super) struct Namesake {
    group: String,
    instance: String,
    inspector: Inspector,
    /// When this process started to look.
    began: Instant,
    /// Who had the name then.
    predecessor: Option<String>,
    session: Duration,
}

impl Namesake {
    /// Contacts no broker. `None` without a name: nobody else can have it.
    ///
    /// # Errors
    /// If librdkafka refuses the properties.
    pub(super) fn of(group: &str, instance: Option<&str>, options: &Options, names: &NamesAtStart) -> Result<Option<Self>, Failure> {
        let Some(instance) = instance else { return Ok(None) };
        Ok(Some(Self {
            group: group.to_owned(),
            instance: instance.to_owned(),
            inspector: Inspector::patient(&options.properties)?,
            began: names.began,
            predecessor: names.holders.get(instance).cloned(),
            session: options.properties.session_timeout(),
        }))
    }

    /// Before the name is used for the first time: fails if a process that was started later has it. Nobody gives up a process sooner than
    /// the group would, so until a session has passed since the start, the last to come is this one. Waits until it can tell, or `step`
    /// returns false.
    ///
    /// # Errors
    /// [`Failure::Fenced`].
    pub(super) fn check_first_use(&self, step: impl Fn() -> bool) -> Result<(), Failure> {
        if !self.first_session_left().is_zero() {
            return Ok(());
        }
        self.give_way(self.predecessor.as_deref(), "starting took longer than a session", step)
    }

    /// How long an attempt to use the name may wait before the next look: half a session, and not past the end of the first session, until
    /// which there is none.
    fn next_look(&self) -> Duration {
        let left = self.first_session_left();
        if left.is_zero() { self.session / 2 } else { left.min(self.session / 2) }
    }

    /// How long the process is still younger than a session.
    fn first_session_left(&self) -> Duration {
        self.session.saturating_sub(monotonic().duration_since(self.began))
    }

    /// Before a member, `own`, gives its partitions up, which makes it rejoin: fails if the group knows another member by its name. Waits until it can tell, or `step`
    /// returns false.
    ///
    /// # Errors
    /// [`Failure::Fenced`].
    pub(super) fn check(&self, own: Option<&str>, step: impl Fn() -> bool) -> Result<(), Failure> {
        self.give_way(own.or(self.predecessor.as_deref()), "the partitions are given up", step)
    }

    fn give_way(&self, known: Option<&str>, why: &str, step: impl Fn() -> bool) -> Result<(), Failure> {
        let holders = self.inspector.named_members(&self.group, step);
        if is_taken_over(&holders, &self.instance, known) && !fault::is_mutant("name-not-looked-up") {
            let cause = format!("{why}, and the group {} knows another member as {}", self.group, self.instance);
            return Err(Failure::Fenced { cause });
        }
        Ok(())
    }
}

/// The first producer of a thread, which fences whoever has its transactional id. While it waits for the coordinator, a process that was
/// started later may take the name; so it looks the name up, and starts over with another look before half a session has passed.
///
/// # Errors
/// [`Failure::Fenced`], and those of [`TransactionalProducer::new`].
pub(super) fn first_producer(
    namesake: Option<&Namesake>,
    properties: &Properties,
    transactional_id: &str,
    step: impl Fn() -> bool,
) -> Result<TransactionalProducer, Failure> {
    let waiting = || {
        step();
    };
    let Some(namesake) = namesake else { return Ok(TransactionalProducer::new(properties, transactional_id, waiting)?) };
    let deadline = Deadline::after(wait::OUTAGE);
    while !deadline.passed() {
        namesake.check_first_use(&step)?;
        let attempt = namesake.next_look();
        if let Some(producer) = TransactionalProducer::within(attempt, properties, transactional_id, waiting)? {
            return Ok(producer);
        }
    }
    Err(TransactionalProducer::unanswered(transactional_id).into())
}

/// Whether a name belongs to another member than the one that is known to have had it.
fn is_taken_over(holders: &BTreeMap<String, String>, name: &str, known: Option<&str>) -> bool {
    holders.get(name).is_some_and(|holder| known != Some(holder.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_over_by_a_member_that_did_not_have_it_before() {
        let holders = BTreeMap::from([("shop-a-0".to_owned(), "member-2".to_owned())]);
        let taken = |known| is_taken_over(&holders, "shop-a-0", known);
        assert!(taken(Some("member-1")) && taken(None));
        assert!(!taken(Some("member-2")), "an earlier run that is still in the group");
        assert!(!is_taken_over(&holders, "shop-a-1", Some("member-1")), "nobody has the name");
    }
}
