//! SIGTERM and SIGINT: the first asks everyone to stop in order, the second ends the process at once.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::stop::Stop;

/// Exit code of a process that did not end in order.
const EXIT_FAILURE: i32 = 1;

/// Listens on a thread of its own, for as long as the process lasts. From now on no such signal ends the process by itself.
///
/// # Errors
/// When the signals cannot be listened to.
pub(super) fn stop_on_signals() -> std::io::Result<Stop> {
    let stop = Stop::default();
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let asked = stop.clone();
    let work = move || {
        let mut signals = signals.forever();
        signals.next();
        tracing::info!("told to stop; the next SIGTERM or SIGINT ends the process at once");
        asked.request();
        signals.next();
        eprintln!("error: stopped_at_once: told to stop twice; what was not committed is read again at the next start");
        // Not by way of destructors, which may wait for a broker that does not answer.
        signal_hook::low_level::exit(EXIT_FAILURE);
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(work)?;
    Ok(stop)
}
