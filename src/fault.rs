//! Fault injection, for tests only: with the feature `faults`, the process kills itself or pauses at a named point, or breaks one rule on
//! purpose. Without the feature, a point is an empty function and no rule is ever broken.
//!
//! `CHURNWATCH_FAULT=before-commit:3` kills the process the third time it reaches that point; `before-commit:3:12000` pauses there for
//! 12,000 ms instead, and `in-restore:*:25` pauses there each time.
//!
//! `CHURNWATCH_MUTANT=offsets-not-sent` breaks the rule of that name, and `a,b` those of both; `tests/on_kafka/chaos` lists the rules and the
//! test that catches each.

#[cfg(not(feature = "faults"))]
pub(crate) const fn point(_name: &str) {}

#[cfg(not(feature = "faults"))]
pub(crate) const fn is_mutant(_name: &str) -> bool {
    false
}

#[cfg(not(feature = "faults"))]
pub(crate) const fn is_variable(_name: &str) -> bool {
    false
}

#[cfg(feature = "faults")]
pub use on_demand::{break_rule, is_mutant};
#[cfg(feature = "faults")]
pub(crate) use on_demand::{is_variable, point};

#[cfg(feature = "faults")]
mod on_demand {
    use std::cell::Cell;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use signal_hook::consts::SIGKILL;

    /// Whether a variable with the prefix of the configuration is one of the tests'.
    pub(crate) fn is_variable(name: &str) -> bool {
        const OF_TESTS: [&str; 7] = ["FAULT", "MUTANT", "KILLS", "SEED", "KAFKA_VERSION", "CHAOS_", "ORACLE_"];
        name.strip_prefix("CHURNWATCH_").is_some_and(|name| OF_TESTS.iter().any(|own| name.starts_with(own)))
    }

    struct Fault {
        point: String,
        /// `None`: every one.
        passage: Option<u64>,
        pause: Option<Duration>,
    }

    impl Fault {
        fn parse(text: &str) -> Option<Self> {
            let mut parts = text.split(':');
            let (point, passage) = (parts.next()?.to_owned(), parts.next()?);
            let passage = if passage == "*" { None } else { Some(passage.parse().ok()?) };
            let pause = parts.next().map(|millis| millis.parse().map(Duration::from_millis)).transpose().ok()?;
            Some(Self { point, passage, pause })
        }
    }

    /// Kills or pauses the process here if the configured fault says so.
    pub(crate) fn point(name: &str) {
        static FAULT: LazyLock<Option<Fault>> = LazyLock::new(|| Fault::parse(&std::env::var("CHURNWATCH_FAULT").ok()?));
        static PASSAGES: AtomicU64 = AtomicU64::new(0);
        let Some(fault) = FAULT.as_ref().filter(|fault| fault.point == name) else { return };
        let passage = PASSAGES.fetch_add(1, Ordering::Relaxed) + 1;
        if fault.passage.is_some_and(|wanted| wanted != passage) {
            return;
        }
        match fault.pause {
            Some(pause) => std::thread::sleep(pause),
            // If the kill fails, the process runs on, and the test that waits for it to die fails.
            None => drop(signal_hook::low_level::raise(SIGKILL)),
        }
    }

    thread_local! {
        static BROKEN: Cell<Option<&'static str>> = const { Cell::new(None) };
    }

    /// Breaks this rule on this thread from now on, and no other; none at all without a name. For the simulator, which runs the service many
    /// times in one process.
    pub fn break_rule(name: Option<&'static str>) {
        BROKEN.set(name);
    }

    /// Whether to break this rule.
    #[must_use]
    pub fn is_mutant(name: &str) -> bool {
        static MUTANTS: LazyLock<String> = LazyLock::new(|| std::env::var("CHURNWATCH_MUTANT").unwrap_or_default());
        BROKEN.get() == Some(name) || names(&MUTANTS, name)
    }

    /// Whether a list, separated by commas, has this name.
    fn names(list: &str, name: &str) -> bool {
        list.split(',').any(|listed| listed == name)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_rule_is_broken_on_one_thread_alone() {
            break_rule(Some("a"));
            assert!(is_mutant("a") && !is_mutant("b") && !std::thread::spawn(|| is_mutant("a")).join().unwrap());
            break_rule(None);
            assert!(!is_mutant("a"));
        }

        #[test]
        fn several_rules_can_be_broken_at_once() {
            assert!(names("a", "a") && names("a,b", "a") && names("a,b", "b"));
            assert!(!names("", "a") && !names("ab", "a") && !names("a,b", "a,b"));
        }

        #[test]
        fn a_fault_is_a_point_a_passage_and_an_optional_pause() {
            let parsed = |text| Fault::parse(text).map(|fault| (fault.point, fault.passage, fault.pause));
            assert_eq!(parsed("before-commit:3"), Some(("before-commit".to_owned(), Some(3), None)));
            assert_eq!(parsed("in-restore:1:500"), Some(("in-restore".to_owned(), Some(1), Some(Duration::from_millis(500)))));
            assert_eq!(parsed("in-restore:*:25"), Some(("in-restore".to_owned(), None, Some(Duration::from_millis(25)))));
            assert_eq!(parsed("before-commit"), None);
            assert_eq!(parsed("before-commit:1:soon"), None);
        }
    }
}
