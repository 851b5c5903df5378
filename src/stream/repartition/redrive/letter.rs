//! A dead letter as the record that it was: its origin, its own headers, and its timestamp.

use crate::event::{Code, HeaderLookup, Headers, Raw, Stream};
use crate::stream::dead_letter::CREATE_TIME;
use crate::time::Timestamp;

/// A header with its value.
type Header = (String, Option<Vec<u8>>);

/// What a record of the dead letters topic is to a redrive.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// A letter that may be redriven.
    Whole(Letter),
    /// One whose record did not fit, so that it cannot be.
    Truncated(Letter),
    /// A letter of another application, which shares the topic.
    OfAnother,
    /// A letter with another code, or no letter at all.
    Other,
}

/// Where the record of a letter was read from, and what came with it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Letter {
    /// The topic.
    pub topic: String,
    /// Its id, if the letter has it.
    pub topic_id: Option<String>,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    timestamp: Option<Timestamp>,
    /// Whether the producer had set the timestamp; letters of older versions do not say.
    by_producer: bool,
    /// The headers of the record.
    headers: Vec<Header>,
}

impl Letter {
    /// Reads the headers of a record of the dead letters topic, and whether it has one of the codes. The record may have been a dead letter itself, so ours are the last ones.
    pub(super) fn read(mut headers: Vec<Header>, codes: &[Code], application: &str) -> Read {
        let Some(first) = headers.iter().rposition(|(name, _)| name == "churnwatch_code") else { return Read::Other };
        let own = headers.split_off(first);
        let text = |name: &str| {
            let value = own.iter().find(|(known, _)| known.strip_prefix("churnwatch_") == Some(name))?.1.as_deref();
            value.and_then(|value| std::str::from_utf8(value).ok())
        };
        if !codes.iter().any(|code| text("code") == Some(code.name())) {
            return Read::Other;
        }
        if text("application").is_some_and(|written_by| written_by != application) {
            return Read::OfAnother;
        }
        let number = |name| text(name).and_then(|value| value.parse::<i64>().ok());
        let partition = number("partition").and_then(|partition| i32::try_from(partition).ok());
        let (Some(topic), Some(partition), Some(offset)) = (text("topic"), partition, number("offset")) else { return Read::Other };
        let letter = Self {
            topic: topic.to_owned(),
            topic_id: text("topic_id").map(str::to_owned),
            partition,
            offset,
            timestamp: number("timestamp").map(Timestamp),
            by_producer: text("timestamp_type") == Some(CREATE_TIME),
            headers,
        };
        if text("truncated").is_some() { Read::Truncated(letter) } else { Read::Whole(letter) }
    }

    /// What identifies the record among all that were ever read.
    pub(super) fn key(&self, stream: Stream) -> Vec<u8> {
        let Self { topic, topic_id, partition, offset, .. } = self;
        format!("{} {partition} {offset} {} {topic}", stream.name(), topic_id.as_deref().unwrap_or("-")).into_bytes()
    }

    /// The record, to be decoded again. A timestamp that may be the broker's is not taken for the time of the event.
    pub(super) fn raw<'a>(&'a self, stream: Stream, key: Option<&'a [u8]>, value: Option<&'a [u8]>, now: Timestamp) -> Raw<'a> {
        Raw {
            stream,
            key,
            value,
            headers: Headers::of(self),
            timestamp: self.timestamp.filter(|_| self.by_producer),
            future_reference: Some(self.timestamp.unwrap_or(now)),
        }
    }

    /// The timestamp of the record, epoch ms.
    pub(super) fn timestamp(&self) -> Option<i64> {
        self.timestamp.map(Timestamp::millis)
    }
}

impl HeaderLookup for Letter {
    fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().rev().find(|(known, _)| known == name)?.1.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LETTER: [(&str, &str); 6] = [
        ("churnwatch_code", "unknown_account"),
        ("churnwatch_topic", "clicks"),
        ("churnwatch_partition", "3"),
        ("churnwatch_offset", "42"),
        ("churnwatch_timestamp", "1700000000000"),
        ("churnwatch_timestamp_type", "CreateTime"),
    ];

    fn read(headers: &[(&str, &str)]) -> Read {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), Some(value.as_bytes().to_vec())));
        Letter::read(headers.collect(), &[Code::UnknownAccount], "shop")
    }

    fn whole(headers: &[(&str, &str)]) -> Letter {
        let Read::Whole(letter) = read(headers) else { panic!("no letter: {headers:?}") };
        letter
    }

    #[test]
    fn a_letter_is_the_record_with_its_own_headers_and_timestamp() {
        let letter = whole(&[&[("trace", "a")], &LETTER[..]].concat());
        assert_eq!((letter.topic.as_str(), letter.partition, letter.offset), ("clicks", 3, 42));
        assert_eq!(letter.key(Stream::Usage), b"usage 3 42 - clicks");
        let raw = letter.raw(Stream::Usage, Some(b"k"), Some(b"v"), Timestamp(1));
        assert_eq!((raw.timestamp, raw.key, raw.value), (Some(Timestamp(1_700_000_000_000)), Some(&b"k"[..]), Some(&b"v"[..])));
        assert_eq!((raw.headers.get("trace"), raw.headers.get("churnwatch_code")), (Some(&b"a"[..]), None));
    }

    #[test]
    fn a_record_that_was_a_letter_before_counts_as_the_newest_one() {
        let before = [("churnwatch_code", "invalid_json"), ("churnwatch_topic", "other"), ("churnwatch_truncated", "9")];
        let letter = whole(&[&before, &LETTER[..]].concat());
        assert_eq!((letter.topic.as_str(), letter.header("churnwatch_topic")), ("clicks", Some(&b"other"[..])));
    }

    #[test]
    fn a_timestamp_of_unknown_type_limits_the_future_and_is_no_event_time() {
        let letter = whole(&LETTER[..5]);
        let raw = letter.raw(Stream::Usage, None, None, Timestamp(1));
        assert_eq!((raw.timestamp, raw.future_reference), (None, Some(Timestamp(1_700_000_000_000))));
    }

    #[test]
    fn the_topic_id_is_part_of_the_identity() {
        let letter = whole(&[&LETTER[..], &[("churnwatch_topic_id", "AAAA")]].concat());
        assert_eq!(letter.key(Stream::Usage), b"usage 3 42 AAAA clicks");
    }

    #[test]
    fn other_letters_and_other_records_are_passed_over() {
        assert_eq!(read(&[]), Read::Other);
        assert_eq!(read(&[("churnwatch_code", "invalid_json")]), Read::Other);
        assert_eq!(read(&[("churnwatch_code", "unknown_account"), ("churnwatch_topic", "t")]), Read::Other);
        assert_eq!(read(&[&LETTER[..], &[("churnwatch_application", "other")]].concat()), Read::OfAnother);
        assert!(matches!(read(&[&LETTER[..], &[("churnwatch_application", "shop")]].concat()), Read::Whole(_)));
        assert!(matches!(read(&[&LETTER[..], &[("churnwatch_truncated", "7")]].concat()), Read::Truncated(_)));
    }
}
