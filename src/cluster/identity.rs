//! Which cluster this is, and which CNI it runs.

use k8s_openapi::api::core::v1::{Namespace, Pod};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::ListParams;
use kube::{Api, Client};

use super::retry::patiently;

/// The cluster's identity: the UID of `kube-system`; empty where it was not read.
#[must_use]
pub fn uid_of(namespaces: &[Namespace]) -> String {
    let system = namespaces.iter().find(|namespace| namespace.metadata.name.as_deref() == Some("kube-system"));
    system.and_then(|namespace| namespace.metadata.uid.clone()).unwrap_or_default()
}

/// How many API servers there are, by the addresses of the Service `kubernetes`; `None` where they can't be read.
pub async fn api_servers(client: &Client) -> Option<usize> {
    let slices: Api<EndpointSlice> = Api::namespaced(client.clone(), "default");
    // Each API server keeps this one and its own address in it; one for each family of addresses.
    let slice = patiently(|| slices.get("kubernetes")).await;
    slice
        .inspect_err(|error| tracing::debug!(%error, "the API servers can't be counted"))
        .ok()
        .map(|slice| slice.endpoints.len())
}

/// CNIs by the label and value of their node agents, and the namespaces where these run.
const AGENTS: &[(&str, &str, &str)] = &[
    ("cilium", "k8s-app=cilium", "kube-system"),
    ("calico", "k8s-app=calico-node", "calico-system"),
    ("calico", "k8s-app=calico-node", "kube-system"),
    ("kube-router", "k8s-app=kube-router", "kube-system"),
    ("aws-vpc-cni", "k8s-app=aws-node", "kube-system"),
    ("antrea", "app=antrea,component=antrea-agent", "kube-system"),
    ("kindnet", "k8s-app=kindnet", "kube-system"),
    ("flannel", "app=flannel", "kube-flannel"),
    ("ovn-kubernetes", "app=ovnkube-node", "ovn-kubernetes"),
    ("weave", "name=weave-net", "kube-system"),
];

/// The CNI, by the agents that run on the nodes; `unknown` where none is known or they can't be read.
pub async fn cni_of(client: &Client) -> String {
    for (cni, labels, namespace) in AGENTS {
        let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
        let agents = ListParams::default().labels(labels).limit(1);
        // Patiently: the CNI decides by which profile policies are read.
        match patiently(|| pods.list(&agents)).await {
            Ok(list) if !list.items.is_empty() => return (*cni).to_owned(),
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "the CNI can't be told"),
        }
    }
    "unknown".to_owned()
}
