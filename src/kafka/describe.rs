//! What brokers report about topics and groups: ids, partition counts, cleanup policies, and the operations that the principal is allowed
//! (KIP-430). rust-rdkafka does not wrap these requests, or only for an asynchronous client of their own.
#![expect(unsafe_code, reason = "librdkafka is a C library; each block says why it is sound")]

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr::NonNull;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka_sys as sys;
use rdkafka_sys::rd_kafka_AclOperation_t as AclOperation;
use rdkafka_sys::types::RDKafkaErrorCode;

use super::native::is_forbidden;
use super::topic_id::TopicId;

/// An operation that needs authorization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Reading records, joining a group, committing its offsets.
    Read,
    /// Writing records, using a transactional id.
    Write,
    /// Creating a topic.
    Create,
    /// Deleting records of a topic.
    Delete,
    /// Reading the configuration of a topic.
    DescribeConfigs,
}

impl Operation {
    /// Its name as Kafka's own tools spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "Read",
            Self::Write => "Write",
            Self::Create => "Create",
            Self::Delete => "Delete",
            Self::DescribeConfigs => "DescribeConfigs",
        }
    }
}

/// The allowed operations; `None` if the broker does not report them, an error if it hides the resource.
pub(crate) type Allowed = Result<Option<Vec<Operation>>, RDKafkaErrorCode>;

/// A topic as brokers describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Description {
    /// Its id, if the broker has ids.
    pub id: Option<TopicId>,
    /// Its partition count.
    pub partitions: i32,
    /// The allowed operations, if the broker reports them.
    pub operations: Option<Vec<Operation>>,
}

/// Each of these topics, by name, as this broker describes them; nothing if it does not answer.
pub(crate) fn topics<C: ConsumerContext>(
    client: &BaseConsumer<C>,
    names: &[&str],
    broker: i32,
    limit: Duration,
) -> BTreeMap<String, Result<Description, RDKafkaErrorCode>> {
    let Some((owned, mut pointers)) = c_strings(names) else { return BTreeMap::new() };
    // SAFETY: the names outlive the call, which copies them; the collection is destroyed once, after the call that reads it.
    let event = unsafe {
        let collection = sys::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
        let ask = |rk, options, queue| sys::rd_kafka_DescribeTopics(rk, collection, options, queue);
        let event = answer(client, sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, Some(broker), limit, ask);
        sys::rd_kafka_TopicCollection_destroy(collection);
        event
    };
    drop(owned);
    let Some(event) = event else { return BTreeMap::new() };
    // SAFETY: the event lives until it is dropped at the end; it owns the descriptions, which are only read.
    unsafe {
        let result = sys::rd_kafka_event_DescribeTopics_result(event.0.as_ptr());
        if result.is_null() {
            return BTreeMap::new();
        }
        let mut count = 0;
        let found = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        let one = |place| {
            let topic = *found.add(place);
            let name = CStr::from_ptr(sys::rd_kafka_TopicDescription_name(topic)).to_string_lossy().into_owned();
            let (mut operations, mut partitions) = (0, 0);
            let list = sys::rd_kafka_TopicDescription_authorized_operations(topic, &raw mut operations);
            let described = allowed(sys::rd_kafka_TopicDescription_error(topic), list, operations).map(|operations| {
                sys::rd_kafka_TopicDescription_partitions(topic, &raw mut partitions);
                let id = sys::rd_kafka_TopicDescription_topic_id(topic);
                let id = (!id.is_null())
                    .then(|| (sys::rd_kafka_Uuid_most_significant_bits(id), sys::rd_kafka_Uuid_least_significant_bits(id)))
                    .and_then(|(most, least)| TopicId::of(most, least));
                Description { id, partitions: i32::try_from(partitions).unwrap_or(i32::MAX), operations }
            });
            (name, described)
        };
        (0..count).map(one).collect()
    }
}

/// The operations allowed on a group; an error if the request fails.
pub(crate) fn group<C: ConsumerContext>(client: &BaseConsumer<C>, name: &str, limit: Duration) -> Result<Allowed, RDKafkaErrorCode> {
    let described = described_group(client, name, limit, |group| {
        let mut operations = 0;
        // SAFETY: the description lives as long as this call, and owns what is read of it.
        let allowed = unsafe {
            let list = sys::rd_kafka_ConsumerGroupDescription_authorized_operations(group, &raw mut operations);
            allowed(sys::rd_kafka_ConsumerGroupDescription_error(group), list, operations)
        };
        match allowed {
            // Each group has an error of its own, for a coordinator that is absent too.
            Err(code) if !is_forbidden(code) => Err(code),
            allowed => Ok(allowed),
        }
    });
    described.map(|allowed| allowed.unwrap_or(Ok(None)))
}

