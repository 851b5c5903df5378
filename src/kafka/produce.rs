//! What a producer does for every record, without rust-rdkafka's copies of names and look-ups: librdkafka's handle of a topic is kept, and
//! headers are written from slices.
#![expect(unsafe_code, reason = "librdkafka is a C library; each block says why it is sound")]

use std::cell::RefCell;
use std::ffi::{CString, c_char, c_void};
use std::ptr::{self, NonNull};

use rdkafka::producer::{BaseProducer, Producer, ProducerContext};
use rdkafka_sys as sys;
use rdkafka_sys::types::RDKafkaErrorCode;

use super::outgoing::Outgoing;

/// Lets the partitioner choose.
const ANY_PARTITION: i32 = -1;

/// The topics that a producer has written to. Must be dropped before the producer.
#[derive(Default)]
pub(super) struct Topics(RefCell<Vec<(String, Topic)>>);

/// librdkafka's handle of a topic.
struct Topic(NonNull<sys::rd_kafka_topic_t>);

// SAFETY: librdkafka's topics are guarded by their own locks; the pointer is only passed back to librdkafka.
unsafe impl Send for Topic {}

impl Topic {
    fn of<C: ProducerContext<DeliveryOpaque = usize>>(producer: &BaseProducer<C>, name: &str) -> Option<Self> {
        let name = CString::new(name).ok()?;
        // SAFETY: the client and the name outlive the call; the handle that is returned holds a reference of its own.
        NonNull::new(unsafe { sys::rd_kafka_topic_new(producer.client().native_ptr(), name.as_ptr(), ptr::null_mut()) }).map(Self)
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        // SAFETY: we hold this reference, and give it up once.
        unsafe { sys::rd_kafka_topic_destroy(self.0.as_ptr()) }
    }
}

impl Topics {
    /// Adds a record to the queue of a producer, which copies it. Its delivery report says whether it is to be remembered.
    ///
    /// # Errors
    /// librdkafka's code, above all if the queue is full; `UnknownTopic` if a topic cannot have this name.
    pub(super) fn produce<C: ProducerContext<DeliveryOpaque = usize>>(
        &self,
        producer: &BaseProducer<C>,
        outgoing: &Outgoing<'_>,
    ) -> Result<(), RDKafkaErrorCode> {
        let mut topics = self.0.borrow_mut();
        if let Some((_, topic)) = topics.iter().find(|(name, _)| name == outgoing.topic) {
            return produce(producer, topic, outgoing);
        }
        let topic = Topic::of(producer, outgoing.topic).ok_or(RDKafkaErrorCode::UnknownTopic)?;
        let result = produce(producer, &topic, outgoing);
        topics.push((outgoing.topic.to_owned(), topic));
        result
    }
}

fn produce<C: ProducerContext<DeliveryOpaque = usize>>(
    producer: &BaseProducer<C>,
    topic: &Topic,
    outgoing: &Outgoing<'_>,
) -> Result<(), RDKafkaErrorCode> {
    use sys::rd_kafka_vtype_t::{
        RD_KAFKA_VTYPE_END, RD_KAFKA_VTYPE_HEADERS, RD_KAFKA_VTYPE_KEY, RD_KAFKA_VTYPE_MSGFLAGS, RD_KAFKA_VTYPE_OPAQUE,
        RD_KAFKA_VTYPE_PARTITION, RD_KAFKA_VTYPE_RKT, RD_KAFKA_VTYPE_TIMESTAMP, RD_KAFKA_VTYPE_VALUE,
    };
    let headers = headers(outgoing.headers);
    let (key, value) = (start_and_length(outgoing.key), start_and_length(outgoing.value));
    // SAFETY: each tag is followed by arguments of the types that librdkafka documents for it. The client, the topic, the key and the value
    // outlive the call, which copies them; the headers are librdkafka's from here on if it succeeds, and else destroyed once, below.
    let code = RDKafkaErrorCode::from(unsafe {
        sys::rd_kafka_producev(
            producer.client().native_ptr(),
            RD_KAFKA_VTYPE_RKT,
            topic.0.as_ptr(),
            RD_KAFKA_VTYPE_PARTITION,
            outgoing.partition.unwrap_or(ANY_PARTITION),
            RD_KAFKA_VTYPE_MSGFLAGS,
            sys::RD_KAFKA_MSG_F_COPY,
            RD_KAFKA_VTYPE_VALUE,
            value.0,
            value.1,
            RD_KAFKA_VTYPE_KEY,
            key.0,
            key.1,
            RD_KAFKA_VTYPE_OPAQUE,
            ptr::without_provenance_mut::<c_void>(usize::from(outgoing.remember)),
            RD_KAFKA_VTYPE_TIMESTAMP,
            outgoing.timestamp.unwrap_or(0),
            RD_KAFKA_VTYPE_HEADERS,
            headers,
            RD_KAFKA_VTYPE_END,
        )
    });
    if code == RDKafkaErrorCode::NoError {
        return Ok(());
    }
    if !headers.is_null() {
        // SAFETY: the call has failed, so they are still ours.
        unsafe { sys::rd_kafka_headers_destroy(headers) }
    }
    Err(code)
}

/// Headers as librdkafka holds them; null if there are none.
fn headers(headers: &[(String, Option<Vec<u8>>)]) -> *mut sys::rd_kafka_headers_t {
    if headers.is_empty() {
        return ptr::null_mut();
    }
    // SAFETY: the list is ours until it is returned; names and values have the lengths given, and are copied.
    unsafe {
        let list = sys::rd_kafka_headers_new(headers.len());
        for (name, value) in headers {
            let (value, length) = start_and_length(value.as_deref());
            sys::rd_kafka_header_add(list, name.as_ptr().cast::<c_char>(), name.len().cast_signed(), value, length.cast_signed());
        }
        list
    }
}

/// Where bytes are, and how many; null if there are none.
fn start_and_length(bytes: Option<&[u8]>) -> (*mut c_void, usize) {
    bytes.map_or((ptr::null_mut(), 0), |bytes| (bytes.as_ptr().cast_mut().cast(), bytes.len()))
}
