//! The admission family: policy as code refuses what breaks the tenancy's rules, whoever asks and by whatever way.
//!
//! - `plan`: tenancy, policies and suite in; cases and requests out, each with what the policies say of it. Pure.
//! - `observe`: makes each request beside its compliant twin. The only part with I/O.
//! - `judge`: a case and what was seen in, a verdict with its reason out. Pure.
//! - [`fences`]: how each policy is taken down and put back; `concerned`: which checks that concerns. Pure.

mod ask;
mod concerned;
mod controllers;
pub mod fences;
mod judge;
mod needs;
mod objects;
mod observe;
mod parameters;
mod plan;
mod refusal;
mod seen;
mod settle;
mod trials;
mod variants;

pub use ask::{Ask, Question};
pub use judge::judge;
pub use parameters::{AdmissionParameters, Demand, Way};
pub use plan::{AdmissionPlan, plan};
pub use seen::{Answer, Seen, TrySeen};

use super::{FamilyEntry, seen_of};
use crate::document::shape::Slot;

/// The family's name.
pub const NAME: &str = "admission";

/// The family.
pub(super) const FAMILY: FamilyEntry = FamilyEntry {
    name: NAME,
    about: "what policies refuse in tenants' namespaces, by requests that break a rule and their compliant twins",
    suite: ("suites/admission.yaml", include_str!("../../../suites/admission.yaml")),
    parameters: Slot::of::<AdmissionParameters>(NAME),
    reads: needs::READS,
    needs: needs::NEEDS,
    plan: |input| Box::new(plan(input)),
    judge: |cases, observations| judge(cases, &seen_of(NAME, observations)?),
    mutants: fences::mutants,
    concerned: concerned::concerned,
};
