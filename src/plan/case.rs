//! A case: a check made concrete for given tenants.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{CaseId, CheckId, Family, TenantId};
use crate::suite::Access;

/// A check made concrete. What the family asks of the cluster for it is `ask`, in the family's own
/// shape; everything that reports need of every family is beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Case {
    /// Its id: readable, stable, unique in a run.
    pub id: CaseId,
    /// The check that it makes concrete.
    pub check: CheckId,
    /// The family of that check.
    pub family: Family,
    /// One sentence: what holds if it passes.
    pub title: String,
    /// The tenant that acts.
    pub from: TenantId,
    /// The tenant that is acted upon.
    pub to: TenantId,
    /// What was declared: that it is allowed, or denied.
    pub expect: Access,
    /// What the family asks, in its own shape.
    pub ask: serde_json::Value,
}
