//! The tenancy file as it is written: the structs from which its JSON Schema is made.
//!
//! Their doc comments are the descriptions that an editor shows and that errors quote, so they
//! speak to the one who writes the file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cloud::file::{Cloud, TenantCloud};
use super::types::{Internal, PodSecurityLevel};
use crate::model::{Port, Protocol};

/// What was promised to the tenants of one cluster: who they are, and which flows may pass.
/// Everything that is not allowed here is forbidden, and is tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Tenancy")]
pub struct TenancyFile {
    /// The version of this format: `tenantproof.dev/v1`.
    pub api_version: ApiVersion,
    /// The kind of this file: `Tenancy`.
    pub kind: Kind,
    /// A name for people: the cluster or product that this file describes. Reports show it.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The tenants: whoever must not be able to reach another.
    #[schemars(length(min = 1))]
    pub tenants: Vec<Tenant>,
    /// The parts of the cluster that several tenants use, such as a backend or an ingress. They are
    /// fenced as tenants are: a tenant reaches one only by a flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<Vec<Shared>>,
    /// The flows that may pass between tenants and shared parts. Everything else is forbidden; no
    /// flows at all means that nobody may reach anybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flows: Option<Vec<Flow>>,
    /// What policies refuse in tenants' namespaces: each rule is tried, beside a request that meets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admission: Option<Vec<AdmissionRule>>,
    /// What is on record of the requests that tenants make to the API server. Without it nothing is promised
    /// of an audit log, and none is looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<Audit>,
    /// Who runs the cluster: people, pipelines and services that may reach into tenants' namespaces. On EKS, whoever
    /// else reaches there without being a tenant's is a finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operators: Option<Operators>,
    /// What holds of AWS for all tenants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<Cloud>,
}

/// Who runs the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Operators {
    /// ARNs of IAM roles and users, such as `arn:aws:iam::111122223333:role/platform`; an empty list where nobody may.
    #[schemars(inner(regex(pattern = PRINCIPAL)), extend("uniqueItems" = true))]
    pub principals: Vec<String>,
}

/// The version of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// The first version.
    #[serde(rename = "tenantproof.dev/v1")]
    V1,
}

/// The kind of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Kind {
    /// A tenancy.
    Tenancy,
}

/// A tenant: its namespaces, its tier and its workload roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tenant {
    /// The tenant's id, unique over tenants and shared parts. Reports and case ids carry it, so
    /// keep it. It has the form of a label value.
    #[schemars(regex(pattern = ID))]
    pub id: String,
    /// The tenant's tier, such as `basic` or `premium`. Reports group tenants by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = ID))]
    pub tier: Option<String>,
    /// The tenant's namespaces: a list of names, or `names` and `matchLabels`. A namespace belongs
    /// to one tenant or shared part only.
    pub namespaces: Namespaces,
    /// What the tenant's own pods may do among themselves: `open` (every pod may reach every other)
    /// and `closed` (only flows pass) are judged; `unjudged`, the default, is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal: Option<Internal>,
    /// The workload roles that flows can name. Pods of no role are judged too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<Role>>,
    /// Who acts for the tenant at the API server, beside the service accounts of its namespaces, which
    /// always do. What they may do to other tenants is judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subjects: Option<Subjects>,
    /// What the tenant may take of the cluster. That it can't take more is tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
    /// What the tenant's workloads reach in AWS with the credentials that their pods get, and no other tenant's may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<TenantCloud>,
}

/// Who acts for a tenant at the API server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Subjects {
    /// Groups, as the API server knows them: what the identity provider or an access entry says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub groups: Option<Vec<String>>,
    /// Users, as the API server knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub users: Option<Vec<String>>,
    /// ARNs of IAM roles and users that act for the tenant on EKS, such as `arn:aws:iam::111122223333:role/tenant-1`:
    /// the role itself, not a session of it. Which user and groups they are is read of the cluster's access entries, with
    /// `--eks-cluster`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), inner(regex(pattern = PRINCIPAL)), extend("uniqueItems" = true))]
    pub principals: Option<Vec<String>>,
}

/// What a tenant may take of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Share {
    /// The most that all objects of one namespace of the tenant may take together, by the resource names
    /// of a `ResourceQuota`, such as `requests.cpu: "8"` or `pods: "20"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minProperties" = 1))]
    pub quota: Option<BTreeMap<String, String>>,
    /// The most that one container may be limited to, such as `cpu: "2"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minProperties" = 1))]
    pub container: Option<BTreeMap<String, String>>,
}

/// What is on record of the requests that tenants make to the API server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Audit {
    /// Within which time a request is on record, such as `30s` or `5m`: one second to one hour. Where it is left out,
    /// the way that the record goes says it: 30 s for a file, 1 min for a webhook, 5 min for CloudWatch Logs. A log
    /// that is shipped somewhere needs its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// How much is at least on record of a change of a pod: `Metadata` (the default), `Request` or
    /// `RequestResponse`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pods: Option<Recorded>,
    /// How much is at least on record of a change of fences and rights (NetworkPolicies, quotas, limits, roles
    /// and bindings): `Metadata` (the default), `Request` or `RequestResponse`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Recorded>,
    /// How much is at least on record of reading; leave it out where reads need not be on record. Reading a
    /// Secret always must.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<Recorded>,
    /// How much is at most on record of requests about Secrets: with `Metadata`, the default, none of their
    /// values is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets: Option<Recorded>,
    /// The namespaces in which the log is kept or shipped: no tenant may read or change anything in them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink: Option<Sink>,
}

