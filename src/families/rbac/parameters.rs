//! What a check of this family says in its suite: who must not be able to do what, and where, and how that is asked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who must not be able to do what, and where, and how that is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RbacParameters {
    /// Who: `tenant` (the subjects of each tenant) or `everybody` (groups to which everybody belongs).
    pub who: Who,
    /// Where: `another-tenant`, `own-namespaces` or `cluster`.
    pub place: Place,
    /// How: `review` (the rules, and SubjectAccessReview), or `token` (requests with the own tokens of the tenant's
    /// service accounts, only with --request-tokens); `review` where nothing is said.
    #[serde(default, skip_serializing_if = "By::is_review")]
    pub by: By,
    /// What must not be possible; each verb on each resource alone. With a token only what is harmless is tried:
    /// `get` of what does not exist, `list` that finds nothing, and `create` of pods, ConfigMaps and pods/exec.
    #[schemars(length(min = 1))]
    pub actions: Vec<Action>,
}

/// How it is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// Of the rules, and of the API server by SubjectAccessReview.
    #[default]
    Review,
    /// By requests with the tenant's own token, and nothing else.
    Token,
}

impl By {
    /// Whether nothing need be written.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
    pub(super) fn is_review(&self) -> bool {
        *self == Self::Review
    }
}

/// Who must not be able to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// The subjects of each tenant: those that the tenancy names, and its namespaces' service accounts.
    Tenant,
    /// Groups to which everybody belongs, or every service account.
    Everybody,
}

/// Where something must not be possible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// In the namespaces of every other party.
    #[default]
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
