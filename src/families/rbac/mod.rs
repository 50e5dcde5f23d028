//! The RBAC family: right user, right tenant. No subject of one tenant may act in another's namespace, on the
//! cluster, or on its own fences.
//!
//! - `plan`: the tenancy, the roles and the bindings in; cases and questions out, each with what the rules say. Pure.
//! - `observe`: asks the API server the same questions. The only part with I/O.
//! - `judge`: a case and the answers in, a verdict with its reason out. Pure.
//! - `mutants`: bindings that must be found. Pure.

mod judge;
mod mutants;
mod observe;
mod parameters;
mod plan;
mod question;
mod seen;
mod subjects;

pub use parameters::{Action, Place, RbacParameters, Who};
pub use question::Question;
pub use seen::{AskedSeen, ControlSeen, Seen};

use super::{CaseResult, FamilyEntry, JudgeError};
use crate::document::shape::Slot;
use crate::model::CaseId;
use crate::plan::{Case, Permission};
use crate::semantics::{Extent, ObjectKind};

/// The family's name.
pub const NAME: &str = "rbac";

/// The API group of roles and bindings.
const GROUP: &str = "rbac.authorization.k8s.io";

const ROLES: ObjectKind = kind("Role", "roles", Extent::Tenancy);
const ROLE_BINDINGS: ObjectKind = kind("RoleBinding", "rolebindings", Extent::Tenancy);
const CLUSTER_ROLES: ObjectKind = kind("ClusterRole", "clusterroles", Extent::Cluster);
const CLUSTER_ROLE_BINDINGS: ObjectKind = kind("ClusterRoleBinding", "clusterrolebindings", Extent::Cluster);

const fn kind(kind: &'static str, plural: &'static str, extent: Extent) -> ObjectKind {
    ObjectKind { group: GROUP, version: "v1", kind, plural, extent, why: "to compute who is granted what" }
}

/// The family.
pub(super) const FAMILY: FamilyEntry = FamilyEntry {
    name: NAME,
    about: "what each tenant's subjects may do to others, to the cluster and to their own fences",
    suite: ("suites/rbac.yaml", include_str!("../../../suites/rbac.yaml")),
    parameters: Slot::of::<RbacParameters>(NAME),
    reads: &[ROLES, ROLE_BINDINGS, CLUSTER_ROLES, CLUSTER_ROLE_BINDINGS],
    needs: &[Permission {
        group: "authorization.k8s.io",
        resources: &["subjectaccessreviews"],
        verbs: &["create"],
        why: "to ask the API server what it would allow a tenant's subjects; nothing is created",
    }],
    plan: |input| Box::new(plan::plan(input)),
    judge: judge_stored,
    mutants: mutants::mutants,
};

/// Judges cases by stored observations.
fn judge_stored(cases: &[Case], observations: &serde_json::Value) -> Result<Vec<CaseResult>, JudgeError> {
    let seen: Seen = serde_json::from_value(observations.clone())
        .map_err(|error| JudgeError { case: CaseId::new(NAME), why: error.to_string() })?;
    judge::judge(cases, &seen)
}
