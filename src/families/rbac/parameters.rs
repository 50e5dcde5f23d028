//! What a check of this family says in its suite: who must not be able to do what, and where.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who must not be able to do what, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RbacParameters {
    /// Who: `tenant` (the subjects of each tenant) or `everybody` (groups to which everybody belongs).
    pub who: Who,
    /// Where: `another-tenant`, `own-namespaces` or `cluster`.
    pub place: Place,
    /// What must not be possible; each verb on each resource alone.
    #[schemars(length(min = 1))]
    pub actions: Vec<Action>,
}

/// Who must not be able to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// The subjects of each tenant: those that the tenancy names, and its namespaces' service accounts.
    Tenant,
    /// Groups to which everybody belongs, or every service account.
    Everybody,
}

/// Where something must not be possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// In the namespaces of every other party.
    AnotherTenant,
    /// In the tenant's own namespaces.
    OwnNamespaces,
    /// On what belongs to no namespace, and in all namespaces at once.
    Cluster,
}

/// Verbs on resources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Action {
    /// The verbs, such as `get`.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub verbs: Vec<String>,
    /// The API group; leave it out for the core group.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub api_group: String,
    /// The resources, subresources as `pods/exec`; `"*"` for whatever a rule grants, and a sample of what matters.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub resources: Vec<String>,
}
