//! What the EKS API tells of who is let into a cluster.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::aws_auth::AwsAuth;
use super::grants::Association;
use super::template::Template;
use crate::model::Principal;

/// Who is let into a cluster, as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// The cluster.
    pub cluster: Cluster,
    /// Where EKS looks for who a principal is.
    pub mode: AuthenticationMode,
    /// The access entries; none where that mode has none.
    pub entries: Vec<Entry>,
    /// The ConfigMap `aws-auth`; `None` where EKS reads none.
    pub config_map: Option<ConfigMap>,
}

/// An EKS cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The AWS account in which it is.
    pub account: String,
    /// The region in which it is.
    pub region: String,
}

impl Cluster {
    /// The cluster of an ARN such as `arn:aws:eks:eu-west-1:111122223333:cluster/shared`; `None` where it is none.
    #[must_use]
    pub fn of(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let (arn_word, _partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        let name = resource.strip_prefix("cluster/")?;
        let is_one = arn_word == "arn" && service == "eks" && !name.is_empty();
        is_one.then(|| Self {
            name: name.to_owned(),
            arn: arn.to_owned(),
            account: account.to_owned(),
            region: region.to_owned(),
        })
    }
}

impl fmt::Display for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EKS cluster {} of account {} in {}", self.name, self.account, self.region)
    }
}

/// Where EKS looks for who a principal is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuthenticationMode {
    /// In access entries.
    #[serde(rename = "API")]
    Api,
    /// In access entries, and then in `aws-auth`.
    #[serde(rename = "API_AND_CONFIG_MAP")]
    ApiAndConfigMap,
    /// In `aws-auth` alone.
    #[serde(rename = "CONFIG_MAP")]
    ConfigMap,
    /// In a mode that is not known here.
    #[serde(untagged)]
    Other(String),
}

impl AuthenticationMode {
    /// The mode of this name, as the API has it.
    #[must_use]
    pub fn of(name: &str) -> Self {
        match name {
            "API" => Self::Api,
            "API_AND_CONFIG_MAP" => Self::ApiAndConfigMap,
            "CONFIG_MAP" => Self::ConfigMap,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Api => "API",
            Self::ApiAndConfigMap => "API_AND_CONFIG_MAP",
            Self::ConfigMap => "CONFIG_MAP",
            Self::Other(name) => name,
        }
    }

    /// Whether access entries are looked at. Of a mode that is not known that is assumed.
    #[must_use]
    pub const fn has_entries(&self) -> bool {
        !matches!(self, Self::ConfigMap)
    }

    /// Whether `aws-auth` is looked at. Of a mode that is not known that is assumed.
    #[must_use]
    pub const fn has_config_map(&self) -> bool {
        !matches!(self, Self::Api)
    }
}

impl fmt::Display for AuthenticationMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The ConfigMap `aws-auth` of `kube-system`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigMap {
    /// It could not be read, and why.
    Unread(String),
    /// There is none.
    Absent,
    /// What it says.
    Read(AwsAuth),
}

/// An access entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The principal's ARN, as the API has it.
    pub principal: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: EntryType,
    /// As which user the principal is known.
    pub username: Template,
    /// Its groups.
    pub groups: Vec<Template>,
    /// Its access policies.
    pub policies: Vec<Association>,
}

impl Entry {
    /// The principal, where its ARN is one of a role or user.
    #[must_use]
    pub fn as_principal(&self) -> Option<Principal> {
        self.principal.parse().ok()
    }

    /// Whether it is a principal's.
    #[must_use]
    pub fn is_of(&self, principal: &Principal) -> bool {
        self.as_principal().is_some_and(|own| own.is(principal))
    }
}

/// The type of an access entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryType {
    /// For people and programs.
    #[serde(rename = "STANDARD")]
    Standard,
    /// For nodes: `EC2_LINUX`, `EC2_WINDOWS`, `FARGATE_LINUX`, `HYBRID_LINUX` and, with EKS Auto Mode, `EC2`.
    #[serde(untagged)]
    Node(NodeType),
    /// Of a type that is not known here.
    #[serde(untagged)]
    Other(String),
}

