//! `[limits]`: the allowed ranges. `settings::Limits` has the keys and defaults.

use crate::config::validate::Report;
use crate::settings::Limits;

/// Checks that every limit is within what memory and a changelog record can hold.
pub(in crate::config) fn validate(limits: &Limits, report: &mut Report<'_>) {
    let bounds = [
        ("record_bytes", limits.record_bytes, 1_024, 16_777_216),
        ("text_bytes", limits.text_bytes, 16, 4_096),
        ("accounts", limits.accounts, 1, 100_000_000),
        ("aliases", limits.aliases, 1, 100_000_000),
        ("users", limits.users, 1, 1_000_000),
        ("features", limits.features, 1, 100_000),
        ("ids_per_day", limits.ids_per_day, 1, 80_000),
        ("tickets_open", limits.tickets_open, 1, 100_000),
        ("tickets_resolved", limits.tickets_resolved, 1, 100_000),
        ("subscriptions", limits.subscriptions, 1, 10_000),
        ("answers", limits.answers, 1, 100_000),
        ("series", limits.series, 0, 1_000_000),
        ("label_values", limits.label_values, 1, 10_000),
    ];
    for (name, value, min, max) in bounds {
        if !(min..=max).contains(&value) {
            report.problem(&format!("limits.{name}"), format!("{value} is out of range: must be {min} to {max}"));
        }
    }
}
