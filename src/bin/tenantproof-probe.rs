//! The program that runs inside the probe pods. See `tenantproof::probe`.

use std::io::{self, Write};
use std::process::ExitCode;

use tenantproof::probe::agent::{self, Ending};
use tenantproof::probe::args::{self, Command, HELP};

fn main() -> ExitCode {
    let args = std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned());
    let config = match args::parse(args, |name| std::env::var(name).ok()) {
        Ok(Command::Run(config)) => config,
        Ok(Command::Help) => return print(HELP),
        Ok(Command::Version) => return print(concat!("tenantproof-probe ", env!("CARGO_PKG_VERSION"), "\n")),
        Err(error) => return fail(2, &error),
    };
    match agent::run(&config, io::stdout()) {
        Ok(Ending::Told) => ExitCode::SUCCESS,
        Ok(Ending::Deadline) => fail(3, &"the deadline has passed"),
        Err(error) => fail(1, &error),
    }
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn fail(code: u8, reason: &dyn std::fmt::Display) -> ExitCode {
    // Where even that can't be written, the exit code says it.
    let _ = writeln!(io::stderr(), "tenantproof-probe: {reason}");
    ExitCode::from(code)
}
