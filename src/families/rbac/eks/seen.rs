//! What was seen of the EKS API, and what it is held against.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::families::Stance;
use crate::model::{Principal, TenantId};
use crate::semantics::rbac::eks::Access;
use crate::tenancy::Subjects;

/// What was seen of the EKS API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EksSeen {
    /// Who is let in, as it was read.
    pub access: Access,
    /// As whom the API server knows the runner, or why that was not told: the control case of what was read.
    pub runner: Result<RunnerSeen, String>,
    /// Who acts for each party, by the tenancy.
    pub parties: BTreeMap<TenantId, Subjects>,
    /// Who runs the cluster, by the tenancy; `None` where it does not say.
    pub operators: Option<Vec<Principal>>,
    /// For each case about strangers, by its id: what RBAC grants to their names and groups.
    pub by_roles: BTreeMap<String, Vec<ByRoles>>,
}

/// As whom the API server knows the runner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunnerSeen {
    /// The user.
    pub user: String,
    /// Its groups.
    pub groups: Vec<String>,
}

/// What RBAC grants to a principal's name and groups, or may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByRoles {
    /// The principal, by its ARN.
    pub principal: String,
    /// What the rules say: never that they refuse it.
    pub stance: Stance,
    /// What it may do, and where.
    pub what: String,
    /// By which binding, role and rule.
    pub because: String,
}
