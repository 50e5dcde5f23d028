//! The objects of RBAC, as they were read.

use std::fmt;

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use serde::{Deserialize, Serialize};

use crate::semantics::Unreadable;

/// The kinds of RBAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ObjectKind {
    /// A Role.
    Role,
    /// A ClusterRole.
    ClusterRole,
    /// A RoleBinding.
    RoleBinding,
    /// A ClusterRoleBinding.
    ClusterRoleBinding,
}

impl ObjectKind {
    /// The kind of this name.
    #[must_use]
    pub fn parse(kind: &str) -> Option<Self> {
        match kind {
            "Role" => Some(Self::Role),
            "ClusterRole" => Some(Self::ClusterRole),
            "RoleBinding" => Some(Self::RoleBinding),
            "ClusterRoleBinding" => Some(Self::ClusterRoleBinding),
            _ => None,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Role => "Role",
            Self::ClusterRole => "ClusterRole",
            Self::RoleBinding => "RoleBinding",
            Self::ClusterRoleBinding => "ClusterRoleBinding",
        }
    }

    /// Whether its objects have a namespace.
    #[must_use]
    pub const fn is_namespaced(self) -> bool {
        matches!(self, Self::Role | Self::RoleBinding)
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A role or a binding, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectName {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its namespace; `None` where it is cluster-wide.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// An object that is there and cannot be read: it may say anything.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NotUnderstood {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its namespace; `None` where it has none, or where that cannot be read either.
    pub namespace: Option<String>,
    /// Its name, where that can be read.
    pub name: Option<String>,
    /// What is wrong with it, and where.
    pub why: String,
}

impl fmt::Display for NotUnderstood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or("of an unknown name");
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{name} ({})", self.kind, self.why),
            None => write!(f, "{} {name} ({})", self.kind, self.why),
        }
    }
}

/// An object that can be read and that the API server would refuse: it may be there or not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Refused {
    /// Which.
    pub object: ObjectName,
    /// What is wrong with it, and where.
    pub why: String,
}

/// An object of another API from which some controller makes roles or bindings, or that grants beside them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ForeignGrant {
    /// Its apiVersion.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// The namespace in which it can grant; `None` for the whole cluster.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Where it was read: a file and line, or empty for a cluster.
    pub place: String,
}

impl fmt::Display for ForeignGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} of {}", self.kind, self.name, self.api_version)?;
        if self.place.is_empty() { Ok(()) } else { write!(f, " ({})", self.place) }
    }
}

/// From where objects were read, and so what has become of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadFrom {
    /// Manifests: no controller has run, so the rules of aggregated ClusterRoles are computed; and the roles that an
    /// API server makes itself may be missing.
    #[default]
    Manifests,
    /// A cluster: rules are what they are, and what is not there does not exist.
    Cluster,
}

/// The objects of RBAC, and what could not be read of them. Objects of a namespace carry it in their metadata.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RbacObjects {
    /// Roles.
    pub roles: Vec<Role>,
    /// ClusterRoles.
    pub cluster_roles: Vec<ClusterRole>,
    /// RoleBindings.
    pub role_bindings: Vec<RoleBinding>,
    /// ClusterRoleBindings.
    pub cluster_role_bindings: Vec<ClusterRoleBinding>,
    /// From where.
    pub read_from: ReadFrom,
    /// Objects that are there and could not be read.
    pub not_understood: Vec<NotUnderstood>,
    /// Objects that the API server would refuse for more than [`Fault`](super::Fault)s, which are found here.
    pub refused: Vec<Refused>,
    /// Resources that could not be listed.
    pub unreadable: Vec<Unreadable>,
    /// Objects of other APIs that could grant.
    pub foreign: Vec<ForeignGrant>,
}
