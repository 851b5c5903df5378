//! ACLs on the test broker, which rust-rdkafka cannot create.
#![expect(unsafe_code, reason = "librdkafka's administration of rights is C")]

use std::ffi::{CString, c_char};
use std::ptr;
use std::time::Duration;

use rdkafka::admin::AdminClient;
use rdkafka::client::DefaultClientContext;
use rdkafka_sys as sys;
use sys::rd_kafka_AclOperation_t as Operation;
use sys::rd_kafka_ResourcePatternType_t as Pattern;
use sys::rd_kafka_ResourceType_t as Resource;

use super::broker::Broker;
use super::client;

/// One right as `churnwatch topics --acls` prints it: resource type, name (a prefix if it ends in `*`), operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    pub resource: String,
    pub name: String,
    pub operation: String,
}

/// Grants rights to `User:<user>`.
pub fn grant(broker: &Broker, user: &str, rights: &[Right]) {
    let admin: AdminClient<DefaultClientContext> = client::config(broker).create().unwrap();
    let principal = CString::new(format!("User:{user}")).unwrap();
    let any_host = CString::new("*").unwrap();
    // SAFETY: every pointer is created and destroyed here and outlives the calls it is passed to, and the client lives to the end.
    unsafe {
        let client = admin.inner().native_ptr();
        let mut bindings: Vec<_> = rights
            .iter()
            .map(|right| {
                let (pattern, name) = match right.name.strip_suffix('*') {
                    Some(prefix) => (Pattern::RD_KAFKA_RESOURCE_PATTERN_PREFIXED, prefix),
                    None => (Pattern::RD_KAFKA_RESOURCE_PATTERN_LITERAL, right.name.as_str()),
                };
                let name = CString::new(name).unwrap();
                let mut error: [c_char; 512] = [0; 512];
                let binding = sys::rd_kafka_AclBinding_new(
                    resource(&right.resource),
                    name.as_ptr(),
                    pattern,
                    principal.as_ptr(),
                    any_host.as_ptr(),
                    operation(&right.operation),
                    sys::rd_kafka_AclPermissionType_t::RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW,
                    error.as_mut_ptr(),
                    error.len(),
                );
                assert!(!binding.is_null(), "{right:?}");
                binding
            })
            .collect();
        let queue = sys::rd_kafka_queue_new(client);
        sys::rd_kafka_CreateAcls(client, bindings.as_mut_ptr(), bindings.len(), ptr::null(), queue);
        let limit = i32::try_from(Duration::from_secs(30).as_millis()).unwrap();
        let event = sys::rd_kafka_queue_poll(queue, limit);
        assert!(!event.is_null(), "the broker does not answer");
        assert_eq!(sys::rd_kafka_event_error(event) as i32, 0);
        let mut count = 0;
        let results = sys::rd_kafka_CreateAcls_result_acls(sys::rd_kafka_event_CreateAcls_result(event), &raw mut count);
        for (place, right) in rights.iter().enumerate().take(count) {
            let error = sys::rd_kafka_acl_result_error(*results.add(place));
            assert!(error.is_null(), "{right:?} was rejected");
        }
        sys::rd_kafka_event_destroy(event);
        sys::rd_kafka_queue_destroy(queue);
        for binding in bindings {
            sys::rd_kafka_AclBinding_destroy(binding);
        }
    }
}

fn resource(name: &str) -> Resource {
    match name {
        "topic" => Resource::RD_KAFKA_RESOURCE_TOPIC,
        "group" => Resource::RD_KAFKA_RESOURCE_GROUP,
        "transactional id" => Resource::RD_KAFKA_RESOURCE_TRANSACTIONAL_ID,
        other => panic!("no resource: {other}"),
    }
}

fn operation(name: &str) -> Operation {
    match name {
        "Read" => Operation::RD_KAFKA_ACL_OPERATION_READ,
        "Write" => Operation::RD_KAFKA_ACL_OPERATION_WRITE,
        "Create" => Operation::RD_KAFKA_ACL_OPERATION_CREATE,
        "DescribeConfigs" => Operation::RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS,
        "Describe" => Operation::RD_KAFKA_ACL_OPERATION_DESCRIBE,
        other => panic!("no operation: {other}"),
    }
}
