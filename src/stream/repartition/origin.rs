//! Where an event in the internal topic comes from: one header, `churnwatch_origin`, such as `usage 3 1234 product-usage`.
//!
//! The topic comes last because it is the only part of variable meaning; topic names have no spaces. The timestamp of the original record
//! is that of the internal one.

use crate::event::{Headers, Stream};

/// The name of the header.
pub(super) const HEADER: &str = "churnwatch_origin";

/// The origin of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stream) struct Origin<'a> {
    /// The stream of the event.
    pub stream: Stream,
    /// The topic that it was read from.
    pub topic: &'a str,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
}

/// The origin of a record of the internal topic; `None` if somebody else has written it.
pub(in crate::stream) fn origin_of(headers: Headers<'_>) -> Option<Origin<'_>> {
    Origin::parse(headers.get(HEADER)?)
}

impl<'a> Origin<'a> {
    /// Appends the value of the header.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let (mut partition, mut offset) = (itoa::Buffer::new(), itoa::Buffer::new());
        for word in [self.stream.name(), partition.format(self.partition), offset.format(self.offset)] {
            out.extend_from_slice(word.as_bytes());
            out.push(b' ');
        }
        out.extend_from_slice(self.topic.as_bytes());
    }

    fn parse(value: &'a [u8]) -> Option<Self> {
        let (stream, rest) = std::str::from_utf8(value).ok()?.split_once(' ')?;
        let (partition, rest) = rest.split_once(' ')?;
        let (offset, topic) = rest.split_once(' ')?;
        let stream = Stream::ALL.into_iter().find(|known| known.name() == stream)?;
        Some(Self { stream, partition: partition.parse().ok()?, offset: offset.parse().ok()?, topic })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_reads_back_as_it_was_written() {
        for stream in Stream::ALL {
            let origin = Origin { stream, topic: "eu.product-usage_2", partition: 11, offset: 9_876_543_210 };
            let mut value = Vec::new();
            origin.write(&mut value);
            assert_eq!(Origin::parse(&value), Some(origin));
        }
    }

    #[test]
    fn anything_else_is_no_origin() {
        for value in ["", "usage", "usage 1 2", "people 1 2 t", "usage x 2 t", "usage 1 -", "\u{fffd}"] {
            assert_eq!(Origin::parse(value.as_bytes()), None, "{value}");
        }
        assert_eq!(Origin::parse(b"usage 1 2 \xff"), None);
    }
}
