//! The RBAC family: right user, right tenant. No subject of one tenant may act in another's namespace, on the
//! cluster, or on its own fences.
//!
//! - `plan`: the tenancy, the roles and the bindings in; cases and questions out, each with what the rules say. Pure.
//! - `observe`: asks the API server the same questions, and where the run was told to, makes requests with tenants' own
//!   tokens. The only part with I/O.
//! - `eks`: access entries and their policies, which no RBAC object shows: planned and judged by the EKS API's text. Pure.
//! - `judge`: a case and the answers in, a verdict with its reason out. Pure.
//! - `mutants`: bindings that must be found. Pure.

mod ask;
mod bound;
mod eks;
mod judge;
mod mutants;
mod observe;
mod parameters;
mod plan;
mod question;
mod questions;
mod request;
mod seen;
mod subjects;

pub use eks::{ByRoles, EksSeen, RunnerSeen};
pub use parameters::{Action, By, Place, RbacParameters, Who};
pub use question::Question;
pub use seen::{AskedSeen, ControlSeen, Seen, TokenSeen, TriedSeen};

use parameters::Checked;

use super::{ANY_CHECK, FamilyEntry, seen_of};
use crate::document::shape::Slot;
use crate::plan::Permission;
use crate::semantics::kinds::{CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES};

/// The family's name.
pub const NAME: &str = "rbac";

/// The API group of roles and bindings.
const GROUP: &str = "rbac.authorization.k8s.io";

/// Why roles and bindings are read.
const WHY: &str = "to compute who is granted what";

/// The family.
pub(super) const FAMILY: FamilyEntry = FamilyEntry {
    name: NAME,
    about: "what each tenant's subjects may do to others, to the cluster and to their own fences",
    suite: ("suites/rbac.yaml", include_str!("../../../suites/rbac.yaml")),
    parameters: Slot::of::<Checked>(NAME),
    reads: &[
        ROLES.because(WHY),
        ROLE_BINDINGS.because(WHY),
        CLUSTER_ROLES.because(WHY),
        CLUSTER_ROLE_BINDINGS.because(WHY),
    ],
    needs: &[Permission {
        group: "authorization.k8s.io",
        resources: &["subjectaccessreviews"],
        verbs: &["create"],
        why: "to ask the API server what it would allow a tenant's subjects; nothing is created",
    }],
    plan: |input| Box::new(plan::plan(input)),
    judge: |cases, observations| judge::judge(cases, &seen_of(NAME, observations)?),
    mutants: mutants::mutants,
    concerned: ANY_CHECK,
};
