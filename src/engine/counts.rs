//! Outcomes per stream. The five outcomes always add up to the records read.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Outcome;
use crate::event::{Code, PerStream, Stream};

/// Outcomes of one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StreamCounts {
    /// Records read.
    pub read: u64,
    /// Applied.
    pub applied: u64,
    /// Read before.
    pub duplicate: u64,
    /// Too old for any window.
    pub late: u64,
    /// Of unknown type.
    pub ignored: u64,
    /// Dead letters by code.
    pub dead_letter: DeadLetterCounts,
}

impl StreamCounts {
    /// Whether any record was an event of the stream.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.applied > 0 || self.duplicate > 0 || self.late > 0
    }
}

/// Dead letters by [`Code::index`]; serialized by name, without zeros.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadLetterCounts([u64; Code::ALL.len()]);

impl DeadLetterCounts {
    /// The codes that occurred, each with its count.
    pub fn iter(&self) -> impl Iterator<Item = (Code, u64)> {
        Code::ALL.into_iter().zip(self.0).filter(|(_, count)| *count > 0)
    }
}

impl Serialize for DeadLetterCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The changelog's format needs the length up front.
        let mut map = serializer.serialize_map(Some(self.iter().count()))?;
        for (code, count) in self.iter() {
            map.serialize_entry(code.name(), &count)?;
        }
        map.end()
    }
}

impl<'de> serde::Deserialize<'de> for DeadLetterCounts {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let named = std::collections::BTreeMap::<String, u64>::deserialize(deserializer)?;
        let mut counts = Self::default();
        for code in Code::ALL {
            if let (Some(slot), Some(count)) = (counts.0.get_mut(code.index()), named.get(code.name())) {
                *slot = *count;
            }
        }
        Ok(counts)
    }
}

/// Outcomes by stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(PerStream<StreamCounts>);

impl Counts {
    /// Counts one record.
    pub fn count(&mut self, stream: Stream, outcome: &Outcome) {
        let counts = self.0.of_mut(stream);
        counts.read += 1;
        match outcome {
            Outcome::Applied => counts.applied += 1,
            Outcome::Duplicate => counts.duplicate += 1,
            Outcome::Late => counts.late += 1,
            Outcome::Ignored => counts.ignored += 1,
            Outcome::DeadLetter(rejection) => {
                if let Some(count) = counts.dead_letter.0.get_mut(rejection.code.index()) {
                    *count += 1;
                }
            }
        }
    }

    /// Adds the counts of another task.
    pub fn add(&mut self, other: &Self) {
        for (stream, mine) in self.0.iter_mut() {
            let theirs = other.of(stream);
            mine.read += theirs.read;
            mine.applied += theirs.applied;
            mine.duplicate += theirs.duplicate;
            mine.late += theirs.late;
            mine.ignored += theirs.ignored;
            for (count, more) in mine.dead_letter.0.iter_mut().zip(theirs.dead_letter.0) {
                *count += more;
            }
        }
    }

    /// Records read of all streams.
    #[must_use]
    pub fn read(&self) -> u64 {
        Stream::ALL.into_iter().map(|stream| self.of(stream).read).sum()
    }

    /// The counts of one stream.
    #[must_use]
    pub const fn of(&self, stream: Stream) -> &StreamCounts {
        self.0.of(stream)
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Stream::ALL.len()))?;
        for stream in Stream::ALL {
            map.serialize_entry(stream.name(), self.of(stream))?;
        }
        map.end()
    }
}

impl<'de> serde::Deserialize<'de> for Counts {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut named = std::collections::BTreeMap::<String, StreamCounts>::deserialize(deserializer)?;
        Ok(Self(PerStream::from_fn(|stream| named.remove(stream.name()).unwrap_or_default())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Rejection;

    #[test]
    fn outcomes_add_up_and_are_shown_by_name() {
        let mut counts = Counts::default();
        let rejected = Outcome::DeadLetter(Rejection::new(Code::InvalidJson, "no JSON"));
        for outcome in [Outcome::Applied, Outcome::Duplicate, Outcome::Late, Outcome::Ignored, rejected] {
            counts.count(Stream::Support, &outcome);
        }
        let shown = serde_json::to_value(&counts).unwrap();
        assert_eq!(
            shown["support"],
            serde_json::json!({"read":5,"applied":1,"duplicate":1,"late":1,"ignored":1,"dead_letter":{"invalid_json":1}})
        );
        assert_eq!(shown["usage"]["read"], 0);
        assert_eq!(serde_json::from_value::<Counts>(shown).unwrap(), counts);
    }
}
