//! Arguments -> configuration -> run; the only place that exits.

use std::process::ExitCode;

fn main() -> ExitCode {
    churnwatch::cli::main()
}