/// A type of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NodeType {
    /// Nodes of EKS Auto Mode with a node class of one's own.
    Ec2,
    /// Self-managed nodes with Linux.
    Ec2Linux,
    /// Self-managed nodes with Windows.
    Ec2Windows,
    /// Pods on Fargate.
    FargateLinux,
    /// Hybrid nodes.
    HybridLinux,
}

impl EntryType {
    /// The type of this name, as the API has it.
    #[must_use]
    pub fn of(name: &str) -> Self {
        match name {
            "STANDARD" => Self::Standard,
            "EC2" => Self::Node(NodeType::Ec2),
            "EC2_LINUX" => Self::Node(NodeType::Ec2Linux),
            // The documentation writes both.
            "EC2_WINDOWS" | "EC2_Windows" => Self::Node(NodeType::Ec2Windows),
            "FARGATE_LINUX" => Self::Node(NodeType::FargateLinux),
            "HYBRID_LINUX" => Self::Node(NodeType::HybridLinux),
            other => Self::Other(other.to_owned()),
        }
    }

    /// Whether it is for nodes.
    #[must_use]
    pub const fn is_of_nodes(&self) -> bool {
        matches!(self, Self::Node(_))
    }
}

impl fmt::Display for EntryType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Standard => "STANDARD",
            Self::Node(NodeType::Ec2) => "EC2",
            Self::Node(NodeType::Ec2Linux) => "EC2_LINUX",
            Self::Node(NodeType::Ec2Windows) => "EC2_WINDOWS",
            Self::Node(NodeType::FargateLinux) => "FARGATE_LINUX",
            Self::Node(NodeType::HybridLinux) => "HYBRID_LINUX",
            Self::Other(name) => name,
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{AuthenticationMode, Cluster, EntryType};

    #[rstest]
    #[case("STANDARD", false)]
    #[case("EC2", true)]
    #[case("EC2_LINUX", true)]
    #[case("EC2_WINDOWS", true)]
    #[case("FARGATE_LINUX", true)]
    #[case("HYBRID_LINUX", true)]
    #[case("HYPERPOD_LINUX", false)]
    fn a_type_is_kept_by_its_name(#[case] name: &str, #[case] nodes: bool) {
        let read = EntryType::of(name);
        assert_eq!((read.to_string().as_str(), read.is_of_nodes()), (name, nodes));
        let kept = serde_json::to_value(&read).unwrap();
        assert_eq!(kept, name);
        assert_eq!(serde_json::from_value::<EntryType>(kept).unwrap(), read);
    }

    #[rstest]
    #[case("API", true, false)]
    #[case("API_AND_CONFIG_MAP", true, true)]
    #[case("CONFIG_MAP", false, true)]
    #[case("LATER", true, true)]
    fn a_mode_says_where_eks_looks(#[case] name: &str, #[case] entries: bool, #[case] config_map: bool) {
        let mode = AuthenticationMode::of(name);
        assert_eq!((mode.has_entries(), mode.has_config_map()), (entries, config_map));
        let kept = serde_json::to_value(&mode).unwrap();
        assert_eq!(kept, name);
        assert_eq!(serde_json::from_value::<AuthenticationMode>(kept).unwrap(), mode);
    }

    #[test]
    fn an_arn_says_where_a_cluster_is() {
        let cluster = Cluster::of("arn:aws-cn:eks:cn-north-1:111122223333:cluster/shared").unwrap();
        assert_eq!(cluster.to_string(), "EKS cluster shared of account 111122223333 in cn-north-1");
        for arn in ["", "arn:aws:eks:eu-west-1:1:nodegroup/shared/x", "arn:aws:ecs:eu-west-1:1:cluster/shared"] {
            assert_eq!(Cluster::of(arn), None, "{arn}");
        }
    }
}
