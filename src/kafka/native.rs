//! Calls into librdkafka that rust-rdkafka does not wrap: end-of-partition events that name the topic, the generation in the group
//! metadata, and access to a record's fields without allocating.
//!
//! All unsafe code of this module is here, in `produce.rs` and in `describe.rs`.
#![expect(unsafe_code, reason = "librdkafka is a C library; each block says why it is sound")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, ConsumerGroupMetadata};
use rdkafka_sys as sys;
use rdkafka_sys::types::RDKafkaErrorCode;

use super::record::{Record, RecordHeaders};
use crate::event::HeaderLookup;
use crate::time::Timestamp;

/// The queue that delivers all events of a consumer.
pub(crate) struct EventQueue(NonNull<sys::rd_kafka_queue_t>);

// SAFETY: librdkafka's queues are guarded by their own locks; the pointer is only passed back to librdkafka.
unsafe impl Send for EventQueue {}

impl EventQueue {
    /// The queue of a consumer; `None` without a group id. Must be dropped before the consumer.
    pub(crate) fn of<C: ConsumerContext>(consumer: &BaseConsumer<C>) -> Option<Self> {
        // SAFETY: the client lives as long as `consumer`; the queue that is returned holds a reference of its own.
        NonNull::new(unsafe { sys::rd_kafka_queue_get_consumer(consumer.client().native_ptr()) }).map(Self)
    }

    /// The next event; waits at most `limit`.
    pub(crate) fn poll(&self, limit: Duration) -> Option<QueuedEvent<'_>> {
        let millis = c_int::try_from(limit.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: the queue is alive until `self` is dropped; the event belongs to us and is destroyed once, by `QueuedEvent::drop`.
        NonNull::new(unsafe { sys::rd_kafka_queue_poll(self.0.as_ptr(), millis) }).map(|event| QueuedEvent(event, PhantomData))
    }
}

/// The records and ends of one partition, apart from those of the others, so that the caller decides which partition it reads on.
pub(super) struct PartitionEvents {
    /// A record whose turn has not come; librdkafka's memory, freed with its event.
    head: Option<(NonNull<sys::rd_kafka_message_t>, QueuedEvent<'static>)>,
    queue: EventQueue,
}

/// What [`PartitionEvents::advance`] has found.
pub(crate) enum Next<'e> {
    /// A record, which stays until it is passed.
    Record(Record<'e>),
    /// Something else, which is not kept.
    Event(QueuedEvent<'e>),
    /// Nothing for now.
    Nothing,
}

impl PartitionEvents {
    /// Takes the events of a partition out of the consumer's queue. Must be dropped before the consumer.
    pub(super) fn of<C: ConsumerContext>(consumer: &BaseConsumer<C>, topic: &str, partition: i32) -> Option<Self> {
        let topic = CString::new(topic).ok()?;
        // SAFETY: the client and the name outlive the calls; the queue that is returned holds a reference of its own.
        let queue = unsafe {
            let queue = NonNull::new(sys::rd_kafka_queue_get_partition(consumer.client().native_ptr(), topic.as_ptr(), partition))?;
            sys::rd_kafka_queue_forward(queue.as_ptr(), ptr::null_mut());
            queue
        };
        Some(Self { head: None, queue: EventQueue(queue) })
    }

    /// The next record, or an event before it; does not wait.
    pub(super) fn advance(&mut self) -> Next<'_> {
        if self.head.is_none() {
            let Some(event) = self.queue.poll(Duration::ZERO) else { return Next::Nothing };
            // SAFETY: the event is alive; it is asked for its record once, here, and only if it has one.
            let message = unsafe {
                let has_record = sys::rd_kafka_event_type(event.0.as_ptr()) == sys::RD_KAFKA_EVENT_FETCH;
                if has_record { NonNull::new(sys::rd_kafka_event_message_next(event.0.as_ptr()).cast_mut()) } else { None }
            };
            let Some(message) = message else { return Next::Event(event) };
            // The event depends on the client alone, which outlives `self`.
            self.head = Some((message, QueuedEvent(event.into_raw(), PhantomData)));
        }
        self.head().map_or(Next::Nothing, Next::Record)
    }

    /// The record whose turn has not come.
    pub(super) fn head(&self) -> Option<Record<'_>> {
        // SAFETY: the message belongs to the event beside it, which lives as long as the borrow.
        self.head.as_ref().map(|(message, _)| unsafe { Message::record(message.as_ref()) })
    }

