//! The probe's program, run for real on the loopback: what it sees, what it records, what it says.

mod fenced;
mod harness;
mod life;
mod outcomes;
