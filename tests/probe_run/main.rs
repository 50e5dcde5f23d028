//! The probe's program, run for real on the loopback: what it sees, what it records, what it says.

#![expect(clippy::expect_used, reason = "helpers of tests fail the test that calls them")]

mod cloud;
mod fenced;
mod harness;
mod life;
mod outcomes;