    /// Goes past the record.
    pub(super) fn pass(&mut self) {
        self.head = None;
    }

    /// Returns the events to the queue of the consumer. A record that is kept must have been passed, because it is not returned.
    pub(super) fn rejoin(self, queue: &EventQueue) {
        // SAFETY: both queues are alive. What is in this one is moved; what arrives follows.
        unsafe { sys::rd_kafka_queue_forward(self.queue.0.as_ptr(), queue.0.as_ptr()) }
    }
}

impl Drop for EventQueue {
    fn drop(&mut self) {
        // SAFETY: we hold this reference, and give it up once.
        unsafe { sys::rd_kafka_queue_destroy(self.0.as_ptr()) }
    }
}

/// One event from the queue; it owns the memory that its content borrows.
pub(crate) struct QueuedEvent<'q>(NonNull<sys::rd_kafka_event_t>, PhantomData<&'q EventQueue>);

/// The content of an event.
pub(crate) enum ConsumerEvent<'e> {
    /// A record.
    Record(Record<'e>),
    /// A partition has been read to its end: to the offset after its last readable record, control records included.
    End(String, i32, i64),
    /// The group has assigned these partitions to this member.
    Assigned(Vec<(String, i32)>),
    /// The group is revoking the partitions.
    Revoked,
    /// An error; librdkafka recovers from most by itself.
    Failed {
        /// librdkafka's code.
        code: RDKafkaErrorCode,
        /// Whether the consumer is unusable.
        fatal: bool,
        /// librdkafka's message.
        reason: String,
    },
    /// A log line of librdkafka: syslog level, facility, text.
    Log(i32, String, String),
    /// Anything else.
    Nothing,
}

/// Whether an error means a missing right, which librdkafka does not recover from.
pub(crate) const fn is_forbidden(code: RDKafkaErrorCode) -> bool {
    matches!(code, RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::GroupAuthorizationFailed)
}

impl QueuedEvent<'_> {
    /// The event, which is destroyed by whoever takes it.
    fn into_raw(self) -> NonNull<sys::rd_kafka_event_t> {
        std::mem::ManuallyDrop::new(self).0
    }

    /// The content. Call it once: librdkafka hands out a record only once.
    pub(crate) fn content(&self) -> ConsumerEvent<'_> {
        let event = self.0.as_ptr();
        // SAFETY: `event` is alive until `self` is dropped, and every borrow made here is bound to `self`.
        unsafe {
            match sys::rd_kafka_event_type(event) {
                sys::RD_KAFKA_EVENT_FETCH => self.record(),
                sys::RD_KAFKA_EVENT_ERROR => self.failure(),
                sys::RD_KAFKA_EVENT_REBALANCE => match RDKafkaErrorCode::from(sys::rd_kafka_event_error(event)) {
                    RDKafkaErrorCode::AssignPartitions => {
                        ConsumerEvent::Assigned(partitions(sys::rd_kafka_event_topic_partition_list(event)))
                    }
                    _ => ConsumerEvent::Revoked,
                },
                sys::RD_KAFKA_EVENT_LOG => {
                    let (mut facility, mut text, mut level) = (ptr::null(), ptr::null(), 0);
                    match sys::rd_kafka_event_log(event, &raw mut facility, &raw mut text, &raw mut level) {
                        0 => ConsumerEvent::Log(level, owned(facility), owned(text)),
                        _ => ConsumerEvent::Nothing,
                    }
                }
                _ => ConsumerEvent::Nothing,
            }
        }
    }

    unsafe fn record(&self) -> ConsumerEvent<'_> {
        // SAFETY: the message is owned by the event, which `self` keeps alive.
        let Some(message) = (unsafe { sys::rd_kafka_event_message_next(self.0.as_ptr()).as_ref() }) else { return ConsumerEvent::Nothing };
        match RDKafkaErrorCode::from(message.err) {
            // SAFETY: the message comes from a consumer, and the event keeps it alive.
            RDKafkaErrorCode::NoError => ConsumerEvent::Record(unsafe { Message::record(message) }),
            code => ConsumerEvent::Failed { code, fatal: false, reason: code.to_string() },
        }
    }

    unsafe fn failure(&self) -> ConsumerEvent<'_> {
        let event = self.0.as_ptr();
        // SAFETY: `event` is alive; the topic and partition are a copy that is ours, read before it is destroyed, and destroyed once.
        unsafe {
            let code = RDKafkaErrorCode::from(sys::rd_kafka_event_error(event));
            if code == RDKafkaErrorCode::PartitionEOF {
                let Some(place) = NonNull::new(sys::rd_kafka_event_topic_partition(event)) else { return ConsumerEvent::Nothing };
                let end = ConsumerEvent::End(owned(place.as_ref().topic), place.as_ref().partition, place.as_ref().offset);
                sys::rd_kafka_topic_partition_destroy(place.as_ptr());
                return end;
            }
            let reason = owned(sys::rd_kafka_event_error_string(event));
            ConsumerEvent::Failed { code, fatal: sys::rd_kafka_event_error_is_fatal(event) != 0, reason }
        }
    }
}

