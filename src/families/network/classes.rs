//! Pods that no policy and no flow can tell apart form one class; one class needs one probe a node.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Pod;
use sha2::{Digest, Sha256};

use super::ask::PodEnd;
use crate::model::{Namespace, Port, Protocol, RoleName, TenantId};
use crate::semantics::Snapshot;
use crate::semantics::network::{Endpoint, Fences};
use crate::tenancy::{Party, Role};

/// A class of pods of one namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodClass {
    /// Their party.
    pub party: TenantId,
    /// Their namespace and roles.
    pub end: PodEnd,
    /// The labels that policies read of them: all that their probe wears.
    pub labels: BTreeMap<String, String>,
    /// Their container ports whose names policies read.
    pub named_ports: BTreeSet<(String, Protocol, Port)>,
    /// All container ports that these pods declare.
    pub container_ports: BTreeSet<(Protocol, Port)>,
    /// The pods that the class stands for.
    pub pods: Vec<String>,
}

/// What a class's pods listen on, and their names.
type Members = (BTreeSet<(Protocol, Port)>, Vec<String>);
type Key = (Vec<RoleName>, BTreeMap<String, String>, BTreeSet<(String, Protocol, Port)>);

/// The classes of one namespace: those of its pods, one for each declared role even where no pod of
/// it runs, and one for a pod without any role.
pub(super) fn classes(party: &Party, namespace: &Namespace, snapshot: &Snapshot, fences: &Fences) -> Vec<PodClass> {
    let keys_read = fences.pod_label_keys_read(namespace);
    let port_names_read = fences.named_ports_read();
    let project = |labels: &BTreeMap<String, String>| -> BTreeMap<String, String> {
        labels.iter().filter(|(key, _)| keys_read.contains(*key)).map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    let mut found: BTreeMap<Key, Members> = BTreeMap::new();
    for pod in snapshot.pods.iter().filter(|pod| represents_a_workload(pod, namespace)) {
        let labels = pod.metadata.labels.clone().unwrap_or_default();
        let ports = Endpoint::from_pod(pod).ports;
        let named: BTreeSet<_> = ports
            .iter()
            .filter(|port| port_names_read.contains(&port.name))
            .map(|port| (port.name.clone(), port.protocol, port.port))
            .collect();
        let key = (roles_of(&party.roles, &labels), project(&labels), named);
        let (container_ports, pods) = found.entry(key).or_default();
        container_ports.extend(all_ports(pod));
        pods.extend(pod.metadata.name.clone());
    }
    for role in &party.roles {
        if !found.keys().any(|(roles, _, _)| roles.contains(&role.name)) {
            let key = (vec![role.name.clone()], project(&role.labels), BTreeSet::new());
            found.entry(key).or_default();
        }
    }
    if !found.keys().any(|(roles, _, _)| roles.is_empty()) {
        found.entry((Vec::new(), BTreeMap::new(), BTreeSet::new())).or_default();
    }
    let mut of_roles: BTreeMap<Vec<RoleName>, usize> = BTreeMap::new();
    for (roles, _, _) in found.keys() {
        *of_roles.entry(roles.clone()).or_default() += 1;
    }
    found
        .into_iter()
        .map(|((roles, labels, named_ports), (container_ports, pods))| PodClass {
            party: party.id.clone(),
            end: PodEnd {
                namespace: namespace.clone(),
                variant: if of_roles.get(&roles).is_some_and(|count| *count > 1) {
                    digest(&labels, &named_ports)
                } else {
                    String::new()
                },
                roles,
            },
            labels,
            named_ports,
            container_ports,
            pods,
        })
        .collect()
}

/// Whether a pod is a tenant's own, runs, and has an address that policies know.
pub(super) fn represents_a_workload(pod: &Pod, namespace: &Namespace) -> bool {
    let spec = pod.spec.as_ref();
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("Pending");
    pod.metadata.namespace.as_deref() == Some(namespace.as_str())
        && spec.is_none_or(|spec| spec.host_network != Some(true))
        && !matches!(phase, "Succeeded" | "Failed")
        && !pod.metadata.labels.as_ref().is_some_and(|labels| labels.contains_key("tenantproof.dev/run"))
}

fn roles_of(roles: &[Role], labels: &BTreeMap<String, String>) -> Vec<RoleName> {
    roles
        .iter()
        .filter(|role| role.labels.iter().all(|(key, value)| labels.get(key) == Some(value)))
        .map(|role| role.name.clone())
        .collect()
}

fn all_ports(pod: &Pod) -> BTreeSet<(Protocol, Port)> {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let ports = containers.flat_map(|container| container.ports.iter().flatten());
    ports
        .filter_map(|port| {
            let protocol = Protocol::parse(port.protocol.as_deref().unwrap_or("TCP"))?;
            Some((protocol, Port::new(u16::try_from(port.container_port).ok()?)?))
        })
        .collect()
}

/// Six hexadecimal digits that stay the same as long as labels and ports do.
fn digest(labels: &BTreeMap<String, String>, ports: &BTreeSet<(String, Protocol, Port)>) -> String {
    let hash = Sha256::digest(format!("{labels:?}{ports:?}").as_bytes());
    hash.iter().take(3).map(|byte| format!("{byte:02x}")).collect()
}
