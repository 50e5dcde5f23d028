//! What an account holds that decides what tenants' workloads reach: associations of EKS Pod Identity, their roles with all
//! their policies, and the tenants' buckets, as AWS' API told them.
//!
//! An [`Estate`] is data as it was read, texts and all, so that a verdict can be made of it again. [`Estate::decide`] asks
//! the evaluator what a workload's role may do. What was not read is [`Part::Unread`] and decides nothing: an answer that
//! depends on it is unknown, with the reason why it was not read.

mod decide;
mod grants;
mod ready;
mod session;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::arn::Arn;
use super::pod_identity::{Association, SessionTags, Workload};

pub use decide::{Ask, Found, bucket_of};
pub use ready::Ready;

/// Something that AWS was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Part<T> {
    /// It was read.
    Read(T),
    /// There is none.
    Absent,
    /// It was not read, and why.
    Unread(String),
}

impl<T> Part<T> {
    /// What was read; nothing where there is none or it was not read.
    pub const fn read(&self) -> Option<&T> {
        match self {
            Self::Read(read) => Some(read),
            Self::Absent | Self::Unread(_) => None,
        }
    }

    /// Why it was not read.
    pub fn why_unread(&self) -> Option<&str> {
        match self {
            Self::Unread(why) => Some(why),
            Self::Read(_) | Self::Absent => None,
        }
    }
}

/// A policy by its name, with its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamedPolicy {
    /// The name, or the ARN of a managed policy.
    pub name: String,
    /// The text as AWS keeps it, JSON.
    pub text: Part<String>,
}

/// What an account holds, as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Estate {
    /// The account that was asked, in twelve digits.
    pub account: String,
    /// The region that was asked.
    pub region: String,
    /// The ARN of the cluster.
    pub cluster: String,
    /// The associations in the namespaces of the tenancy.
    pub associations: Part<Vec<AssociationInfo>>,
    /// How many associations other namespaces of the cluster have; they were not read.
    pub other_associations: usize,
    /// The roles of these associations, by ARN.
    pub roles: BTreeMap<String, Part<RoleInfo>>,
    /// The tenants' buckets, by name. `Absent` is a bucket that there is none of.
    pub buckets: BTreeMap<String, Part<BucketInfo>>,
    /// The organization's policies, where they were given; AWS tells them to its management account alone.
    pub organization: Option<OrganizationPolicies>,
}

/// An association of EKS Pod Identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssociationInfo {
    /// Its id, `a-…`.
    pub id: String,
    /// The namespace.
    pub namespace: String,
    /// The service account.
    pub service_account: String,
    /// What else is told of it.
    pub detail: Part<AssociationDetail>,
}

/// What an association gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssociationDetail {
    /// The ARN of the role.
    pub role: String,
    /// The ARN of a role that is assumed from it, in whichever account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_role: Option<String>,
    /// The external id that the target role is assumed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Whether sessions carry no tags.
    pub tags_off: bool,
    /// The policy that is passed for the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

impl AssociationDetail {
    /// The role whose credentials a pod gets in the end.
    #[must_use]
    pub fn effective_role(&self) -> &str {
        self.target_role.as_deref().unwrap_or(&self.role)
    }

    /// Whether sessions carry tags.
    #[must_use]
    pub const fn session_tags(&self) -> SessionTags {
        if self.tags_off { SessionTags::Off } else { SessionTags::On }
    }
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleInfo {
    /// Its trust policy's text.
    pub trust: Part<String>,
    /// Its permissions boundary.
    pub boundary: Part<NamedPolicy>,
    /// Its policies, attached and inline.
    pub policies: Part<Vec<NamedPolicy>>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The longest session that it gives, in seconds.
    pub longest_session: Option<i32>,
}

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BucketInfo {
    /// Whose it is.
    pub owner: Owner,
    /// Where it lies.
    pub region: Part<String>,
    /// Its policy's text.
    pub policy: Part<String>,
    /// Its own Block Public Access.
    pub public_access_block: Part<PublicAccessBlock>,
    /// Its tags.
    pub tags: Part<BTreeMap<String, String>>,
    /// Whether S3 itself calls its policy public.
    pub is_public: Part<bool>,
}

/// In which account a bucket is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Owner {
    /// In this one.
    Account(String),
    /// Not in the account that was asked; in which is not known.
    Other,
    /// It was not told, and why.
    Unknown(String),
}

/// Block Public Access, its four parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools, reason = "S3 has these four")]
pub struct PublicAccessBlock {
    /// `BlockPublicAcls`.
    pub block_public_acls: bool,
    /// `IgnorePublicAcls`.
    pub ignore_public_acls: bool,
    /// `BlockPublicPolicy`.
    pub block_public_policy: bool,
    /// `RestrictPublicBuckets`.
    pub restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    /// The parts that are off, as S3 names them.
    #[must_use]
    pub fn off(self) -> Vec<&'static str> {
        [
            ("BlockPublicAcls", self.block_public_acls),
            ("IgnorePublicAcls", self.ignore_public_acls),
            ("BlockPublicPolicy", self.block_public_policy),
            ("RestrictPublicBuckets", self.restrict_public_buckets),
        ]
        .into_iter()
        .filter_map(|(name, on)| (!on).then_some(name))
        .collect()
    }
}

/// The policies of an organization on the account, as `ask iam` has them: level by level, the root first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrganizationPolicies {
    /// Service control policies.
    #[serde(default)]
    pub scps: Vec<Vec<GivenPolicy>>,
    /// Resource control policies.
    #[serde(default)]
    pub rcps: Vec<Vec<GivenPolicy>>,
}

/// A policy that was given as a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GivenPolicy {
    /// Its name.
    pub name: String,
    /// Its document.
    pub document: serde_json::Value,
}

/// Who asks: a service account of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceAccount<'a> {
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
}

impl fmt::Display for ServiceAccount<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl AssociationInfo {
    /// Who gets the role.
    #[must_use]
    pub fn service_account(&self) -> ServiceAccount<'_> {
        ServiceAccount { namespace: &self.namespace, name: &self.service_account }
    }
}

impl Estate {
    /// The association of a service account: it has one at most.
    #[must_use]
    pub fn association(&self, of: ServiceAccount<'_>) -> Option<&AssociationInfo> {
        self.associations.read()?.iter().find(|one| one.service_account() == of)
    }

    /// An association as the rules of Pod Identity read it; `None` where it was not read, or an ARN is none.
    #[must_use]
    pub fn as_association(&self, info: &AssociationInfo) -> Option<Association> {
        let detail = info.detail.read()?;
        Some(Association {
            workload: self.workload(info.service_account())?,
            role: Arn::parse(&detail.role)?,
            target_role: match &detail.target_role {
                Some(target) => Some(Arn::parse(target)?),
                None => None,
            },
            session_tags: detail.session_tags(),
        })
    }

    /// A service account of this cluster, as a workload.
    #[must_use]
    pub fn workload(&self, of: ServiceAccount<'_>) -> Option<Workload> {
        Some(Workload {
            cluster: Arn::parse(&self.cluster)?,
            namespace: of.namespace.to_owned(),
            service_account: of.name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests;
