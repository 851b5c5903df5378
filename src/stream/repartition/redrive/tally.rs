//! What became of the letters, for the person who ran the redrive.

use std::fmt;

use crate::event::Rejection;

/// How many letters are named in each line of the table.
const NAMED_MAX: usize = 3;

/// What became of a letter.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Its events were written: this many.
    Redriven(usize),
    /// An earlier redrive has written them.
    AlreadyRedriven,
    /// Still nobody declares its alias.
    StillUnknown,
    /// Its record did not fit into a letter.
    Truncated,
    /// It cannot be read as what its topic holds today.
    Undecodable(Rejection),
    /// Its topic is not read by the repartition stage any more.
    NotRepartitioned,
    /// Another application has written it.
    OfAnother,
    /// It has another code.
    Other,
}

impl Outcome {
    /// Whether a later redrive may succeed, so that the letter must be read again.
    pub(super) const fn may_change(&self) -> bool {
        matches!(self, Self::StillUnknown | Self::Undecodable(_) | Self::NotRepartitioned)
    }
}

/// The letters by what became of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    events: usize,
    redriven: Line,
    unknown: Line,
    already: Line,
    truncated: Line,
    undecodable: Line,
    not_repartitioned: Line,
    of_another: Line,
    is_dry_run: bool,
}

/// A line of the table: how many letters, and which the first ones are.
#[derive(Debug, Default, PartialEq, Eq)]
struct Line {
    letters: usize,
    named: Vec<String>,
}

impl Line {
    fn add(&mut self, name: Option<String>) {
        self.letters += 1;
        self.named.extend(name.filter(|_| self.named.len() < NAMED_MAX));
    }
}

impl Tally {
    /// Nothing yet.
    pub(super) fn new(is_dry_run: bool) -> Self {
        Self { is_dry_run, ..Self::default() }
    }

    /// Counts a letter. `place`: where its record was.
    pub(super) fn count(&mut self, outcome: &Outcome, place: Option<(&str, i32, i64)>) {
        let name = |reason: &str| place.map(|(topic, partition, offset)| format!("{topic} [{partition}] at offset {offset}{reason}"));
        match outcome {
            Outcome::Redriven(events) => {
                self.events += events;
                self.redriven.add(None);
            }
            Outcome::AlreadyRedriven => self.already.add(None),
            Outcome::StillUnknown => self.unknown.add(name("")),
            Outcome::Truncated => self.truncated.add(name("")),
            Outcome::Undecodable(rejection) => self.undecodable.add(name(&format!(" ({rejection})"))),
            Outcome::NotRepartitioned => self.not_repartitioned.add(name("")),
            Outcome::OfAnother => self.of_another.add(None),
            Outcome::Other => {}
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let redriven = if self.is_dry_run { "would be redriven" } else { "redriven" };
        let always = [(redriven, &self.redriven), ("still unknown", &self.unknown), ("already redriven", &self.already)];
        let failed = [("truncated", &self.truncated), ("undecodable", &self.undecodable)];
        let unusual = [("topic not repartitioned", &self.not_repartitioned), ("of another application", &self.of_another)];
        let unusual = unusual.into_iter().filter(|(_, line)| line.letters > 0);
        for (name, line) in always.into_iter().chain(failed).chain(unusual) {
            write!(f, "{name:<24} {:>9}", line.letters)?;
            if std::ptr::eq(line, &raw const self.redriven) && self.events != line.letters {
                write!(f, "   {} events", self.events)?;
            }
            let more = if line.letters > line.named.len() { ", .." } else { "" };
            if !line.named.is_empty() {
                write!(f, "   {}{more}", line.named.join(", "))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Code;

    fn lines(tally: &Tally) -> Vec<String> {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        tally.to_string().lines().map(words).collect()
    }

    #[test]
    fn every_outcome_has_a_line_and_unusual_ones_only_if_there_are_any() {
        assert_eq!(lines(&Tally::default()), ["redriven 0", "still unknown 0", "already redriven 0", "truncated 0", "undecodable 0"]);
        let mut tally = Tally::new(true);
        tally.count(&Outcome::Redriven(3), None);
        tally.count(&Outcome::Other, None);
        tally.count(&Outcome::OfAnother, None);
        let lines = lines(&tally);
        assert_eq!(
            (lines[0].as_str(), lines.last().map(String::as_str)),
            ("would be redriven 1 3 events", Some("of another application 1"))
        );
    }

    #[test]
    fn letters_that_were_not_redriven_are_named_up_to_a_limit() {
        let mut tally = Tally::default();
        for offset in 0..5 {
            tally.count(&Outcome::Truncated, Some(("clicks", 1, offset)));
        }
        tally.count(&Outcome::Undecodable(Rejection::new(Code::MissingField, "type is missing")), Some(("clicks", 0, 9)));
        let lines = lines(&tally);
        let named = "truncated 5 clicks [1] at offset 0, clicks [1] at offset 1, clicks [1] at offset 2, ..";
        assert_eq!(lines[3], named);
        assert_eq!(lines[4], "undecodable 1 clicks [0] at offset 9 (missing_field: type is missing)");
    }

    #[test]
    fn a_letter_that_may_succeed_later_is_read_again() {
        assert!(Outcome::StillUnknown.may_change() && Outcome::NotRepartitioned.may_change());
        assert!(!Outcome::Truncated.may_change() && !Outcome::AlreadyRedriven.may_change() && !Outcome::Redriven(1).may_change());
    }
}
