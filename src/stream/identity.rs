//! The names by which a thread is known to the group and to the transaction coordinator.

use super::options::Options;
use crate::fault;

/// The names of one thread.
pub(super) struct Identity {
    /// `group.instance.id` for static membership; `None` without `application.instance`.
    pub group_instance: Option<String>,
    /// `transactional.id` of its first producer; that of an instance ends what its last run left open.
    pub transactional_id: String,
}

impl Identity {
    /// The names of thread `number`. Without `application.instance` they are unique to this run, because two processes with the same
    /// transactional id would fence each other.
    pub(super) fn of(options: &Options, number: usize) -> Self {
        let application = &options.application;
        let group_instance = options.instance.as_ref().map(|instance| format!("{application}-{instance}-{number}"));
        let transactional_id = group_instance.clone().unwrap_or_else(|| format!("{application}-{:016x}-{number}", rand::random::<u64>()));
        Self { group_instance, transactional_id }
    }

    /// The names of thread `number` of the repartition stage, which has a group of its own.
    pub(super) fn of_repartition(options: &Options, number: usize) -> Self {
        let group = options.repartition_group();
        let group_instance = options.instance.as_ref().map(|instance| format!("{group}-{instance}-{number}"));
        let transactional_id = group_instance.clone().unwrap_or_else(|| format!("{group}-{:016x}-{number}", rand::random::<u64>()));
        Self { group_instance, transactional_id }
    }
}

/// The id of a producer that takes the place of a failed one with the id `first`. To ask for the same id again would fence whoever has
/// taken it over since: a thread that was cut off from the brokers cannot know whether a successor has. Nor can a request that the failed
/// producer left on its way have any effect on the transactions of another id.
pub(super) fn replacement_id(first: &str) -> String {
    if fault::is_mutant("replacement-keeps-the-id") { first.to_owned() } else { format!("{first}-{:016x}", rand::random::<u64>()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::section::Start;
    use crate::stream::Permits;

    fn identity(instance: Option<&str>, number: usize) -> Identity {
        let options = Options::of(&Config::default(), Permits::none(Start::Earliest));
        Identity::of(&Options { application: "shop".to_owned(), instance: instance.map(str::to_owned), ..options }, number)
    }

    #[test]
    fn an_instance_keeps_its_names_across_restarts_and_each_thread_has_its_own() {
        let first = identity(Some("a"), 0);
        assert_eq!((first.group_instance.as_deref(), first.transactional_id.as_str()), (Some("shop-a-0"), "shop-a-0"));
        assert_eq!(identity(Some("a"), 0).transactional_id, first.transactional_id);
        assert_eq!(identity(Some("a"), 1).transactional_id, "shop-a-1");
    }

    #[test]
    fn without_an_instance_no_two_processes_share_a_transactional_id() {
        let (one, other) = (identity(None, 0), identity(None, 0));
        assert_eq!(one.group_instance, None);
        assert_ne!(one.transactional_id, other.transactional_id);
        assert!(one.transactional_id.starts_with("shop-") && one.transactional_id.ends_with("-0"));
    }

    #[test]
    fn a_replacement_never_asks_for_an_id_that_a_successor_may_hold() {
        let first = identity(Some("a"), 0).transactional_id;
        let (one, other) = (replacement_id(&first), replacement_id(&first));
        assert!(one != first && one != other && one.starts_with("shop-a-0-"), "{one} and {other} replace {first}");
    }
}
