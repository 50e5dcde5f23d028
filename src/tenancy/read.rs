//! The bytes of a tenancy file become a [`Tenancy`].

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use super::cloud::{CloudPromise, TenantCloud};
use super::file::{self, TenancyFile};
use super::problem::{Problem, TenancyError};
use super::types::{
    AdmissionRule, Audit, Flow, FlowPeer, FlowPort, Mark, NamespaceSelector, Operators, Party, PartyKind, Requirement,
    Role, Share, Subjects, Tenancy,
};
use super::validate;
use crate::document::{Document, Limits, shape};
use crate::model::{AuditLevel, Namespace, Principal, Protocol, Quantity, RoleName, RuleId, TenantId};

/// The largest tenancy file that is read, in bytes: 4 MiB, some ten thousand tenants.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

static SCHEMA: LazyLock<serde_json::Value> = LazyLock::new(shape::schema_of::<TenancyFile>);

const LIMITS: Limits = Limits {
    bytes: MAX_BYTES,
    api_version: "tenantproof.dev/v1",
    kind: "Tenancy",
    when_empty: "`tenantproof init` writes a tenancy file from a cluster's labels; `tenantproof schema` prints its schema",
};

/// Reads and validates a tenancy file. `file` is its name as the user gave it, for the errors.
///
/// # Errors
/// Where the file is not a tenancy; the error has everything that is wrong, each with its place.
pub fn read(file: &str, bytes: &[u8]) -> Result<Tenancy, TenancyError> {
    let document = Document::read(file, bytes, LIMITS).map_err(|error| error.map(Problem::from))?;
    let mut problems: Vec<_> =
        shape::check(&document, &SCHEMA).into_iter().map(|problem| problem.map(Problem::from)).collect();
    match document.to::<TenancyFile>() {
        Ok(written) => {
            problems.extend(validate::check(&document, &written));
            document.rejected(problems).map_or_else(|| Ok(Tenancy::from(written)), Err)
        }
        // The shape's problems are the more exact ones; serde's own says something only where
        // there are none, so that nothing is lost.
        Err(unread) => Err(document.rejected(problems).unwrap_or_else(|| unread.map(Problem::from))),
    }
}

/// The JSON Schema of the tenancy file.
#[must_use]
pub fn schema() -> serde_json::Value {
    SCHEMA.clone()
}

impl From<TenancyFile> for Tenancy {
    fn from(file: TenancyFile) -> Self {
        let TenancyFile {
            api_version: file::ApiVersion::V1,
            kind: file::Kind::Tenancy,
            name,
            tenants,
            shared,
            flows,
            admission,
            audit,
            operators,
            cloud,
        } = file;
        let tenants = tenants.into_iter().map(Party::from);
        let shared = shared.into_iter().flatten().map(Party::from);
        Self {
            name,
            parties: tenants.chain(shared).collect(),
            flows: flows.into_iter().flatten().map(Flow::from).collect(),
            admission: admission.into_iter().flatten().map(AdmissionRule::from).collect(),
            audit: audit.map(Audit::from),
            operators: operators.map(|operators| Operators { principals: principals(operators.principals) }),
            cloud: cloud.map(CloudPromise::from).unwrap_or_default(),
        }
    }
}

impl From<file::Tenant> for Party {
    fn from(tenant: file::Tenant) -> Self {
        let file::Tenant { id, tier, namespaces, internal, roles, subjects, share, cloud } = tenant;
        let (subjects, share) = (subjects.unwrap_or_default(), share.unwrap_or_default());
        let namespaces = NamespaceSelector::from(namespaces);
        Self {
            id: TenantId::new(id),
            kind: PartyKind::Tenant,
            tier,
            cloud: cloud.map(|cloud| cloud.read(&namespaces)).unwrap_or_default(),
            namespaces,
            roles: roles.into_iter().flatten().map(Role::from).collect(),
            internal: internal.unwrap_or_default(),
            subjects: Subjects {
                groups: subjects.groups.unwrap_or_default(),
                users: subjects.users.unwrap_or_default(),
                principals: principals(subjects.principals.unwrap_or_default()),
            },
            share: Share { quota: amounts(share.quota), container: amounts(share.container) },
        }
    }
}

impl From<file::Audit> for Audit {
    fn from(audit: file::Audit) -> Self {
        let file::Audit { within, pods, changes, reads, secrets, sink } = audit;
        let least = |level: Option<file::Recorded>| level.map_or(AuditLevel::Metadata, AuditLevel::from);
        Self {
            // Validated: it is a time.
            within: within.as_deref().and_then(span),
            pods: least(pods),
            changes: least(changes),
            reads: reads.map(AuditLevel::from),
            secrets: least(secrets),
            sink: sink.into_iter().flat_map(|sink| sink.namespaces).map(Namespace::new).collect(),
        }
    }
}