impl Drop for QueuedEvent<'_> {
    fn drop(&mut self) {
        // SAFETY: we own the event and destroy it once; no borrow outlives `self`.
        unsafe { sys::rd_kafka_event_destroy(self.0.as_ptr()) }
    }
}

/// A message of a consumer, which keeps the bytes of a record.
#[repr(transparent)]
struct Message(sys::rd_kafka_message_t);

impl Message {
    /// The record that a message holds.
    ///
    /// # Safety
    /// The message comes from a consumer.
    unsafe fn record(message: &sys::rd_kafka_message_t) -> Record<'_> {
        let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message of a consumer has a topic, whose name is a C string that lives as long as the message; librdkafka gives
        // `key_len` and `len` readable bytes, which live as long; `kind` is written before the call returns; a `Message` has the layout of
        // what it wraps.
        unsafe {
            let topic = CStr::from_ptr(sys::rd_kafka_topic_name(message.rkt)).to_str().unwrap_or_default();
            let millis = sys::rd_kafka_message_timestamp(message, &raw mut kind);
            let is_set = kind != sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE && millis >= 0;
            let by_producer = kind == sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_CREATE_TIME;
            Record {
                topic,
                partition: message.partition,
                offset: message.offset,
                timestamp: is_set.then_some((Timestamp(millis), by_producer)),
                key: bytes(message.key, message.key_len),
                value: bytes(message.payload, message.len),
                headers: &*(&raw const *message).cast::<Self>(),
            }
        }
    }
}

impl RecordHeaders for Message {
    fn list(&self) -> Vec<(String, Option<Vec<u8>>)> {
        let mut headers = ptr::null_mut();
        // SAFETY: the message is alive; headers are parsed in place and stay owned by it; names are C strings, values have `size` bytes.
        unsafe {
            if sys::rd_kafka_message_headers(&raw const self.0, &raw mut headers) != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                return Vec::new();
            }
            let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
            (0..)
                .map_while(|i| {
                    let found = sys::rd_kafka_header_get_all(headers, i, &raw mut name, &raw mut value, &raw mut size);
                    (found == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR)
                        .then(|| (owned(name), bytes(value.cast_mut(), size).map(<[u8]>::to_vec)))
                })
                .collect()
        }
    }
}

impl HeaderLookup for Message {
    fn header(&self, name: &str) -> Option<&[u8]> {
        let mut value = [None];
        self.find(&[name], &mut value);
        value[0]
    }

