//! SIGTERM and SIGINT: the first shuts down gracefully, the second ends the process immediately.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::stop::Stop;

/// Exit code after a second signal.
const EXIT_FAILURE: i32 = 1;

/// Handles the signals on a separate thread until the process ends.
///
/// # Errors
/// If the signal handlers cannot be installed.
pub(super) fn stop_on_signals() -> std::io::Result<Stop> {
    let stop = Stop::default();
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let asked = stop.clone();
    let work = move || {
        let mut signals = signals.forever();
        signals.next();
        tracing::info!("shutting down; another SIGTERM or SIGINT ends the process immediately");
        asked.request();
        signals.next();
        eprintln!("error: stopped_at_once: stopped by a second signal; uncommitted input will be read again");
        // Skips destructors, which might wait for an unresponsive broker.
        signal_hook::low_level::exit(EXIT_FAILURE);
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(work)?;
    Ok(stop)
}
