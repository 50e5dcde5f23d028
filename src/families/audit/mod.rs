//! The audit family: who did what is on record, soon, whole, and under the right name.
//!
//! - `plan`: the tenancy in; cases, deeds and questions out. Pure.
//! - `deed`: the requests that are made to be found again: dry-runs, and questions for what does not exist. Pure.
//! - `observe`: makes them and looks for their record. The only part with I/O.
//! - `way`: the ways that a record goes before it can be read, and what is known of each. Pure.
//! - `computed`: what the audit policy's own text keeps of the tenants' requests. Pure.
//! - `judge`: a case and what was seen in, a verdict with its reason out. Pure.
//! - `mutants`: bindings that open to a tenant where the log is kept. Pure.

mod ask;
mod computed;
mod deed;
mod judge;
mod mutants;
mod observe;
mod parameters;
mod plan;
mod seen;
mod topic;
mod way;

pub use ask::{Ask, Promised};
pub use deed::{About, Deed};
pub use parameters::{AuditParameters, Look};
pub use seen::{AnswerSeen, DeedSeen, KeptSeen, LogSeen, NameSeen, PolicySeen, Seen, SinkSeen};
pub use topic::Topic;
pub use way::Way;

use super::{ANY_CHECK, FamilyEntry, seen_of};
use crate::document::shape::Slot;
use crate::plan::Permission;

/// The family's name.
pub const NAME: &str = "audit";

/// The family.
pub(super) const FAMILY: FamilyEntry = FamilyEntry {
    name: NAME,
    about: "whether what tenants ask of the API server is on record, whole and under the right name",
    suite: ("suites/audit.yaml", include_str!("../../../suites/audit.yaml")),
    parameters: Slot::of::<AuditParameters>(NAME),
    reads: &[],
    needs: &[
        Permission {
            group: "authorization.k8s.io",
            resources: &["subjectaccessreviews"],
            verbs: &["create"],
            why: "to ask the API server whether a tenant's subjects reach where the audit log is kept",
        },
        Permission {
            group: "discovery.k8s.io",
            resources: &["endpointslices"],
            verbs: &["get"],
            why: "to count the API servers: each keeps an audit log of its own",
        },
    ],
    plan: |input| Box::new(plan::plan(input)),
    judge: |cases, observations| judge::judge(cases, &seen_of(NAME, observations)?),
    mutants: mutants::mutants,
    concerned: ANY_CHECK,
};
