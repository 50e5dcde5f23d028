//! What a check of this family says in its suite: who must not be able to do what, and where, and how that is asked.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// Who must not be able to do what, and where, and how that is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RbacParameters {
    /// Who: `tenant` (the subjects of each tenant), `everybody` (groups to which everybody belongs), or `strangers` (IAM
    /// principals of no tenant, which are not the operators').
    pub who: Who,
    /// Where: `another-tenant`, `own-namespaces`, `elsewhere` (namespaces of no tenant) or `cluster`.
    pub place: Place,
    /// How: `review` (the rules, and SubjectAccessReview); `token` (requests with the own tokens of the tenant's
    /// service accounts, only with --request-tokens); or what the EKS API's text says, only with --eks-cluster:
    /// `access-policy` (what access policies grant), `access-entry` (as whom access entries let principals in) or
    /// `config-map` (whom the ConfigMap aws-auth lets in). `review` where nothing is said.
    #[serde(default, skip_serializing_if = "By::is_review")]
    pub by: By,
    /// What must not be possible; each verb on each resource alone. With a token only what is harmless is tried:
    /// `get` of what does not exist, `list` that finds nothing, and `create` of pods, ConfigMaps and pods/exec. Leave it
    /// out with `access-entry` and `config-map`, which are about who is let in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub actions: Vec<Action>,
}

impl RbacParameters {
    /// Why nothing could be asked by these; `None` where something can.
    #[must_use]
    pub fn fault(&self) -> Option<&'static str> {
        let Self { who, place, by, actions } = self;
        match (by, who) {
            (By::Review | By::Token | By::AccessPolicy, _) if actions.is_empty() => {
                Some("`actions` is missing: what must not be possible")
            }
            (By::AccessEntry | By::ConfigMap, _) if !actions.is_empty() => {
                Some("`actions` has no effect with `by: access-entry` and `by: config-map`")
            }
            (By::AccessPolicy | By::AccessEntry | By::ConfigMap | By::Token, Who::Everybody) => {
                Some("`who: everybody` goes with `by: review` alone")
            }
            (By::Review | By::Token | By::AccessEntry | By::ConfigMap, Who::Strangers) => {
                Some("`who: strangers` goes with `by: access-policy` alone")
            }
            (By::AccessPolicy, Who::Strangers) if *place != Place::OwnNamespaces => {
                Some("`who: strangers` goes with `place: own-namespaces` alone")
            }
            (By::AccessEntry | By::ConfigMap, Who::Tenant) if *place != Place::Cluster => {
                Some("`by: access-entry` and `by: config-map` go with `place: cluster` alone")
            }
            (By::Review | By::Token, _) if *place == Place::Elsewhere => {
                Some("`place: elsewhere` goes with `by: access-policy` alone")
            }
            _ => None,
        }
    }
}

/// The same as it is read: what asks nothing is refused.
pub(super) struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match RbacParameters::deserialize(deserializer)?.fault() {
            Some(fault) => Err(D::Error::custom(fault)),
            None => Ok(Self),
        }
    }
}

impl JsonSchema for Checked {
    fn schema_name() -> Cow<'static, str> {
        RbacParameters::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        RbacParameters::json_schema(generator)
    }
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
    /// Of what EKS access policies grant, by the EKS API's text.
    AccessPolicy,
    /// Of whom access entries make of a principal, by the EKS API's text.
    AccessEntry,
    /// Of whom the ConfigMap aws-auth lets in, by its text.
    ConfigMap,
}

impl By {
    /// Whether nothing need be written.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
    pub(super) fn is_review(&self) -> bool {
        *self == Self::Review
    }

    /// Whether the EKS API's text is judged.
    #[must_use]
    pub const fn is_of_eks(self) -> bool {
        matches!(self, Self::AccessPolicy | Self::AccessEntry | Self::ConfigMap)
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
    /// IAM principals of no tenant, which are not the operators'.
    Strangers,
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
    /// In namespaces that belong to no party.
    Elsewhere,
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