/// The ids of the members of a group that have a `group.instance.id`, by it; an error if the request fails.
pub(crate) fn named_members<C: ConsumerContext>(
    client: &BaseConsumer<C>,
    group: &str,
    limit: Duration,
) -> Result<BTreeMap<String, String>, RDKafkaErrorCode> {
    let described = described_group(client, group, limit, |group| {
        // SAFETY: the description lives as long as this call, and owns its members, whose names are null or C strings.
        unsafe {
            let error = sys::rd_kafka_ConsumerGroupDescription_error(group);
            if !error.is_null() {
                return Err(RDKafkaErrorCode::from(sys::rd_kafka_error_code(error)));
            }
            let members = (0..sys::rd_kafka_ConsumerGroupDescription_member_count(group))
                .map(|place| sys::rd_kafka_ConsumerGroupDescription_member(group, place));
            let text = |text| CStr::from_ptr(text).to_string_lossy().into_owned();
            let named = members.filter_map(|member| {
                let name = sys::rd_kafka_MemberDescription_group_instance_id(member);
                (!name.is_null()).then(|| (text(name), text(sys::rd_kafka_MemberDescription_consumer_id(member))))
            });
            Ok(named.collect())
        }
    });
    described.map(Option::unwrap_or_default)
}

/// What `read` makes of the description of a group; `None` if the broker cannot describe groups (the embedded one cannot).
fn described_group<C: ConsumerContext, T>(
    client: &BaseConsumer<C>,
    name: &str,
    limit: Duration,
    read: impl FnOnce(*const sys::rd_kafka_ConsumerGroupDescription_t) -> Result<T, RDKafkaErrorCode>,
) -> Result<Option<T>, RDKafkaErrorCode> {
    let Some((owned, mut pointers)) = c_strings(&[name]) else { return Ok(None) };
    // SAFETY: the name outlives the call, which copies it.
    let ask = |rk, options, queue| unsafe { sys::rd_kafka_DescribeConsumerGroups(rk, pointers.as_mut_ptr(), 1, options, queue) };
    // SAFETY: `ask` makes the call that the options are created for.
    let event = unsafe { answer(client, sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, None, limit, ask) };
    drop(owned);
    let Some(event) = event else { return Err(RDKafkaErrorCode::OperationTimedOut) };
    // SAFETY: the event lives until it is dropped at the end; it owns the description, which is only read.
    unsafe {
        match RDKafkaErrorCode::from(sys::rd_kafka_event_error(event.0.as_ptr())) {
            RDKafkaErrorCode::NoError => {}
            RDKafkaErrorCode::UnsupportedFeature => return Ok(None),
            code => return Err(code),
        }
        let result = sys::rd_kafka_event_DescribeConsumerGroups_result(event.0.as_ptr());
        let mut count = 0;
        let found = if result.is_null() {
            std::ptr::null_mut()
        } else {
            sys::rd_kafka_DescribeConsumerGroups_result_groups(result, &raw mut count)
        };
        if count == 0 { Ok(None) } else { read(*found).map(Some) }
    }
}

/// The cleanup policy of a topic; `None` if this broker does not say, an error if it may not or cannot.
pub(crate) fn cleanup_policy<C: ConsumerContext>(
    client: &BaseConsumer<C>,
    topic: &str,
    broker: i32,
    limit: Duration,
) -> Result<Option<String>, RDKafkaErrorCode> {
    let Ok(topic) = CString::new(topic) else { return Ok(None) };
    // SAFETY: the name outlives the call that copies it; the resource is destroyed once, after the call that reads it.
    let event = unsafe {
        let mut resource = sys::rd_kafka_ConfigResource_new(sys::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC, topic.as_ptr());
        let ask = |rk, options, queue| sys::rd_kafka_DescribeConfigs(rk, &raw mut resource, 1, options, queue);
        let event = answer(client, sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, Some(broker), limit, ask);
        sys::rd_kafka_ConfigResource_destroy(resource);
        event
    };
    let Some(event) = event else { return Err(RDKafkaErrorCode::OperationTimedOut) };
    // SAFETY: the event lives until it is dropped at the end; it owns the resources and their entries, which are only read.
    unsafe {
        let result = sys::rd_kafka_event_DescribeConfigs_result(event.0.as_ptr());
        let mut count = 0;
        let found =
            if result.is_null() { std::ptr::null_mut() } else { sys::rd_kafka_DescribeConfigs_result_resources(result, &raw mut count) };
        if count == 0 {
            return Err(RDKafkaErrorCode::from(sys::rd_kafka_event_error(event.0.as_ptr())));
        }
        match RDKafkaErrorCode::from(sys::rd_kafka_ConfigResource_error(*found)) {
            RDKafkaErrorCode::NoError => {}
            code => return Err(code),
        }
        let mut count = 0;
        let entries = sys::rd_kafka_ConfigResource_configs(*found, &raw mut count);
        let entry = (0..count)
            .map(|place| *entries.add(place))
            .find(|entry| CStr::from_ptr(sys::rd_kafka_ConfigEntry_name(*entry)).to_bytes() == b"cleanup.policy");
        let value = entry.map(|entry| sys::rd_kafka_ConfigEntry_value(entry)).filter(|value| !value.is_null());
        Ok(value.map(|value| CStr::from_ptr(value).to_string_lossy().into_owned()))
    }
}

