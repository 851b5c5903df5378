//! The business hours of a support desk, date by date.

use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use super::zone::{DAY, HOUR};

/// Days by the names of the configuration.
pub const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The open hours of a support desk.
#[derive(Clone)]
pub struct Desk {
    /// Its time zone; `None`: the reporting time zone.
    pub zone: Option<&'static str>,
    /// Open hours from Monday, as written.
    pub open: [Vec<&'static str>; 7],
    /// Closed dates.
    pub holidays: Vec<Date>,
}

impl Desk {
    /// The section of the configuration.
    pub fn toml(&self) -> String {
        let zone = self.zone.map_or(String::new(), |zone| format!("zone = {zone:?}\n"));
        let days = DAYS.iter().zip(&self.open).filter(|(_, hours)| !hours.is_empty());
        let days: Vec<String> = days.map(|(day, hours)| format!("{day} = {hours:?}")).collect();
        let holidays: Vec<String> = self.holidays.iter().map(Date::to_string).collect();
        format!("[support.business_hours]\n{zone}open = {{ {} }}\nholidays = {holidays:?}\n", days.join(", "))
    }

    /// Open milliseconds in a span: the overlap with the open hours, for each local date and UTC offset.
    pub fn open(&self, reporting: &str, from: i64, to: i64) -> i64 {
        let zone = TimeZone::get(self.zone.unwrap_or(reporting)).unwrap();
        let at = |millis: i64| Timestamp::from_millisecond(millis).unwrap();
        let changes = zone.following(at(from)).map(|change| change.timestamp().as_millisecond()).take_while(|change| *change < to);
        let mut cuts: Vec<i64> = std::iter::once(from).chain(changes).collect();
        cuts.push(to.max(from));
        let between = |pair: &[i64]| {
            let offset = i64::from(zone.to_offset(at(pair[0])).seconds()) * 1000;
            self.local(pair[0] + offset, pair[1] + offset)
        };
        cuts.windows(2).map(between).sum()
    }

    fn local(&self, from: i64, to: i64) -> i64 {
        let mut open = 0;
        for day in from.div_euclid(DAY)..=to.div_euclid(DAY) {
            let of_day = date(1970, 1, 1).checked_add(jiff::Span::new().days(day)).unwrap();
            let hours = &self.open[usize::from(of_day.weekday().to_monday_zero_offset().unsigned_abs())];
            if self.holidays.contains(&of_day) {
                continue;
            }
            for (start, end) in hours.iter().map(|hours| times(hours)) {
                open += (to.min(day * DAY + end) - from.max(day * DAY + start)).max(0);
            }
        }
        open
    }
}

/// Start and end of `HH:MM-HH:MM` in milliseconds since midnight.
fn times(hours: &str) -> (i64, i64) {
    let time = |text: &str| {
        let (hour, minute) = text.split_once(':').unwrap();
        hour.parse::<i64>().unwrap() * HOUR + minute.parse::<i64>().unwrap() * HOUR / 60
    };
    let (start, end) = hours.split_once('-').unwrap();
    (time(start), time(end))
}
