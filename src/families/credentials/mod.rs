//! The credentials family: what lies about in a tenant's objects that opens something for long.
//!
//! - [`plan()`]: tenancy and snapshot in, cases out. Pure.
//! - `observe`: scans what was read, with a salt and canaries of its own. The only part with I/O.
//! - [`judge`]: a case and what was seen in, a verdict with its reason out. Pure.
//! - [`fences`]: how each promise is broken, and kept again. Pure.
//!
//! A value that was found never leaves `observe`: places, kinds and fingerprints do.

mod ask;
pub mod fences;
mod judge;
mod observe;
mod parameters;
mod plan;
mod reads;
mod seen;
mod tokens;

pub use ask::Ask;
pub use judge::judge;
pub use parameters::{CredentialsParameters, Look};
pub use plan::{CredentialsPlan, plan};
pub use seen::{Credential, NamespaceSeen, Scanned, Seen, TokenSecret, TokenSeen};

use super::{CaseResult, FamilyEntry, JudgeError};
use crate::document::shape::Slot;
use crate::model::CaseId;
use crate::plan::Case;

/// The family's name.
pub const NAME: &str = "credentials";

/// The family.
pub(super) const FAMILY: FamilyEntry = FamilyEntry {
    name: NAME,
    about: "which long-lived credentials lie in a tenant's objects, and which tokens its pods hold",
    suite: ("suites/credentials.yaml", include_str!("../../../suites/credentials.yaml")),
    parameters: Slot::of::<CredentialsParameters>(NAME),
    reads: reads::READS,
    needs: &[],
    plan: |input| Box::new(plan(input)),
    judge: judge_stored,
    mutants: fences::mutants,
};

/// Judges cases by stored observations.
fn judge_stored(cases: &[Case], observations: &serde_json::Value) -> Result<Vec<CaseResult>, JudgeError> {
    let seen: Seen = serde_json::from_value(observations.clone())
        .map_err(|error| JudgeError { case: CaseId::new(NAME), why: error.to_string() })?;
    judge(cases, &seen)
}
