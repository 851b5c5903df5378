//! Arguments -> configuration -> run; the only place that exits.

use std::process::ExitCode;

/// States are many small allocations that live long beside encodings that live for a moment: a tenth of the time is spent on them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    churnwatch::cli::main()
}
