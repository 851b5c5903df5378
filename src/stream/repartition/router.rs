//! What becomes of one record: decoded, its accounts looked up, written in the native format. No I/O.

use std::ops::Range;

use super::declaration::Declaration;
use crate::alias::Aliases;
use crate::event::{self, Code, DecodeContext, Decoded, Format, Raw, Record, Rejection, Stream};
use crate::partitioner::Partitioner;

/// What decides where an event goes; the same for all threads.
#[derive(Debug)]
pub struct Router {
    /// The limits of decoding.
    pub context: DecodeContext,
    /// Chooses the partition of an account.
    pub partitioner: Partitioner,
    /// Partitions of the internal topic.
    pub partitions: i32,
    /// The largest value that may be written, bytes.
    pub value_bytes_max: usize,
}

/// The events that came from one record. Reused, so that nothing is allocated per record.
#[derive(Debug, Default)]
pub struct Routed {
    accounts: Vec<u8>,
    values: Vec<u8>,
    events: Vec<Event>,
    declarations: Vec<Declaration>,
    /// Whether any text was cut at `limits.text_bytes`.
    pub cut_text: bool,
    /// Whether any discount counts as nothing, since the payload holds only its id. Native events cannot say so.
    pub unexpanded_discount: bool,
}

#[derive(Debug)]
struct Event {
    stream: Stream,
    account: Option<Range<usize>>,
    value: Range<usize>,
    partition: i32,
}

/// One event to be written to the internal topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing<'a> {
    /// Its stream.
    pub stream: Stream,
    /// The account, which is the key; costs have none.
    pub account: Option<&'a [u8]>,
    /// Native JSON.
    pub value: &'a [u8],
    /// The partition of the account.
    pub partition: i32,
}

impl Router {
    /// Fills `routed` with the events of a record; none if its type is unknown. `aliases`: `None` without an accounts stream, where every
    /// id is the account's own. `partition`: where the record was found; events without account and id keep it, as far as it exists.
    ///
    /// # Errors
    /// Why the record is a dead letter; nothing of it may then be written.
    pub fn route(
        &self,
        raw: &Raw<'_>,
        format: &Format,
        partition: i32,
        aliases: Option<&Aliases>,
        routed: &mut Routed,
    ) -> Result<(), Rejection> {
        routed.clear();
        match format.decode(raw, &self.context)? {
            Decoded::Record(record) => self.add(record, (raw.stream, partition), aliases, routed),
            Decoded::Records(records) => {
                records.into_iter().try_for_each(|record| self.add(record, (raw.stream, partition), aliases, routed))
            }
            Decoded::Ignored => Ok(()),
        }
    }

    fn add(
        &self,
        mut record: Record<'_>,
        (stream, partition): (Stream, i32),
        aliases: Option<&Aliases>,
        routed: &mut Routed,
    ) -> Result<(), Rejection> {
        routed.cut_text |= record.cut_text;
        routed.unexpanded_discount |= record.unexpanded_discount;
        if let Some(aliases) = aliases {
            record = aliases.resolve(record)?;
        }
        if let (Some(aliases), event::Event::Profile(profile), Some(account)) = (aliases, &record.event, record.account.as_deref()) {
            if !aliases.has_room_for(account, profile) {
                return Err(Rejection::new(Code::TooManyAliases, "limits.aliases is reached"));
            }
            // The accounts topics themselves are read for their aliases.
            if stream != Stream::Accounts {
                routed.declarations.extend(Declaration::of(account, &record, profile, aliases));
            }
        }
        let (value_start, account_start) = (routed.values.len(), routed.accounts.len());
        event::encode(&record, &mut routed.values);
        let bytes = routed.values.len() - value_start;
        if bytes > self.value_bytes_max {
            let most = self.value_bytes_max;
            return Err(Rejection::new(Code::TooLarge, format!("has {bytes} bytes as a native event, at most {most} are allowed")));
        }
        let (account, partition) = if let Some(account) = record.account.as_deref() {
            routed.accounts.extend_from_slice(account.as_bytes());
            (Some(account_start..routed.accounts.len()), self.partitioner.partition(account.as_bytes(), self.partitions))
        } else {
            // By its id, so that a repetition is found by the same task, whichever partition it is in.
            let by_id = record.id.as_deref().map(|id| self.partitioner.partition(id.as_bytes(), self.partitions));
            (None, by_id.unwrap_or_else(|| partition % self.partitions.max(1)))
        };
        routed.events.push(Event { stream: record.event.stream(), account, value: value_start..routed.values.len(), partition });
        Ok(())
    }
}

