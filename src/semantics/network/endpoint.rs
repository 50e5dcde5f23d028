//! An endpoint: a pod, or one that does not exist yet, as policies see it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};

use crate::model::{Namespace, NodeName, Port, Protocol};

/// A port of a container that has a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamedPort {
    /// Its name.
    pub name: String,
    /// Its protocol.
    pub protocol: Protocol,
    /// Its number.
    pub port: Port,
}

/// One end of a connection: a pod that was read, or a hypothetical one, such as a probe before it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name. Two endpoints of one namespace and name are one pod; one without a name is never the
    /// same pod as another.
    pub name: Option<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Keys of labels that it will carry and whose values are not known: those that a controller sets.
    pub labels_not_known: BTreeSet<String>,
    /// The named ports of its containers and sidecars.
    pub ports: Vec<NamedPort>,
    /// Its addresses; empty where it has none yet.
    pub addresses: Vec<IpAddr>,
    /// Its node, where it has one.
    pub node: Option<NodeName>,
    /// The addresses of its node, where they are known.
    pub node_addresses: Vec<IpAddr>,
    /// Whether it shares its node's network.
    pub host_network: bool,
    /// Whether it has ended (phase `Succeeded` or `Failed`): then it neither sends nor receives.
    pub terminated: bool,
}

impl Endpoint {
    /// A hypothetical endpoint of this namespace that wears these labels: no name, address, node or named port.
    #[must_use]
    pub fn new(namespace: Namespace, labels: BTreeMap<String, String>) -> Self {
        Self {
            namespace,
            name: None,
            labels,
            labels_not_known: BTreeSet::new(),
            ports: Vec::new(),
            addresses: Vec::new(),
            node: None,
            node_addresses: Vec::new(),
            host_network: false,
            terminated: false,
        }
    }

    /// The endpoint that a pod is. A pod without a namespace is in `default`, as the API has it.
    ///
    /// A pod with a deletion timestamp still counts: it may send and receive until it has ended.
    #[must_use]
    pub fn from_pod(pod: &Pod) -> Self {
        let namespace = pod.metadata.namespace.as_deref().filter(|ns| !ns.is_empty()).unwrap_or("default");
        let mut endpoint = Self::new(namespace.into(), pod.metadata.labels.clone().unwrap_or_default());
        endpoint.name.clone_from(&pod.metadata.name);
        if let Some(spec) = &pod.spec {
            endpoint.set_spec(spec);
        }
        if let Some(status) = &pod.status {
            endpoint.terminated = matches!(status.phase.as_deref(), Some("Succeeded" | "Failed"));
            let addresses = status.pod_ips.iter().flatten().map(|ip| ip.ip.as_str());
            endpoint.addresses = parse_all(addresses.chain(status.pod_ip.as_deref()));
            let hosts = status.host_ips.iter().flatten().map(|ip| ip.ip.as_str());
            endpoint.node_addresses = parse_all(hosts.chain(status.host_ip.as_deref()));
        }
        endpoint
    }

    /// A hypothetical pod of a workload: what its template says, without a name, an address or a node.
    #[must_use]
    pub fn from_template(namespace: Namespace, labels: BTreeMap<String, String>, spec: &PodSpec) -> Self {
        let mut endpoint = Self::new(namespace, labels);
        endpoint.set_spec(spec);
        endpoint
    }

    fn set_spec(&mut self, spec: &PodSpec) {
        self.host_network = spec.host_network.unwrap_or(false);
        self.node = spec.node_name.as_deref().filter(|node| !node.is_empty()).map(NodeName::from);
        let sidecars = spec.init_containers.iter().flatten().filter(|c| c.restart_policy.as_deref() == Some("Always"));
        self.ports = spec.containers.iter().chain(sidecars).flat_map(named_ports).collect();
    }

    /// Whether both are one pod.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.name.is_some() && self.name == other.name && self.namespace == other.namespace
    }

    /// Whether both are known to be on one node.
    #[must_use]
    pub fn shares_node_with(&self, other: &Self) -> bool {
        self.node.is_some() && self.node == other.node
    }

    /// `namespace/name`, or a description where it has no name.
    #[must_use]
    pub fn display(&self) -> String {
        self.name.as_ref().map_or_else(
            || format!("a pod of namespace {}", self.namespace),
            |name| format!("{}/{name}", self.namespace),
        )
    }
}

/// The ports of a container that a policy can name; the protocol's default is TCP.
fn named_ports(container: &Container) -> impl Iterator<Item = NamedPort> + '_ {
    container.ports.iter().flatten().filter_map(|port| {
        Some(NamedPort {
            name: port.name.clone().filter(|name| !name.is_empty())?,
            protocol: port.protocol.as_deref().map_or(Some(Protocol::Tcp), Protocol::parse)?,
            port: u16::try_from(port.container_port).ok().and_then(Port::new)?,
        })
    })
}

fn parse_all<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in texts.filter_map(|text| text.parse::<IpAddr>().ok()).map(|ip| ip.to_canonical()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}
