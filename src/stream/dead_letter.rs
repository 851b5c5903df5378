//! Dead letters: the original bytes, with headers that give the reason and the origin.

use super::options::Options;
use super::repartition::Origin;
use crate::event::Rejection;
use crate::kafka::{Outgoing, Record, TopicId};

/// The values of `churnwatch_timestamp_type`: whether the producer or the broker has set the record's timestamp.
pub(super) const CREATE_TIME: &str = "CreateTime";
const LOG_APPEND_TIME: &str = "LogAppendTime";

/// A record that could not be applied.
#[derive(Debug)]
pub(super) struct DeadLetter {
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

impl DeadLetter {
    /// A copy of the record that fits into the producer's limit. To fit, the value is dropped first, then the original headers, then the
    /// key; `churnwatch_truncated` then holds the original length of the value.
    ///
    /// `origin`: where a record of the internal topic comes from. Its value is then the native event that the record has become.
    pub(super) fn new(record: Record<'_>, origin: Option<&Origin<'_>>, rejection: &Rejection, options: &Options) -> Self {
        Self::of(&Original { origin, ..Original::of(record) }, rejection, options)
    }

    /// The same for a record of the repartition stage, which can be redriven: the id of its topic is part of its identity.
    pub(super) fn of_stage(record: Record<'_>, topic_id: Option<TopicId>, rejection: &Rejection, options: &Options) -> Self {
        Self::of(&Original { topic_id, ..Original::of(record) }, rejection, options)
    }

    fn of(original: &Original<'_>, rejection: &Rejection, options: &Options) -> Self {
        let text = |name: &str, value: String| (format!("churnwatch_{name}"), Some(value.into_bytes()));
        let (topic, partition, offset) = original.origin.map_or(original.place, |origin| (origin.topic, origin.partition, origin.offset));
        let mut own = vec![
            // The first of ours: what comes before it are the headers of the record.
            text("code", rejection.code.name().to_owned()),
            text("reason", rejection.reason.to_string()),
            text("application", options.application.clone()),
            text("topic", topic.to_owned()),
            text("partition", partition.to_string()),
            text("offset", offset.to_string()),
        ];
        own.extend(original.topic_id.map(|id| text("topic_id", id.to_string())));
        if let Some((millis, by_producer)) = original.timestamp {
            own.push(text("timestamp", millis.to_string()));
            // A record of the internal topic has the timestamp of its original, but not its type.
            if original.origin.is_none() {
                own.push(text("timestamp_type", if by_producer { CREATE_TIME } else { LOG_APPEND_TIME }.to_owned()));
            }
        }
        let bytes_max = options.properties.message_max_bytes();
        let whole = Self {
            key: original.key.map(<[u8]>::to_vec),
            value: original.value.map(<[u8]>::to_vec),
            headers: original.headers.iter().cloned().chain(own.iter().cloned()).collect(),
        };
        if whole.size() <= bytes_max {
            return whole;
        }
        let truncated = text("truncated", original.value.map_or(0, <[u8]>::len).to_string());
        own.push(truncated.clone());
        let without_value = Self { value: None, headers: whole.headers.into_iter().chain([truncated]).collect(), ..whole };
        if without_value.size() <= bytes_max {
            return without_value;
        }
        let without_headers = Self { headers: own, ..without_value };
        if without_headers.size() <= bytes_max { without_headers } else { Self { key: None, ..without_headers } }
    }

    /// The record to send.
    pub(super) fn outgoing<'a>(&'a self, topic: &'a str) -> Outgoing<'a> {
        Outgoing {
            topic,
            partition: None,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: &self.headers,
            timestamp: None,
            remember: false,
        }
    }

