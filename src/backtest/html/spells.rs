//! The score of some accounts until they left.

use super::super::report::{Leaver, Report};
use super::escape::shortened;
use super::frame::Frame;
use crate::time::DAY_MS;

/// Small plots, one per account.
pub(super) fn leavers(report: &Report) -> String {
    if report.leavers.is_empty() {
        return "<p>No account left on a known date in the held-out part.</p>\n".to_owned();
    }
    let plots: String = report.leavers.iter().map(|leaver| plot(leaver, report.bands)).collect();
    format!("<div class=\"small-multiples\">\n{plots}</div>\n")
}

fn plot(leaver: &Leaver, (green, yellow): (f64, f64)) -> String {
    let days = |t: crate::time::Timestamp| -(leaver.left.since(t) as f64 / DAY_MS as f64);
    let first = leaver.health.first().map_or(-28.0, |(t, _)| days(*t)).min(-28.0);
    let (from, to) = (first, (-first * 0.04).max(2.0));
    let mut frame = Frame::new((230.0, 130.0), [26.0, 8.0, 8.0, 22.0], (from, to), (0.0, 100.0));
    frame.area("zone-green", (from, green), (to, 100.0));
    frame.area("zone-yellow", (from, yellow), (to, green));
    frame.area("zone-red", (from, 0.0), (to, yellow));
    frame.y_ticks(&[0.0, yellow, green, 100.0], |score| format!("{score:.0}"));
    let ticks: Vec<f64> = [-364.0, -273.0, -182.0, -91.0, 0.0].into_iter().filter(|tick| *tick >= from).collect();
    frame.x_ticks(&ticks, |tick| if tick > -1.0 { "left".to_owned() } else { format!("−{:.0} d", -tick) });
    frame.line("left-at", [(0.0, 0.0), (0.0, 100.0)]);
    frame.line("curve health", leaver.health.iter().map(|(t, health)| (days(*t), f64::from(*health))));
    let warning = leaver.warning_days.map_or_else(|| "never red".to_owned(), |days| format!("red for {days:.0} d"));
    let id = shortened(&leaver.account_id, 24);
    let left: String = leaver.left.to_string().chars().take(10).collect();
    let picture = frame.drawing(&format!("Health of {id} until it left")).element();
    format!("<figure class=\"small\">\n<h4>{id}</h4>\n{picture}<figcaption>left {left}, {warning}</figcaption>\n</figure>\n")
}
