//! The runner: see [`tenantproof::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    tenantproof::cli::main()
}
