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
mod idle;
mod judge;
mod mutants;
mod needs;
mod observe;
mod outcome;
mod parameters;
mod plan;
mod ports;
mod seen;

pub use ask::{Ask, Connection, Placement, PodEnd};
pub use classes::PodClass;
pub use judge::judge;
pub use parameters::{NetworkParameters, Reach, Scope};
pub use plan::{NetworkPlan, TryPlan, plan};
pub use seen::{Computed, ProbeSeen, Seen, SideSeen, TrySeen};

use needs::NEEDS;

use super::{ANY_CHECK, FamilyEntry, seen_of};
use crate::document::shape::Slot;

/// The family's name.
pub const NAME: &str = "network";

/// The family.
pub(super) const FAMILY: FamilyEntry = FamilyEntry {
    name: NAME,
    about: "who reaches whom, by real connections between probe pods",
    suite: ("suites/network.yaml", include_str!("../../../suites/network.yaml")),
    parameters: Slot::of::<NetworkParameters>(NAME),
    reads: &[],
    needs: NEEDS,
    plan: |input| Box::new(plan(input)),
    judge: |cases, observations| judge(cases, &seen_of(NAME, observations)?),
    mutants: mutants::mutants,
    concerned: ANY_CHECK,
};
