//! The mappings that are part of the program.

/// Their names and texts, by name.
pub const SHIPPED: [(&str, &str); 11] = [
    ("amplitude", include_str!("../../../config/mappings/amplitude.toml")),
    ("chargebee", include_str!("../../../config/mappings/chargebee.toml")),
    ("freshdesk", include_str!("../../../config/mappings/freshdesk.toml")),
    ("hubspot", include_str!("../../../config/mappings/hubspot.toml")),
    ("intercom", include_str!("../../../config/mappings/intercom.toml")),
    ("jira", include_str!("../../../config/mappings/jira.toml")),
    ("lago", include_str!("../../../config/mappings/lago.toml")),
    ("mixpanel", include_str!("../../../config/mappings/mixpanel.toml")),
    ("paddle", include_str!("../../../config/mappings/paddle.toml")),
    ("posthog", include_str!("../../../config/mappings/posthog.toml")),
    ("recurly", include_str!("../../../config/mappings/recurly.toml")),
];