struct Response(NonNull<sys::rd_kafka_event_t>);

impl Drop for Response {
    fn drop(&mut self) {
        // SAFETY: we own the event and destroy it once.
        unsafe { sys::rd_kafka_event_destroy(self.0.as_ptr()) }
    }
}

/// Sends a request, which asks for the allowed operations too where it can, and waits for the response. librdkafka waits for the controller
/// unless it is given a `broker`; the embedded one never finds its own.
///
/// # Safety
/// `ask` must make the call that belongs to `operation`.
unsafe fn answer<C: ConsumerContext>(
    client: &BaseConsumer<C>,
    operation: sys::rd_kafka_admin_op_t,
    broker: Option<i32>,
    limit: Duration,
    ask: impl FnOnce(*mut sys::rd_kafka_t, *const sys::rd_kafka_AdminOptions_t, *mut sys::rd_kafka_queue_t),
) -> Option<Response> {
    let millis = c_int::try_from(limit.as_millis()).unwrap_or(c_int::MAX);
    // SAFETY: the client lives as long as `client`; options and queue are created here and destroyed once, after the call and the wait.
    unsafe {
        let rk = client.client().native_ptr();
        let options = sys::rd_kafka_AdminOptions_new(rk, operation);
        let error = sys::rd_kafka_AdminOptions_set_include_authorized_operations(options, 1);
        if !error.is_null() {
            sys::rd_kafka_error_destroy(error);
        }
        let mut words: [c_char; 256] = [0; 256];
        sys::rd_kafka_AdminOptions_set_request_timeout(options, millis, words.as_mut_ptr(), words.len());
        if let Some(broker) = broker {
            sys::rd_kafka_AdminOptions_set_broker(options, broker, words.as_mut_ptr(), words.len());
        }
        let queue = sys::rd_kafka_queue_new(rk);
        ask(rk, options, queue);
        let event = sys::rd_kafka_queue_poll(queue, millis);
        sys::rd_kafka_queue_destroy(queue);
        sys::rd_kafka_AdminOptions_destroy(options);
        NonNull::new(event).map(Response)
    }
}

/// # Safety
/// `error` is null or an error of librdkafka; `operations` is null or has `count` elements.
unsafe fn allowed(error: *const sys::rd_kafka_error_t, operations: *const AclOperation, count: usize) -> Allowed {
    if !error.is_null() {
        // SAFETY: by contract.
        return Err(RDKafkaErrorCode::from(unsafe { sys::rd_kafka_error_code(error) }));
    }
    if operations.is_null() {
        return Ok(None);
    }
    // SAFETY: by contract.
    let list = unsafe { std::slice::from_raw_parts(operations, count) };
    let known = |operation: &AclOperation| match operation {
        AclOperation::RD_KAFKA_ACL_OPERATION_DELETE => Some(Operation::Delete),
        AclOperation::RD_KAFKA_ACL_OPERATION_READ => Some(Operation::Read),
        AclOperation::RD_KAFKA_ACL_OPERATION_WRITE => Some(Operation::Write),
        AclOperation::RD_KAFKA_ACL_OPERATION_CREATE => Some(Operation::Create),
        AclOperation::RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS => Some(Operation::DescribeConfigs),
        _ => None,
    };
    Ok(Some(list.iter().filter_map(known).collect()))
}

/// The names as C strings, and pointers to them; `None` if a name contains a zero byte.
fn c_strings(names: &[&str]) -> Option<(Vec<CString>, Vec<*const c_char>)> {
    let owned: Vec<CString> = names.iter().map(|name| CString::new(*name).ok()).collect::<Option<_>>()?;
    let pointers = owned.iter().map(|name| name.as_ptr()).collect();
    Some((owned, pointers))
}