/// Where in the cluster the audit log is kept or shipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sink {
    /// The namespaces, such as that of the API server's own pods or of a log shipper.
    #[schemars(length(min = 1), inner(regex(pattern = NAMESPACE)), extend("uniqueItems" = true))]
    pub namespaces: Vec<String>,
}

/// How much of a request is on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Recorded {
    /// Who, when, what on which object, and what came of it.
    Metadata,
    /// And the body of the request.
    Request,
    /// And the body of the response.
    RequestResponse,
}

/// A part of the cluster that several tenants use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Shared {
    /// The part's id, unique over tenants and shared parts.
    #[schemars(regex(pattern = ID))]
    pub id: String,
    /// The part's namespaces: a list of names, or `names` and `matchLabels`.
    pub namespaces: Namespaces,
    /// What the part's own pods may do among themselves: `open`, `closed` or `unjudged`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal: Option<Internal>,
    /// The workload roles that flows can name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<Role>>,
}

/// Namespaces by name, by label, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Namespaces {
    /// A list of names.
    Names(#[schemars(length(min = 1), inner(regex(pattern = NAMESPACE)))] Vec<String>),
    /// Names, labels, or both: all namespaces that either selects.
    Selector(Selector),
}

impl Namespaces {
    /// The names and the labels.
    #[must_use]
    pub fn into_parts(self) -> (Vec<String>, BTreeMap<String, String>) {
        match self {
            Self::Names(names) => (names, BTreeMap::new()),
            Self::Selector(Selector { names, match_labels }) => {
                (names.unwrap_or_default(), match_labels.unwrap_or_default())
            }
        }
    }
}

/// Names and labels of namespaces; a namespace that either selects belongs to the party.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Selector {
    /// Namespaces by name. One that does not exist in the cluster is said in the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(inner(regex(pattern = NAMESPACE)))]
    pub names: Option<Vec<String>>,
    /// Namespaces that carry all of these labels, such as `tenant: tenant-1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_labels: Option<BTreeMap<String, String>>,
}

/// A workload role: the labels by which its pods are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Role {
    /// The role's name, unique in its tenant or shared part.
    #[schemars(regex(pattern = ID))]
    pub name: String,
    /// The labels of the role's pods; a pod that carries all of them has the role.
    #[schemars(extend("minProperties" = 1))]
    pub labels: BTreeMap<String, String>,
}

/// A flow that may pass, and that must: it is tried too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Flow {
    /// Who may connect.
    pub from: Peer,
    /// To whom.
    pub to: Peer,
    /// On which ports.
    #[schemars(length(min = 1))]
    pub ports: Vec<FlowPort>,
    /// Why the flow is allowed, for those who read the reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// One end of a flow: a tenant or a shared part, and which of its roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Peer {
    /// The id of a tenant. Give this or `shared`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The id of a shared part. Give this or `tenant`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<String>,
    /// Only pods of these roles; leave it out for all pods, whatever their role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub roles: Option<Vec<String>>,
}

/// A port, or a range of ports, of one protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FlowPort {
    /// The protocol: `TCP` (the default, as in a NetworkPolicy), `UDP` or `SCTP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// The port at which the pods listen (not that of a Service in front of them), or the first of
    /// a range: 1 to 65535.
    #[schemars(with = "u16", range(min = 1, max = 65535))]
    pub port: Port,
    /// The last port of a range; leave it out for a single port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<u16>", range(min = 1, max = 65535))]
    pub end_port: Option<Port>,
}

/// What policies refuse in tenants' namespaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdmissionRule {
    /// The rule's id, unique among the rules. Case ids carry it, so keep it.
    #[schemars(regex(pattern = ID))]
    pub id: String,
    /// The ids of the tenants that the rule concerns; leave it out for all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub tenants: Option<Vec<String>>,
    /// The labels of the pods that the rule concerns, such as `classification: PHI`; leave it out for all
    /// pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minProperties" = 1))]
    pub pods: Option<BTreeMap<String, String>>,
    /// What must hold, or the object is refused: exactly one requirement.
    pub require: Require,
}

/// What must hold: exactly one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Require {
    /// `true`: no container of the pods may run as root. `runAsNonRoot` must hold for each, by the pod's own
    /// setting or the container's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as_non_root: Option<bool>,
    /// The level of the Pod Security Standards that pods must meet: `baseline` or `restricted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_security: Option<PodSecurityLevel>,
    /// The registries or repositories from which images may come, each the beginning of an image's name, such
    /// as `registry.example.com/`. An image from anywhere else is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub registries: Option<Vec<String>>,
    /// The labels that pods must carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub labels: Option<Vec<Mark>>,
    /// What buckets of ACK (`Bucket` of `s3.services.k8s.aws`) must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Bucket>,
}

/// A label or a tag that an object must carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mark {
    /// The key.
    #[schemars(length(min = 1))]
    pub key: String,
    /// The value; leave it out for the tenant's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub value: Option<String>,
}

/// What buckets of ACK must have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bucket {
    /// The tags that each bucket must carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub tags: Option<Vec<Mark>>,
    /// `true`: each bucket must block public access in all four ways.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_access_block: Option<bool>,
}

/// [`crate::document::NameRule::Id`] as a regular expression, for editors.
const ID: &str = "^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$";
/// The ARN of an IAM role or user, for editors.
const PRINCIPAL: &str = "^arn:aws(-[a-z-]+)?:iam::[0-9]{12}:(role|user)/([!-~]+/)?[A-Za-z0-9+=,.@_-]{1,64}$";
/// [`crate::document::NameRule::Namespace`] as a regular expression, for editors.
pub(super) const NAMESPACE: &str = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";
