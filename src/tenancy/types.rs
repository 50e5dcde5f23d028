//! The promise as data, after it was read and validated.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::cloud::{CloudPromise, TenantCloud};
use crate::model::{AuditLevel, Namespace, Port, Principal, Protocol, Quantity, RoleName, RuleId, TenantId};

/// Who shares the cluster and which flows were promised. Everything not allowed is forbidden.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenancy {
    /// A name for people: the cluster or product that this tenancy describes.
    pub name: String,
    /// Tenants first, then shared parts, each in the file's order.
    pub parties: Vec<Party>,
    /// The flows between parties (or inside a closed one) that are allowed.
    pub flows: Vec<Flow>,
    /// What policies refuse whoever asks for it in a tenant's namespace.
    pub admission: Vec<AdmissionRule>,
    /// What is on record of the tenants' requests; `None` where nothing is promised of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<Audit>,
    /// Who runs the cluster and so may reach into it beside the tenants; `None` where that is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operators: Option<Operators>,
    /// What holds of AWS for all tenants.
    #[serde(default)]
    pub cloud: CloudPromise,
}

/// Who runs the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operators {
    /// IAM roles and users.
    pub principals: Vec<Principal>,
}

/// What is on record of the requests that tenants make to the API server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// Within which time a request is on record; `None` where it is left to the way that the record goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Duration>,
    /// The least of a change of a pod.
    pub pods: AuditLevel,
    /// The least of a change of fences and rights.
    pub changes: AuditLevel,
    /// The least of reading; `None` where reads need not be on record.
    pub reads: Option<AuditLevel>,
    /// The most of requests about Secrets.
    pub secrets: AuditLevel,
    /// Namespaces in which the log is kept or shipped.
    pub sink: Vec<Namespace>,
}

impl Tenancy {
    /// The party with this id.
    #[must_use]
    pub fn party(&self, id: &TenantId) -> Option<&Party> {
        self.parties.iter().find(|party| &party.id == id)
    }
}

/// A tenant, or a shared part of the cluster that tenants may be allowed to use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Its id, unique over tenants and shared parts.
    pub id: TenantId,
    /// Tenant or shared.
    pub kind: PartyKind,
    /// Its tier, such as `basic`; tenants only.
    pub tier: Option<String>,
    /// Its namespaces.
    pub namespaces: NamespaceSelector,
    /// Its workload roles; pods that match none are judged too, as pods without a role.
    pub roles: Vec<Role>,
    /// What its own pods may do among themselves.
    pub internal: Internal,
    /// Who acts for it, beside the service accounts of its namespaces.
    pub subjects: Subjects,
    /// What it may take of the cluster.
    pub share: Share,
    /// What its workloads reach in AWS, and nobody else's; tenants only.
    #[serde(default)]
    pub cloud: TenantCloud,
}

/// Who acts for a party at the API server. The service accounts of its namespaces always do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subjects {
    /// Groups, as the API server knows them.
    pub groups: Vec<String>,
    /// Users, as the API server knows them.
    pub users: Vec<String>,
    /// IAM roles and users: on EKS, access entries say who they are to the API server.
    #[serde(default)]
    pub principals: Vec<Principal>,
}

/// What a party may take of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The most that all its objects together may take, in each of its namespaces, by the resource names
    /// of a `ResourceQuota`.
    pub quota: BTreeMap<String, Quantity>,
    /// The most that one container may be limited to, by resource.
    pub container: BTreeMap<String, Quantity>,
}

/// Tenant or shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PartyKind {
    /// A tenant.
    Tenant,
    /// A part of the cluster that several tenants use.
    Shared,
}

impl PartyKind {
    /// The kind that this one isn't.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Tenant => Self::Shared,
            Self::Shared => Self::Tenant,
        }
    }
}

/// A party's namespaces: by name, by label, or both (their union).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceSelector {
    /// Namespaces by name. One that does not exist is an error of the cluster, and is said.
    pub names: Vec<Namespace>,
    /// Namespaces that carry all of these labels; empty selects none.
    pub match_labels: BTreeMap<String, String>,
}

/// A workload role: the labels that its pods carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Its name, unique in its party.
    pub name: RoleName,
    /// The labels that make a pod one of this role; never empty.
    pub labels: BTreeMap<String, String>,
}

/// What the pods of one party may do among themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Internal {
    /// Not part of the promise: never judged, though such a connection may serve as a control case.
    #[default]
    Unjudged,
    /// Every pod of the party may reach every other: judged.
    Open,
    /// Only declared flows pass inside the party too: judged.
    Closed,
}

/// A flow that was promised to pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Who may connect.
    pub from: FlowPeer,
    /// To whom.
    pub to: FlowPeer,
    /// On which ports; never empty.
    pub ports: Vec<FlowPort>,
    /// Why it is allowed, for those who read the reports.
    pub why: Option<String>,
}

/// One end of a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowPeer {
    /// The party.
    pub party: TenantId,
    /// Its roles; empty means all its pods.
    pub roles: Vec<RoleName>,
}

/// A port, or a range of ports, of one protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FlowPort {
    /// The protocol.
    pub protocol: Protocol,
    /// The port, or the first of the range.
    pub port: Port,
    /// The last port of the range, where it is one.
    pub end_port: Option<Port>,
}

impl FlowPort {
    /// Whether a connection to this port is part of the flow.
    #[must_use]
    pub fn covers(&self, protocol: Protocol, port: Port) -> bool {
        self.protocol == protocol && self.port <= port && port <= self.end_port.unwrap_or(self.port)
    }
}

/// What policies refuse in tenants' namespaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmissionRule {
    /// Its id, unique among the rules.
    pub id: RuleId,
    /// The tenants that it concerns; empty for all of them.
    pub tenants: Vec<TenantId>,
    /// The labels of the pods that it concerns; empty for all pods. None for a rule that is about no pods.
    pub pods: BTreeMap<String, String>,
    /// What must hold, or the object is refused.
    pub require: Requirement,
}

impl AdmissionRule {
    /// Whether it concerns this tenant.
    #[must_use]
    pub fn concerns(&self, tenant: &TenantId) -> bool {
        self.tenants.is_empty() || self.tenants.contains(tenant)
    }
}

/// What must hold of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Requirement {
    /// No container of a pod may run as root: `runAsNonRoot` holds for each.
    RunAsNonRoot,
    /// Pods meet a level of the Pod Security Standards.
    PodSecurity(PodSecurityLevel),
    /// Images come from these registries or repositories, each the beginning of an image's name.
    Registries(Vec<String>),
    /// Pods carry these labels.
    Labels(Vec<Mark>),
    /// Buckets of ACK are tagged and closed to the public.
    Bucket {
        /// The tags that each carries.
        tags: Vec<Mark>,
        /// Whether each blocks public access in all four ways.
        public_access_block: bool,
    },
}

/// A level of the Pod Security Standards that refuses something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PodSecurityLevel {
    /// Nothing that is known to give a pod the node.
    Baseline,
    /// Nothing beyond what hardened pods need.
    Restricted,
}

impl PodSecurityLevel {
    /// Its name, as namespaces' labels have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }
}

/// A label or a tag that an object must carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its key.
    pub key: String,
    /// Its value; `None` for the tenant's own id.
    pub value: Option<String>,
}

impl Mark {
    /// The value that an object of this tenant must carry.
    #[must_use]
    pub fn value_for<'a>(&'a self, tenant: &'a TenantId) -> &'a str {
        self.value.as_deref().unwrap_or_else(|| tenant.as_str())
    }
}
