//! What became of accounts, from a CSV file instead of billing.

use std::collections::BTreeMap;

use super::csv::Rows;
use crate::time::{Date, Timestamp, Zone};

/// What became of accounts.
#[derive(Clone, Debug, PartialEq)]
pub enum Labels {
    /// Accounts at instants: each is a point.
    Points(BTreeMap<Timestamp, BTreeMap<Box<str>, Outcome>>),
    /// When accounts left, ascending.
    Leaves(BTreeMap<Box<str>, Vec<Timestamp>>),
}

/// What became of an account after an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Whether it churned within the horizon.
    pub churned: bool,
    /// The true probability that it would, where it is known, as in a simulation.
    pub true_probability: Option<f64>,
}

/// A labels file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct LabelsError {
    /// Line number, from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

/// Where the columns are.
enum Columns {
    Points { account: usize, as_of: usize, churned: usize, true_probability: Option<usize> },
    Leaves { account: usize, churned_at: usize },
}

impl Labels {
    /// Reads a CSV file whose header names `account_id,as_of,churned[,true_probability]` or `account_id,churned_at`, in any order and among
    /// other columns. A date without a time is its first instant in `zone`. An account without `churned_at` has not left.
    ///
    /// # Errors
    /// The first row that cannot be read, and a file without rows.
    pub fn parse(text: &str, zone: &Zone) -> Result<Self, LabelsError> {
        let mut rows = Rows::new(text);
        let (line, header) = rows.next().unwrap_or((1, Some(Vec::new())));
        let columns = Columns::of(&header.unwrap_or_default()).ok_or_else(|| wrong(line, HEADERS))?;
        let mut labels = match columns {
            Columns::Points { .. } => Self::Points(BTreeMap::new()),
            Columns::Leaves { .. } => Self::Leaves(BTreeMap::new()),
        };
        for (line, fields) in rows {
            let fields = fields.ok_or_else(|| wrong(line, "a quoted field does not end, or text follows it"))?;
            labels.add(&columns, &fields, zone).map_err(|reason| wrong(line, reason))?;
        }
        match &mut labels {
            Self::Points(points) if points.is_empty() => return Err(wrong(line, "no rows follow the header")),
            Self::Leaves(leaves) if leaves.is_empty() => return Err(wrong(line, "no rows follow the header")),
            Self::Leaves(leaves) => leaves.values_mut().for_each(|dates| {
                dates.sort_unstable();
                dates.dedup();
            }),
            Self::Points(_) => {}
        }
        Ok(labels)
    }

    fn add(&mut self, columns: &Columns, fields: &[String], zone: &Zone) -> Result<(), &'static str> {
        let field = |place: usize| fields.get(place).map_or("", String::as_str);
        let account = |place| Some(field(place)).filter(|id| !id.is_empty()).ok_or("`account_id` is empty");
        match (self, columns) {
            (Self::Points(points), Columns::Points { account: id, as_of, churned, true_probability }) => {
                let at = instant(field(*as_of), zone).ok_or("`as_of` must be a date or a timestamp with offset")?;
                let churned = boolean(field(*churned)).ok_or("`churned` must be 0 or 1")?;
                let probability = true_probability.map_or("", field);
                let true_probability = match probability {
                    "" => None,
                    text => Some(share(text).ok_or("`true_probability` must be a number from 0 to 1")?),
                };
                let before = points.entry(at).or_default().insert(account(*id)?.into(), Outcome { churned, true_probability });
                before.map_or(Ok(()), |_| Err("the account has another row with this `as_of`"))
            }
            (Self::Leaves(leaves), Columns::Leaves { account: id, churned_at }) => {
                let dates = leaves.entry(account(*id)?.into()).or_default();
                match field(*churned_at) {
                    "" => Ok(()),
                    text => {
                        dates.push(instant(text, zone).ok_or("`churned_at` must be a date or a timestamp with offset, or empty")?);
                        Ok(())
                    }
                }
            }
            _ => Ok(()),
        }
    }

    /// Number of rows, accounts without `churned_at` included.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Points(points) => points.values().map(BTreeMap::len).sum(),
            Self::Leaves(leaves) => leaves.values().map(|dates| dates.len().max(1)).sum(),
        }
    }
}

