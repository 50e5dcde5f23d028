//! The network family: who reaches whom, by real connections between probes.
//!
//! - [`plan`]: tenancy and snapshot in, cases, probes and tries out. Pure.
//! - `observe`: makes the probes try. The only part with I/O.
//! - [`judge`]: a case and what was seen in, a verdict with its reason out. Pure.
//! - [`fences`]: how each fence is taken down and put back. Pure.

mod ask;
mod cause;
mod classes;
mod controls;
pub mod fences;
mod guest;
mod idle;
mod judge;
mod observe;
mod outcome;
mod plan;
mod ports;
mod seen;

pub use ask::{Ask, Connection, Placement, PodEnd};
pub use classes::PodClass;
pub use judge::judge;
pub use observe::{Limits, note_changes, observe};
pub use plan::{NetworkPlan, TryPlan, plan};
pub use seen::{Computed, ProbeSeen, Seen, SideSeen, TrySeen};

use super::{CaseResult, JudgeError};
use crate::model::CaseId;
use crate::plan::Case;

/// The family's name.
pub const NAME: &str = "network";

/// Judges cases by stored observations.
pub(super) fn judge_stored(cases: &[Case], observations: &serde_json::Value) -> Result<Vec<CaseResult>, JudgeError> {
    let seen: Seen = serde_json::from_value(observations.clone())
        .map_err(|error| JudgeError { case: CaseId::new(NAME), why: error.to_string() })?;
    judge(cases, &seen)
}
