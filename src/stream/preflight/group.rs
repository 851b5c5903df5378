//! The other members of the group: all must read the same topics, or the assignor splits the topics of one task between members.

use std::collections::BTreeSet;

use crate::kafka::Inspector;
use crate::stream::failure::Failure;
use crate::stream::options::Options;

/// Refuses to join a group whose members read other topics.
///
/// # Errors
/// If a member of the group reads other topics than this instance would.
pub(in crate::stream) fn check_topics(options: &Options, inspector: &Inspector) -> Result<(), Failure> {
    let ours: BTreeSet<String> = options.sources().into_iter().map(|input| input.name).collect();
    let subscriptions = match inspector.subscriptions(&options.application) {
        Ok(subscriptions) => subscriptions,
        Err(failure) => {
            tracing::info!(%failure, "cannot check which topics the other members read");
            return Ok(());
        }
    };
    let other = subscriptions.iter().filter_map(|metadata| topics(metadata)).find(|theirs| *theirs != ours);
    let names = |topics: &BTreeSet<String>| topics.iter().cloned().collect::<Vec<_>>().join(", ");
    other.map_or(Ok(()), |theirs| Err(Failure::TopicSetChanged { ours: names(&ours), theirs: names(&theirs) }))
}

/// The topics in a member's subscription. Layout (Kafka's consumer protocol): version (i16), count (i32), then names (i16 length, bytes);
/// later versions append fields, which are ignored.
fn topics(metadata: &[u8]) -> Option<BTreeSet<String>> {
    let (_version, rest) = metadata.split_first_chunk::<2>()?;
    let (count, mut rest) = rest.split_first_chunk::<4>()?;
    let mut topics = BTreeSet::new();
    for _ in 0..i32::from_be_bytes(*count) {
        let (length, tail) = rest.split_first_chunk::<2>()?;
        let (name, tail) = tail.split_at_checked(usize::try_from(i16::from_be_bytes(*length)).ok()?)?;
        topics.insert(std::str::from_utf8(name).ok()?.to_owned());
        rest = tail;
    }
    Some(topics)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topics_of_a_member_are_read_and_later_fields_are_ignored() {
        let metadata = b"\x00\x03\x00\x00\x00\x02\x00\x07billing\x00\x0dproduct-usage\xff\xff\xff\xff\x00\x00";
        assert_eq!(topics(metadata), Some(BTreeSet::from(["billing".to_owned(), "product-usage".to_owned()])));
    }

    #[test]
    fn a_truncated_subscription_has_no_topics() {
        for cut in 0..14 {
            assert_eq!(topics(&b"\x00\x03\x00\x00\x00\x01\x00\x07billing"[..cut]), None);
        }
        assert_eq!(topics(&[]), None);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(
            head in proptest::collection::vec(proptest::num::u8::ANY, 0..16),
            end in proptest::collection::vec(proptest::num::u8::ANY, 0..64),
        ) {
            let _ = topics(&[&head[..], b"\x00\x03\x00\x00\x00\x02\x00\x07billing", &end].concat());
            let _ = topics(&[b"\x00\x03\x00\x00\x00\x02\x00\x07billing", &head[..], &end].concat());
        }
    }
}
