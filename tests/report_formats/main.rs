//! What the reports of a run look like, and that every format stays whole whatever the names in it.

#![cfg(feature = "runner")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "what helps a test may fail it, and measurements are for people"
)]

#[path = "../support/story.rs"]
mod story;

mod explained;
mod files;
mod json;
mod junit;
mod progress;
mod samples;
mod speed;
mod summary;
mod terminal;

/// Says what was not tested, past the capture of the tests' output: silence would look like a pass.
fn skipped(what: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}");
}
