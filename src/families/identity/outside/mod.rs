//! What AWS' own API tells of the tenants' roles and buckets, judged from the text alone: associations, trust policies,
//! what roles reach by every policy that was read, bucket policies. No pod tries anything here.
//!
//! - `plan`: tenancy and what AWS told in; cases out. Pure.
//! - `judge`: a case and what AWS told in, a verdict out. Pure.

mod columns;
mod judge;
mod parameters;
mod plan;
mod seen;
#[cfg(test)]
mod tests;

pub(super) use columns::columns;
pub(super) use judge::Bench;
pub use parameters::{Outside, OutsideParameters};
pub(super) use plan::plan;
pub use seen::OutsideSeen;
