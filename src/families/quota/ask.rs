//! What a case of this family asks.

use serde::{Deserialize, Serialize};

use crate::families::Subject;
use crate::model::{Namespace, Quantity};
use crate::semantics::quota::{Amounts, Bound, LimitType};

/// What a case asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "kebab-case")]
pub enum Ask {
    /// Whether a ResourceQuota holds what was promised.
    Share {
        /// The namespace.
        namespace: Namespace,
        /// The resource, as a ResourceQuota names it.
        resource: String,
        /// The most that was promised.
        promised: Quantity,
    },
    /// Whether one past a limit is refused.
    Edge {
        /// The namespace.
        namespace: Namespace,
        /// The resource, as a ResourceQuota names it.
        resource: String,
        /// The quota, where it counts some pods only; otherwise the tightest decides.
        quota: Option<String>,
        /// The most that was promised; `None` where only the objects say something.
        promised: Option<Quantity>,
        /// The observation.
        key: String,
    },
    /// Whether many creates at once stay within a limit.
    Rush {
        /// The namespace.
        namespace: Namespace,
        /// The resource, as a ResourceQuota names it.
        resource: String,
        /// The most that was promised.
        promised: Option<Quantity>,
        /// The observation.
        key: String,
    },
    /// Whether a container larger than promised is refused.
    Container {
        /// The namespace.
        namespace: Namespace,
        /// The resource, such as `cpu`.
        resource: String,
        /// The most that was promised.
        promised: Quantity,
        /// The observation.
        key: String,
    },
    /// Whether a container that asks for nothing gets limits.
    Defaults {
        /// The namespace.
        namespace: Namespace,
        /// The most that was promised for one container.
        promised: Amounts,
        /// The observation.
        key: String,
    },
    /// Whether a bound of a LimitRange holds.
    Bounds {
        /// The namespace.
        namespace: Namespace,
        /// What is bounded.
        of: LimitType,
        /// From which side.
        bound: Bound,
        /// The resource, such as `cpu`.
        resource: String,
        /// The observation.
        key: String,
    },
    /// Whether a subject of the tenant can edit the objects.
    Locked {
        /// The namespace.
        namespace: Namespace,
        /// Who.
        subject: Subject,
        /// What.
        objects: Locked,
        /// The observation.
        key: String,
    },
}

impl Ask {
    /// The namespace that it is about.
    #[must_use]
    pub const fn namespace(&self) -> &Namespace {
        match self {
            Self::Share { namespace, .. }
            | Self::Edge { namespace, .. }
            | Self::Rush { namespace, .. }
            | Self::Container { namespace, .. }
            | Self::Defaults { namespace, .. }
            | Self::Bounds { namespace, .. }
            | Self::Locked { namespace, .. } => namespace,
        }
    }

    /// The key of its observation; `None` where it rests on the objects alone.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Share { .. } => None,
            Self::Edge { key, .. }
            | Self::Rush { key, .. }
            | Self::Container { key, .. }
            | Self::Defaults { key, .. }
            | Self::Bounds { key, .. }
            | Self::Locked { key, .. } => Some(key),
        }
    }
}

/// Objects that a tenant must not edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Locked {
    /// Its quotas.
    ResourceQuotas,
    /// Its limits.
    LimitRanges,
}

impl Locked {
    /// Their name in paths.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::ResourceQuotas => "resourcequotas",
            Self::LimitRanges => "limitranges",
        }
    }

    /// Every way of loosening one: a verb, and the subresource that it is for. Admission holds to a quota's
    /// status, so whoever may write that may raise it.
    #[must_use]
    pub const fn ways(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::ResourceQuotas => &[
                ("update", ""),
                ("patch", ""),
                ("delete", ""),
                ("deletecollection", ""),
                ("update", "status"),
                ("patch", "status"),
            ],
            Self::LimitRanges => &[("update", ""), ("patch", ""), ("delete", ""), ("deletecollection", "")],
        }
    }
}
