//! The stream threads' own code on a simulated cluster: `./dev test simulate`.
//!
//! Each seed is one run: some processes, a deck of faults, and a virtual clock. After each commit and at the end of each run the invariants
//! are checked (`check.rs`). A violation is shrunk to few faults and printed with its seed; `--seed S --runs 1 --trace` replays it. Then the
//! rules of the service are broken one at a time, and each must be noticed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test panics when an expectation fails, and prints what it measured"
)]
#![allow(clippy::cast_possible_wrap, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a simulated cluster is small")]

mod broker;
mod check;
mod consumer;
mod driver;
mod fault;
mod hunt;
mod load;
mod process;
mod random;
mod reference;
mod run;
mod setting;
mod world;

use std::process::ExitCode;

fn main() -> ExitCode {
    match run::Options::of(std::env::args().skip(1)) {
        Ok(options) => run::run(&options),
        Err(problem) => {
            println!("{problem}");
            ExitCode::from(2)
        }
    }
}
