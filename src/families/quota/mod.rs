//! The quota family: no tenant can take more of the cluster than its share.
//!
//! - `plan`: tenancy and snapshot in, cases out. Pure.
//! - `observe`: asks for what is within a limit, and for one past it. The only part with I/O.
//! - `judge`: a case and what was seen in, a verdict with its reason out. Pure.
//! - [`fences`]: how each quota and limit is taken down and put back. Pure.

mod ask;
pub mod fences;
mod judge;
mod needs;
mod observe;
mod parameters;
mod plan;
mod refusal;
mod request;
mod rules;
mod seen;
mod shape;

pub use ask::{Ask, Locked};
pub use judge::judge;
pub use parameters::{QuotaParameters, Trial};
pub use plan::{QuotaPlan, plan};
pub use seen::{Answer, DefaultsSeen, EdgeSeen, Fault, PairSeen, RefusedSeen, RushSeen, Seen, ShareSeen, TrySeen};

use super::{ANY_CHECK, FamilyEntry, seen_of};
use crate::document::shape::Slot;

/// The family's name.
pub const NAME: &str = "quota";

/// The family.
pub(super) const FAMILY: FamilyEntry = FamilyEntry {
    name: NAME,
    about: "what a tenant can take of the cluster, by requests up to each limit and one past it",
    suite: ("suites/quota.yaml", include_str!("../../../suites/quota.yaml")),
    parameters: Slot::of::<QuotaParameters>(NAME),
    reads: needs::READS,
    needs: needs::NEEDS,
    plan: |input| Box::new(plan(input)),
    judge: |cases, observations| judge(cases, &seen_of(NAME, observations)?),
    mutants: fences::mutants,
    concerned: ANY_CHECK,
};