impl Routed {
    fn clear(&mut self) {
        self.accounts.clear();
        self.values.clear();
        self.events.clear();
        self.declarations.clear();
        self.cut_text = false;
        self.unexpanded_discount = false;
    }

    /// What the events declare about aliases.
    pub(super) fn declarations(&self) -> &[Declaration] {
        &self.declarations
    }

    /// Whether the record became nothing.
    pub const fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The events, in order.
    pub fn events(&self) -> impl Iterator<Item = Outgoing<'_>> {
        self.events.iter().map(|event| Outgoing {
            stream: event.stream,
            account: event.account.clone().and_then(|range| self.accounts.get(range)),
            value: self.values.get(event.value.clone()).unwrap_or_default(),
            partition: event.partition,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::declaration::declared_by as declared_by_record;
    use super::*;
    use crate::event::{AccountProfile, Headers};
    use crate::time::Timestamp;

    fn router() -> Router {
        let context = DecodeContext::of_accepted(256);
        Router { context, partitioner: Partitioner::Murmur2, partitions: 4, value_bytes_max: 400 }
    }

    /// What a Segment call without a group becomes: it names its account by its user.
    fn route(value: &str, aliases: Option<&Aliases>) -> Result<Vec<(Option<String>, i32)>, Rejection> {
        let (mut routed, format) = (Routed::default(), Format::Segment(crate::event::SegmentOptions::default()));
        let headers = Headers::NONE;
        let raw = Raw { stream: Stream::Usage, key: None, value: Some(value.as_bytes()), headers, timestamp: None, future_reference: None };
        router().route(&raw, &format, 7, aliases, &mut routed)?;
        let account = |event: Outgoing<'_>| event.account.map(|account| String::from_utf8(account.to_vec()).unwrap());
        Ok(routed.events().map(|event| (account(event), event.partition)).collect())
    }

    const TRACK: &str = r#"{"type":"track","event":"Report Opened","userId":"u1","messageId":"m","timestamp":"2026-01-01T00:00:00Z"}"#;

    fn declared() -> Aliases {
        let mut table = Aliases::new(100);
        let aliases = vec![("segment-user".into(), "u1".into())];
        table.note("acme", Timestamp(1), None, &AccountProfile { aliases, ..AccountProfile::default() });
        table
    }

    #[test]
    fn an_alias_is_replaced_by_its_account_which_decides_the_partition() {
        let partition = Partitioner::Murmur2.partition(b"acme", 4);
        assert_eq!(route(TRACK, Some(&declared())), Ok(vec![(Some("acme".to_owned()), partition)]));
    }

    #[test]
    fn an_alias_that_nobody_declares_is_an_unknown_account_only_with_an_accounts_stream() {
        assert_eq!(route(TRACK, Some(&Aliases::new(100))).unwrap_err().code, Code::UnknownAccount);
        assert_eq!(route(TRACK, None).unwrap().first().unwrap().0.as_deref(), Some("u1"));
    }

    /// What the events of a call declare, as records of the aliases topic.
    fn declared_by(call: &str, aliases: &Aliases) -> Result<Vec<(String, String)>, Rejection> {
        let (mut routed, format) = (Routed::default(), Format::Segment(crate::event::SegmentOptions::default()));
        let (value, headers) = (Some(call.as_bytes()), Headers::NONE);
        let raw = Raw { stream: Stream::Usage, key: None, value, headers, timestamp: None, future_reference: None };
        router().route(&raw, &format, 7, Some(aliases), &mut routed)?;
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ok(routed.declarations().iter().map(|declared| (text(declared.key(("clicks", 7))), text(declared.value()))).collect())
    }

    const IDENTIFY: &str = r#"{"type":"identify","userId":"u2","messageId":"i","timestamp":"2026-01-01T00:00:00Z",
        "context":{"groupId":"bolt"}}"#;

    #[test]
    fn what_an_event_of_another_topic_declares_reads_back_from_the_aliases_topic() {
        let mut table = Aliases::new(100);
        let [(key, value)] = &declared_by(IDENTIFY, &table).unwrap()[..] else { panic!("one alias") };
        assert_eq!(key, r#"["clicks",7,"bolt",["segment-user","u2"]]"#);
        let (stream, headers) = (Stream::Accounts, Headers::NONE);
        let raw = Raw { stream, key: None, value: Some(value.as_bytes()), headers, timestamp: None, future_reference: None };
        for declared in declared_by_record(&raw, &Format::Native, &DecodeContext::of_accepted(256)) {
            declared.note(&mut table);
        }
        assert_eq!(table.account("segment-user", "u2"), Some("bolt"));
        assert_eq!(declared_by(IDENTIFY, &table).unwrap().len(), 1, "a record that is read again may not have been committed");
        let older = IDENTIFY.replace("2026", "2025");
        assert_eq!(declared_by(&older, &table), Ok(Vec::new()), "compaction must keep the newest");
        let deleted = IDENTIFY.replace("identify", "track").replace("\"userId\"", "\"event\":\"Account Deleted\",\"userId\"");
        assert_eq!(declared_by(&deleted, &table).unwrap()[0].0, r#"["clicks",7,"bolt",null]"#);
    }

    #[test]
    fn an_alias_beyond_the_limit_makes_its_record_a_dead_letter() {
        let mut table = Aliases::new(3);
        let aliases = vec![("segment-user".into(), "u1".into())];
        table.note("acme", Timestamp(1), None, &AccountProfile { aliases, ..AccountProfile::default() });
        assert_eq!(declared_by(IDENTIFY, &table).unwrap_err().code, Code::TooManyAliases);
        assert!(route(TRACK, Some(&table)).is_ok(), "the others are known as before");
    }

    #[test]
    fn an_account_named_by_its_own_id_needs_no_alias() {
        let named = TRACK.replace(r#""userId""#, r#""context":{"groupId":"bolt"},"userId""#);
        assert_eq!(route(&named, Some(&declared())).unwrap().first().unwrap().0.as_deref(), Some("bolt"));
    }

    #[test]
    fn a_discount_of_which_only_the_id_is_known_is_noted_for_the_stage_to_count() {
        let item = r#"{"quantity":1,"price":{"id":"p","type":"recurring","unit_amount":500,"recurring":{"interval":"month"}}}"#;
        let event = |discounts: &str| {
            format!(
                r#"{{"id":"evt_1","object":"event","created":1767225600,"type":"customer.subscription.updated","data":{{"object":{{"id":"sub_1",
                "object":"subscription","status":"active","customer":"cus_1","currency":"usd","current_period_start":1767225600,
                "current_period_end":1769904000,"discounts":{discounts},"items":{{"data":[{item}]}}}}}}}}"#
            )
        };
        let (mut routed, format) = (Routed::default(), Format::Stripe(crate::event::StripeOptions::default()));
        let roomy = Router { value_bytes_max: 4_000, ..router() };
        for (discounts, noted) in [("[]", false), (r#"["di_1"]"#, true), ("[]", false)] {
            let text = event(discounts);
            let value = Some(text.as_bytes());
            let raw = Raw { stream: Stream::Billing, key: None, value, headers: Headers::NONE, timestamp: None, future_reference: None };
            roomy.route(&raw, &format, 0, None, &mut routed).unwrap();
            assert_eq!((routed.is_empty(), routed.unexpanded_discount), (false, noted), "{discounts}");
        }
    }

    #[test]
    fn an_event_that_is_too_large_as_a_native_one_is_a_dead_letter() {
        let long = TRACK.replace("Report Opened", &"r".repeat(250)).replace("\"u1\"", &format!("\"{}\"", "u".repeat(200)));
        assert_eq!(route(&long, None).unwrap_err().code, Code::TooLarge);
    }

    #[test]
    fn a_cost_has_no_account_and_goes_by_its_id_or_stays_in_an_existing_partition() {
        let cost = |fields: &str, found: i32| {
            let cost =
                r#""type":"cost_recorded","category":"retention","amount_minor":5,"currency":"USD","occurred_at":"2026-01-01T00:00:00Z""#;
            let (value, mut routed, headers) = (format!("{{{cost}{fields}}}"), Routed::default(), Headers::NONE);
            let value = Some(value.as_bytes());
            let raw = Raw { stream: Stream::Billing, key: None, value, headers, timestamp: None, future_reference: None };
            router().route(&raw, &Format::Native, found, None, &mut routed).unwrap();
            routed.events().map(|event| (event.account.is_none(), event.stream, event.partition)).collect::<Vec<_>>()
        };
        assert_eq!(cost("", 7), [(true, Stream::Billing, 3)]);
        let by_id = Partitioner::Murmur2.partition(b"c-1", 4);
        for found in [0, 1, 7] {
            assert_eq!(cost(r#","id":"c-1""#, found), [(true, Stream::Billing, by_id)]);
        }
    }
}