const HEADERS: &str = "the header must be account_id,as_of,churned or account_id,as_of,churned,true_probability or account_id,churned_at";

impl Columns {
    fn of(header: &[String]) -> Option<Self> {
        let place = |name: &str| header.iter().position(|column| column.eq_ignore_ascii_case(name));
        let account = place("account_id")?;
        match (place("as_of"), place("churned"), place("churned_at")) {
            (Some(as_of), Some(churned), None) => {
                Some(Self::Points { account, as_of, churned, true_probability: place("true_probability") })
            }
            (None, None, Some(churned_at)) => Some(Self::Leaves { account, churned_at }),
            _ => None,
        }
    }
}

fn wrong(line: usize, reason: &str) -> LabelsError {
    LabelsError { line, reason: reason.to_owned() }
}

fn instant(text: &str, zone: &Zone) -> Option<Timestamp> {
    let is_date = text.len() == "2026-01-01".len();
    Timestamp::parse_rfc3339(text).or_else(|| Date::parse(text).filter(|_| is_date).map(|date| zone.start_of(date)))
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" => Some(true),
        "0" | "false" | "no" => Some(false),
        _ => None,
    }
}

fn share(text: &str) -> Option<f64> {
    text.parse().ok().filter(|share| (0.0..=1.0).contains(share))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Labels, String> {
        Labels::parse(text, &Zone::utc()).map_err(|error| error.to_string())
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn a_row_with_as_of_is_a_point() {
        let read = parse("account_id,as_of,churned,true_probability\na,2026-01-01T00:00:00Z,1,0.25\nb,2026-01-01,0,\n").unwrap();
        let Labels::Points(points) = &read else { panic!("{read:?}") };
        let rows = &points[&at("2026-01-01T00:00:00Z")];
        assert_eq!(rows["a"], Outcome { churned: true, true_probability: Some(0.25) });
        assert_eq!((rows["b"], read.rows()), (Outcome { churned: false, true_probability: None }, 2));
    }

    #[test]
    fn every_leave_date_of_an_account_counts_and_an_empty_one_means_that_it_stayed() {
        let read = parse("name,churned_at,account_id\nx,2026-03-01,a\nx,2025-03-01T12:00:00+01:00,a\ny,,b\n").unwrap();
        let dates = vec![at("2025-03-01T11:00:00Z"), at("2026-03-01T00:00:00Z")];
        assert_eq!(read, Labels::Leaves([("a".into(), dates), ("b".into(), Vec::new())].into()));
    }

    #[test]
    fn a_date_is_midnight_in_the_reporting_time_zone() {
        let read = Labels::parse("account_id,churned_at\na,2026-07-01", &Zone::named("Europe/Berlin").unwrap()).unwrap();
        assert_eq!(read, Labels::Leaves([("a".into(), vec![at("2026-06-30T22:00:00Z")])].into()));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_line() {
        let refusals = [
            ("", "line 1: the header must be account_id,as_of,churned or"),
            ("account_id,as_of,churned,churned_at\n", "line 1: the header must be"),
            ("account_id,churned_at\n", "line 1: no rows follow"),
            ("account_id,as_of,churned\na,2026-01-01,0\na,yesterday,0\n", "line 3: `as_of`"),
            ("account_id,as_of,churned\na,2026-01-01T00:00:00,0\n", "line 2: `as_of`"),
            ("account_id,as_of,churned\na,2026-01-01,maybe\n", "line 2: `churned` must be 0 or 1"),
            ("account_id,as_of,churned\n,2026-01-01,1\n", "line 2: `account_id`"),
            ("account_id,as_of,churned\na,2026-01-01,1\na,2026-01-01,0\n", "line 3: the account has another row"),
            ("account_id,as_of,churned,true_probability\na,2026-01-01,1,7\n", "line 2: `true_probability`"),
            ("account_id,churned_at\na,\"2026\n", "line 2: a quoted field"),
        ];
        for (text, refusal) in refusals {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(refusal), "{error}");
        }
    }
}
