//! The identity family: what a tenant's pods reach in AWS with the credentials that they get, tried from inside them.
//!
//! - [`plan`]: tenancy and snapshot in, cases and probes out. Pure.
//! - `orders`: what each probe is told to try. Pure.
//! - `observe`: makes the probes try. The only part with I/O.
//! - [`outside`]: what AWS' API tells of roles and buckets: planned and judged by its text. Pure.
//! - [`judge`]: a case and what was seen in, a verdict with its reason out. Pure.

mod ask;
mod computed;
mod judge;
mod observe;
mod orders;
pub mod outside;
mod parameters;
mod plan;
mod seen;

pub use ask::Ask;
pub use judge::judge;
use parameters::Checked;
pub use parameters::{Attempt, IdentityParameters, Operation, Thing};
pub use plan::{Holding, IdentityPlan, Member, What, plan};
pub use seen::{CallSeen, Phase, ProbeSeen, Seen};

use super::{ANY_CHECK, FamilyEntry, seen_of};
use crate::document::shape::Slot;

/// The family's name.
pub const NAME: &str = "identity";

/// The family.
pub(super) const FAMILY: FamilyEntry = FamilyEntry {
    name: NAME,
    about: "what tenants' pods reach in AWS with the credentials that they get",
    suite: ("suites/identity.yaml", include_str!("../../../suites/identity.yaml")),
    parameters: Slot::of::<Checked>(NAME),
    reads: &[],
    needs: &[],
    plan: |input| Box::new(plan(input)),
    judge: |cases, observations| judge(cases, &seen_of(NAME, observations)?),
    // A fence of this family is a policy of AWS', and none of the cluster's objects is one.
    mutants: |_| Vec::new(),
    concerned: ANY_CHECK,
};
