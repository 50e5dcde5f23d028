//! The families of checks. Each has four parts: `plan`, `observe` (the only one with I/O), `judge`
//! and `fences`. No family knows another.

mod judgement;

pub use judgement::{Cause, Column, Judgement, Stance};