impl From<file::Recorded> for AuditLevel {
    fn from(level: file::Recorded) -> Self {
        match level {
            file::Recorded::Metadata => Self::Metadata,
            file::Recorded::Request => Self::Request,
            file::Recorded::RequestResponse => Self::RequestResponse,
        }
    }
}

/// A time such as `30s`, `5m` or `1h`, from one second to one hour.
pub(super) fn span(text: &str) -> Option<Duration> {
    let unit = [("s", 1), ("m", 60), ("h", 3600)].into_iter().find_map(|(unit, seconds)| {
        let number = text.strip_suffix(unit)?;
        let digits = (1..=4).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
        Some(Duration::from_secs(number.parse::<u64>().ok().filter(|_| digits)? * seconds))
    });
    unit.filter(|time| (1..=3600).contains(&time.as_secs()))
}

/// Validated: each is an ARN of a role or user.
fn principals(written: Vec<String>) -> Vec<Principal> {
    written.into_iter().filter_map(|arn| arn.parse().ok()).collect()
}

/// Validated: each is a quantity.
fn amounts(written: Option<BTreeMap<String, String>>) -> BTreeMap<String, Quantity> {
    let parsed = |(resource, amount): (String, String)| Some((resource, Quantity::parse(&amount)?));
    written.into_iter().flatten().filter_map(parsed).collect()
}

impl From<file::Shared> for Party {
    fn from(shared: file::Shared) -> Self {
        let file::Shared { id, namespaces, internal, roles } = shared;
        Self {
            id: TenantId::new(id),
            kind: PartyKind::Shared,
            tier: None,
            namespaces: namespaces.into(),
            roles: roles.into_iter().flatten().map(Role::from).collect(),
            internal: internal.unwrap_or_default(),
            subjects: Subjects::default(),
            share: Share::default(),
            cloud: TenantCloud::default(),
        }
    }
}

impl From<file::Namespaces> for NamespaceSelector {
    fn from(namespaces: file::Namespaces) -> Self {
        let (names, match_labels) = namespaces.into_parts();
        Self { names: names.into_iter().map(Namespace::new).collect(), match_labels }
    }
}

impl From<file::Role> for Role {
    fn from(role: file::Role) -> Self {
        Self { name: RoleName::new(role.name), labels: role.labels }
    }
}

impl From<file::Flow> for Flow {
    fn from(flow: file::Flow) -> Self {
        Self {
            from: flow.from.into(),
            to: flow.to.into(),
            ports: flow.ports.into_iter().map(FlowPort::from).collect(),
            why: flow.why,
        }
    }
}

impl From<file::Peer> for FlowPeer {
    fn from(peer: file::Peer) -> Self {
        Self {
            // Validated: exactly one of the two is given.
            party: TenantId::new(peer.tenant.or(peer.shared).unwrap_or_default()),
            roles: peer.roles.into_iter().flatten().map(RoleName::new).collect(),
        }
    }
}

impl From<file::FlowPort> for FlowPort {
    fn from(port: file::FlowPort) -> Self {
        Self { protocol: port.protocol.unwrap_or(Protocol::Tcp), port: port.port, end_port: port.end_port }
    }
}

impl From<file::AdmissionRule> for AdmissionRule {
    fn from(rule: file::AdmissionRule) -> Self {
        Self {
            id: RuleId::new(rule.id),
            tenants: rule.tenants.into_iter().flatten().map(TenantId::new).collect(),
            pods: rule.pods.unwrap_or_default(),
            require: rule.require.into(),
        }
    }
}

impl From<file::Require> for Requirement {
    /// Validated: exactly one is given.
    fn from(require: file::Require) -> Self {
        let file::Require { run_as_non_root: _, pod_security, registries, labels, bucket } = require;
        match (pod_security, registries, labels, bucket) {
            (Some(level), ..) => Self::PodSecurity(level),
            (_, Some(registries), ..) => Self::Registries(registries),
            (_, _, Some(labels), _) => Self::Labels(labels.into_iter().map(Mark::from).collect()),
            (.., Some(bucket)) => Self::Bucket {
                tags: bucket.tags.into_iter().flatten().map(Mark::from).collect(),
                public_access_block: bucket.public_access_block.unwrap_or_default(),
            },
            _ => Self::RunAsNonRoot,
        }
    }
}

impl From<file::Mark> for Mark {
    fn from(mark: file::Mark) -> Self {
        Self { key: mark.key, value: mark.value }
    }
}
