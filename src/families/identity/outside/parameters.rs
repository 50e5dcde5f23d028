//! What a check says in its suite that is judged from what AWS tells, without any call of a pod's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is judged from the text that AWS' API gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OutsideParameters {
    /// What is looked at.
    pub outside: Outside,
    /// With `tags`: the key of the tag that has the tenant's id; `tenant` where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outside {
    /// Whether a role is given to service accounts of two tenants.
    SharedRole,
    /// Whether a role or a target role lies in an account that was not promised.
    TargetRole,
    /// Whether sessions without tags meet policies that read them.
    SessionTags,
    /// Whom a role's trust policy lets in.
    Trust,
    /// Whether a tenant's role reaches another tenant's buckets, by every policy that was read.
    RoleReach,
    /// To whom a bucket's policy opens it.
    BucketPolicy,
    /// Whether a bucket blocks public access.
    PublicAccessBlock,
    /// Whether a bucket has its tenant's tag.
    Tags,
}

impl Outside {
    /// Whether it is about buckets.
    pub(super) const fn is_of_buckets(self) -> bool {
        matches!(self, Self::BucketPolicy | Self::PublicAccessBlock | Self::Tags)
    }

    /// Whether it is about two tenants.
    pub(super) const fn is_of_pairs(self) -> bool {
        matches!(self, Self::RoleReach)
    }
}
