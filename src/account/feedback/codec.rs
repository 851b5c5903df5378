//! Feedback as changelog records: a sequence of entries, oldest first while they fit into one part.

use super::answer::{Answer, Interaction};
use super::overrides::OverrideChange;
use super::{Feedback, History, insert_by};
use crate::account::parts::{SectionPart, by_hash, split};
use crate::account::section::{PART_BYTES, split_version};
use crate::account::{CodecError, Section};
use crate::settings::StateVersion;

/// An entry, as it is written.
#[derive(serde::Serialize)]
enum EntryRef<'a> {
    Answer(&'a Answer),
    Interaction(&'a Interaction),
    OverrideChange(&'a OverrideChange),
    /// From version 2; an answer without a theme is written as in version 1.
    AnswerWithTheme(&'a Answer, &'a str),
}

/// An entry, as it is read.
#[derive(serde::Deserialize)]
enum Entry {
    Answer(Answer),
    Interaction(Interaction),
    OverrideChange(OverrideChange),
    AnswerWithTheme(Answer, Box<str>),
}

impl<'a> From<&'a Answer> for EntryRef<'a> {
    fn from(answer: &'a Answer) -> Self {
        answer.theme.as_deref().map_or(Self::Answer(answer), |theme| Self::AnswerWithTheme(answer, theme))
    }
}

impl Section for Feedback {
    fn parts(&self, version: StateVersion) -> Vec<SectionPart> {
        let answers = self.answers().iter().map(EntryRef::from);
        let interactions = self.interactions().iter().map(EntryRef::Interaction);
        let overrides = self.overrides().iter().map(EntryRef::OverrideChange);
        let entries: Vec<_> = answers.chain(interactions).chain(overrides).map(|entry| entry.bytes()).collect();
        if entries.is_empty() {
            return Vec::new();
        }
        if entries.iter().map(Vec::len).sum::<usize>() <= PART_BYTES {
            return vec![(0, part(version, entries.iter().map(Vec::as_slice)))];
        }
        split(by_hash(entries).as_slice(), PART_BYTES, |_, range: &[(u64, Vec<u8>)]| {
            part(version, range.iter().map(|(_, bytes)| bytes.as_slice()))
        })
    }

    fn least_version(&self) -> StateVersion {
        if self.answers().iter().any(|answer| answer.theme.is_some()) { StateVersion::V2 } else { StateVersion::V1 }
    }

    fn restore(&mut self, _part: u64, bytes: &[u8]) -> Result<(), CodecError> {
        let (_, mut rest) = split_version(bytes)?;
        let kept = self.0.get_or_insert_default();
        while !rest.is_empty() {
            let (entry, after) = postcard::take_from_bytes(rest).map_err(|_| CodecError::Corrupt("feedback"))?;
            kept.restore(entry);
            rest = after;
        }
        Ok(())
    }
}

impl EntryRef<'_> {
    #[expect(clippy::expect_used, reason = "plain structs into a growing vector: the encoder has no error to give")]
    fn bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("plain structs are always encoded")
    }
}

/// The version byte, followed by the entries.
fn part<'a>(version: StateVersion, entries: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = vec![version as u8];
    entries.for_each(|entry| out.extend_from_slice(entry));
    out
}

impl History {
    fn restore(&mut self, entry: Entry) {
        match entry {
            Entry::Answer(answer) => self.answer(answer),
            Entry::AnswerWithTheme(answer, theme) => self.answer(Answer { theme: Some(theme), ..answer }),
            Entry::Interaction(interaction) => self.interaction(interaction),
            Entry::OverrideChange(set) => insert_by(&mut self.overrides, set, OverrideChange::order),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{FeedbackRecord, state_of};
    use super::*;
    use crate::event::FeedbackKind;

    fn restored(parts: &[SectionPart]) -> Feedback {
        let mut state = Feedback::default();
        for (part, bytes) in parts {
            state.restore(*part, bytes).unwrap();
        }
        state
    }

    #[test]
    fn an_answer_with_a_theme_needs_version_2_and_the_others_do_not() {
        let plain =
            state_of(&[FeedbackRecord::new(1, FeedbackKind::Nps(9)), FeedbackRecord::new(2, FeedbackKind::Referral).theme("price")]);
        assert_eq!(plain.least_version(), StateVersion::V1);
        let (first, second) = (plain.parts(StateVersion::V1), plain.parts(StateVersion::V2));
        assert_eq!(first[0].1[1..], second[0].1[1..]);
        let themed =
            state_of(&[FeedbackRecord::new(1, FeedbackKind::Nps(9)), FeedbackRecord::new(1, FeedbackKind::Csat(1.0)).theme("price")]);
        assert_eq!(themed.least_version(), StateVersion::V2);
        for state in [plain, themed] {
            assert_eq!(restored(&state.parts(StateVersion::V2)), state);
        }
    }
}
