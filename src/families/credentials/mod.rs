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
mod mutants;
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

use super::{ANY_CHECK, FamilyEntry, seen_of};
use crate::document::shape::Slot;

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
    judge: |cases, observations| judge(cases, &seen_of(NAME, observations)?),
    mutants: mutants::mutants,
    concerned: ANY_CHECK,
};