    fn find<'h>(&'h self, names: &[&str], values: &mut [Option<&'h [u8]>]) {
        let mut headers = ptr::null_mut();
        // SAFETY: the message is alive and keeps its headers, which are parsed in place; names are C strings; values have `size` bytes that
        // live as long as the message.
        unsafe {
            if sys::rd_kafka_message_headers(&raw const self.0, &raw mut headers) != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                return;
            }
            let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
            for header in 0.. {
                let found = sys::rd_kafka_header_get_all(headers, header, &raw mut name, &raw mut value, &raw mut size);
                if found != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                    return;
                }
                let known = CStr::from_ptr(name).to_bytes();
                if let Some((_, place)) = names.iter().zip(&mut *values).find(|(wanted, _)| wanted.as_bytes() == known) {
                    *place = bytes(value.cast_mut(), size);
                }
            }
        }
    }
}

/// The group membership that is sent with committed offsets, so that brokers can fence a replaced member.
pub(crate) struct Membership {
    /// What the producer sends.
    pub metadata: Arc<ConsumerGroupMetadata>,
    /// The generation of the group.
    pub generation: i32,
    /// The id that the group has given the member.
    pub member: String,
}

/// The current membership of a consumer; `None` if it has no generation or member id, because brokers would not fence such commits.
///
/// rust-rdkafka hides the generation, so it is read from copies made before and after rust-rdkafka's own. Generations only grow: if the
/// two are equal, the copy in between has the same one.
pub(crate) fn membership<C: ConsumerContext>(consumer: &BaseConsumer<C>) -> Option<Membership> {
    let (before, metadata, after) = (generation(consumer)?, consumer.group_metadata()?, generation(consumer)?);
    (before == after).then_some(Membership { metadata: Arc::new(metadata), generation: before.0, member: before.1 })
}

fn generation<C: ConsumerContext>(consumer: &BaseConsumer<C>) -> Option<(i32, String)> {
    // SAFETY: the client lives as long as `consumer`; the copy is ours, read before it is destroyed, and destroyed once.
    unsafe {
        let metadata = NonNull::new(sys::rd_kafka_consumer_group_metadata(consumer.client().native_ptr()))?;
        let generation = sys::rd_kafka_consumer_group_metadata_generation_id(metadata.as_ptr());
        let member = owned(sys::rd_kafka_consumer_group_metadata_member_id(metadata.as_ptr()));
        sys::rd_kafka_consumer_group_metadata_destroy(metadata.as_ptr());
        (generation >= 0 && !member.is_empty()).then_some((generation, member))
    }
}

/// The end of a partition as of the consumer's last fetch: the last stable offset, for a consumer that reads committed records.
pub(crate) fn known_end<C: ConsumerContext>(consumer: &BaseConsumer<C>, topic: &str, partition: i32) -> Option<i64> {
    let topic = CString::new(topic).ok()?;
    let (mut low, mut high) = (-1, -1);
    // SAFETY: the client and the name outlive the call, which writes two numbers and keeps no pointer.
    let code = unsafe {
        sys::rd_kafka_get_watermark_offsets(consumer.client().native_ptr(), topic.as_ptr(), partition, &raw mut low, &raw mut high)
    };
    (code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0).then_some(high)
}

/// # Safety
/// `list` is null or a list of librdkafka.
unsafe fn partitions(list: *const sys::rd_kafka_topic_partition_list_t) -> Vec<(String, i32)> {
    // SAFETY: a list has `cnt` elements at `elems`, whose topics are C strings.
    unsafe {
        let Some(list) = list.as_ref() else { return Vec::new() };
        let count = usize::try_from(list.cnt).unwrap_or(0);
        (0..count).map(|i| &*list.elems.add(i)).map(|element| (owned(element.topic), element.partition)).collect()
    }
}

/// # Safety
/// `text` is null or a C string.
unsafe fn owned(text: *const c_char) -> String {
    // SAFETY: by contract.
    if text.is_null() { String::new() } else { unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned() }
}

/// # Safety
/// `start` is null or has `length` readable bytes that live for `'a`.
unsafe fn bytes<'a>(start: *mut c_void, length: usize) -> Option<&'a [u8]> {
    // SAFETY: by contract.
    (!start.is_null()).then(|| unsafe { std::slice::from_raw_parts(start.cast(), length) })
}