    /// What it adds to a transaction, bytes; an upper bound.
    pub(super) fn size(&self) -> usize {
        self.outgoing("").size()
    }
}

#[derive(Default)]
struct Original<'a> {
    /// Topic, partition, offset.
    place: (&'a str, i32, i64),
    origin: Option<&'a Origin<'a>>,
    topic_id: Option<TopicId>,
    /// Epoch ms, and whether the producer has set it.
    timestamp: Option<(i64, bool)>,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

impl<'a> Original<'a> {
    fn of(record: Record<'a>) -> Self {
        Self {
            place: (record.topic, record.partition, record.offset),
            timestamp: record.timestamp.map(|(timestamp, by_producer)| (timestamp.millis(), by_producer)),
            key: record.key,
            value: record.value,
            headers: record.headers(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::section::Start;
    use crate::event::Code;
    use crate::kafka::Properties;
    use crate::stream::Permits;

    fn options() -> Options {
        let properties = Properties::new([("message.max.bytes", "10000")]);
        Options { properties, ..Options::of(&Config::default(), Permits::none(Start::Earliest)) }
    }

    fn letter(key: usize, value: usize, header: usize) -> DeadLetter {
        let (key, value) = (vec![b'k'; key], vec![b'v'; value]);
        let original = Original {
            place: ("billing", 3, 42),
            timestamp: Some((1_700_000_000_000, true)),
            key: Some(&key),
            value: Some(&value),
            headers: vec![("trace".to_owned(), Some(vec![b'h'; header]))],
            ..Original::default()
        };
        DeadLetter::of(&original, &Rejection::new(Code::InvalidJson, "no JSON"), &options())
    }

    fn header<'a>(letter: &'a DeadLetter, name: &str) -> Option<&'a str> {
        let (_, value) = letter.headers.iter().find(|(key, _)| key == name)?;
        value.as_deref().map(|value| std::str::from_utf8(value).unwrap())
    }

    #[test]
    fn a_record_that_fits_is_kept_intact_along_with_its_origin() {
        let letter = letter(3, 100, 10);
        assert_eq!((letter.key.as_deref(), letter.value.as_ref().map(Vec::len)), (Some(&b"kkk"[..]), Some(100)));
        let expected = [("code", "invalid_json"), ("reason", "no JSON"), ("topic", "billing"), ("partition", "3"), ("offset", "42")];
        for (name, value) in expected {
            assert_eq!(header(&letter, &format!("churnwatch_{name}")), Some(value));
        }
        assert_eq!(header(&letter, "churnwatch_timestamp"), Some("1700000000000"));
        assert_eq!(header(&letter, "churnwatch_timestamp_type"), Some("CreateTime"));
        assert_eq!(header(&letter, "churnwatch_application"), Some("churnwatch"));
        assert_eq!(header(&letter, "trace"), Some("hhhhhhhhhh"));
        assert_eq!(header(&letter, "churnwatch_truncated"), None);
    }

    #[test]
    fn a_large_record_loses_its_value_but_keeps_its_key_headers_and_length() {
        let letter = letter(3, 9_900, 10);
        assert_eq!((letter.key.as_ref().map(Vec::len), letter.value.as_ref()), (Some(3), None));
        assert_eq!(header(&letter, "churnwatch_truncated"), Some("9900"));
        assert!(header(&letter, "trace").is_some() && letter.size() <= 10_000);
    }

    #[test]
    fn even_with_huge_headers_or_keys_the_letter_fits() {
        let huge_headers = letter(3, 0, 20_000);
        assert!(header(&huge_headers, "trace").is_none() && huge_headers.key.is_some() && huge_headers.size() <= 10_000);
        let huge_key = letter(20_000, 5, 10);
        assert!(huge_key.key.is_none() && header(&huge_key, "churnwatch_truncated") == Some("5") && huge_key.size() <= 10_000);
    }
    #[test]
    fn the_type_of_a_timestamp_is_given_only_where_it_is_known() {
        let origin = Origin { stream: crate::event::Stream::Usage, topic: "clicks", partition: 1, offset: 7 };
        let rejection = Rejection::new(Code::WrongPartition, "elsewhere");
        let internal = Original { timestamp: Some((5, true)), origin: Some(&origin), ..Original::default() };
        let of_internal = DeadLetter::of(&internal, &rejection, &options());
        assert_eq!((header(&of_internal, "churnwatch_topic"), header(&of_internal, "churnwatch_timestamp_type")), (Some("clicks"), None));
        let of_broker = DeadLetter::of(&Original { timestamp: Some((5, false)), ..Original::default() }, &rejection, &options());
        assert_eq!(header(&of_broker, "churnwatch_timestamp_type"), Some("LogAppendTime"));
    }
}
