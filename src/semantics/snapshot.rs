//! The objects of a cluster at one moment, as they were read.

use std::collections::BTreeMap;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{LimitRange, Namespace, Node, Pod, ResourceQuota, Service};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::iam::estate::Estate;
use super::rbac::eks::Access;

/// What was read of a cluster, or of manifests that describe one.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// All namespaces: policies select peers by their labels.
    pub namespaces: Vec<Namespace>,
    /// Pods; those of the tenancy's namespaces at least.
    pub pods: Vec<Pod>,
    /// NetworkPolicies of the same namespaces.
    pub network_policies: Vec<NetworkPolicy>,
    /// Services of the same namespaces.
    pub services: Vec<Service>,
    /// PodDisruptionBudgets of the same namespaces.
    pub disruption_budgets: Vec<PodDisruptionBudget>,
    /// HorizontalPodAutoscalers of the same namespaces.
    pub autoscalers: Vec<HorizontalPodAutoscaler>,
    /// ResourceQuotas of the same namespaces.
    pub quotas: Vec<ResourceQuota>,
    /// LimitRanges of the same namespaces.
    pub limit_ranges: Vec<LimitRange>,
    /// Deployments, ReplicaSets and StatefulSets of the same namespaces, as far as they select pods.
    pub workloads: Vec<Workload>,
    /// Nodes.
    pub nodes: Vec<Node>,
    /// Objects that can open or fence a connection and that no evaluator here models.
    pub foreign: Vec<ForeignPolicy>,
    /// Objects of the kinds that families asked for, by [`ObjectKind::name`].
    pub objects: BTreeMap<String, Vec<serde_json::Value>>,
    /// What could not be read, and why: what it would have said is unknown.
    pub unreadable: Vec<Unreadable>,
    /// What the EKS API tells of who is let in; `None` where it was not asked.
    pub eks: Option<Access>,
    /// What AWS tells of the tenants' roles and buckets; `None` where it was not asked.
    pub cloud: Option<Estate>,
}

impl Snapshot {
    /// The objects of a kind that a family asked for, as they were read.
    #[must_use]
    pub fn raw(&self, kind: &ObjectKind) -> &[serde_json::Value] {
        self.objects.get(&kind.name()).map(Vec::as_slice).unwrap_or_default()
    }

    /// The same as a type. An object that is not of its shape is left out: the API server has checked it.
    #[must_use]
    pub fn typed<K: DeserializeOwned>(&self, kind: &ObjectKind) -> Vec<K> {
        self.raw(kind).iter().filter_map(|object| K::deserialize(object).ok()).collect()
    }

    /// Why a kind could not be read in a namespace, or at all; `None` where it was read.
    #[must_use]
    pub fn why_unread(&self, kind: &ObjectKind, namespace: Option<&str>) -> Option<&str> {
        let name = kind.name();
        let concerns = |one: &&Unreadable| {
            one.resource == name
                && (one.namespace.is_none() || namespace.is_none() || one.namespace.as_deref() == namespace)
        };
        self.unreadable.iter().find(concerns).map(|one| one.why.as_str())
    }
}

/// A kind of object that a family reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectKind {
    /// Its API group; empty for the core group.
    pub group: &'static str,
    /// Its version, such as `v1`.
    pub version: &'static str,
    /// Its kind.
    pub kind: &'static str,
    /// Its name in paths, plural and in small letters; [`EVERY`] for each kind of the group.
    pub plural: &'static str,
    /// Where it is read.
    pub extent: Extent,
    /// Why it is read: `tenantproof permissions` says it.
    pub why: &'static str,
    /// Whether a cluster may do without the kind: where it does, there is none, and nothing is unknown.
    pub optional: bool,
}

/// In the place of a plural: each kind of the group. Their objects carry `apiVersion` and `kind`.
pub const EVERY: &str = "*";

impl ObjectKind {
    /// The same kind, read for this reason.
    #[must_use]
    pub const fn because(self, why: &'static str) -> Self {
        Self { why, ..self }
    }

    /// Its full name, such as `roles.rbac.authorization.k8s.io`.
    #[must_use]
    pub fn name(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }
}

/// Where objects of a kind are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// They are cluster-wide.
    Cluster,
    /// In the namespaces of the tenancy.
    Tenancy,
    /// In every namespace.
    Everywhere,
    /// In the namespaces of the tenancy, and only where the run was told to: by the family itself, never as
    /// part of the snapshot.
    OnlyIfTold,
}

/// A workload, as far as it selects pods.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The pods that are its own.
    pub selector: LabelSelector,
}

/// A policy object that is not modelled: it turns what it could touch `unknown`, by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForeignPolicy {
    /// Its apiVersion, such as `cilium.io/v2`.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace; `None` where it is cluster-wide.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Where it was read: a file and line, or empty for a cluster.
    pub place: String,
    /// The whole object.
    pub object: serde_json::Value,
}

/// A kind of object that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unreadable {
    /// What was asked for, such as `networkpolicies.networking.k8s.io`.
    pub resource: String,
    /// In which namespace; `None` for the whole cluster.
    pub namespace: Option<String>,
    /// Why it could not be read, in the API server's words.
    pub why: String,
}
