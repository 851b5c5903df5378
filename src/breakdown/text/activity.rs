//! The events behind the metrics: a calendar of weeks for what happens daily, a list of dates for what is rare.

use std::collections::BTreeMap;

use super::super::document::{Activity, Breakdown};
use super::page::Page;
use crate::time::Date;

/// With more active dates than this, a calendar is easier to read than a list.
const LIST_MAX: usize = 7;
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

pub(super) fn write(breakdown: &Breakdown, page: &mut Page) {
    page.section("EVENTS by day");
    for activity in &breakdown.activity {
        let total: u64 = activity.days.iter().map(|(_, count)| count).sum();
        page.item(&format!("{}: {total} from {} to {}", activity.what, activity.from, activity.to));
        if activity.days.len() > LIST_MAX {
            write_calendar(activity, page);
        } else if !activity.days.is_empty() {
            let days: Vec<String> = activity.days.iter().map(|(date, count)| format!("{date}: {count}")).collect();
            page.labelled("", &days.join(", "));
        }
    }
    if breakdown.activity.is_empty() {
        page.item("none");
    }
}

fn write_calendar(activity: &Activity, page: &mut Page) {
    let days: Vec<(Date, u64)> = activity.days.iter().filter_map(|(date, count)| Some((Date::parse(date)?, *count))).collect();
    let mut weeks: BTreeMap<Date, [u64; 7]> = BTreeMap::new();
    for (date, count) in days {
        let weekday = weekday(date);
        let week = weeks.entry(date.minus(i32::try_from(weekday).unwrap_or_default())).or_default();
        if let Some(day) = week.get_mut(weekday) {
            *day += count;
        }
    }
    let row = |start: &str, cells: &[String], sum: &str| {
        let cells = cells.iter().fold(String::new(), |row, cell| row + &format!("{cell:>8}"));
        format!("      {start:<12}{cells}{sum:>10}")
    };
    page.raw(&row("week of", &WEEKDAYS.map(str::to_owned), "sum"));
    for (monday, days) in weeks {
        let cells = days.map(|count| if count == 0 { "-".to_owned() } else { count.to_string() });
        page.raw(&row(&monday.to_string(), &cells, &days.iter().sum::<u64>().to_string()));
    }
}

/// Counted from Monday.
fn weekday(date: Date) -> usize {
    // 1970-01-01 was a Thursday.
    usize::try_from((date.0 + 3).rem_euclid(7)).unwrap_or_default()
}
