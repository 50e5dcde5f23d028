//! All policies of a snapshot, compiled.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::decision::Decision;
use super::endpoint::Endpoint;
use super::foreign::{self, Outsider};
use super::labels::{Labels, Match, Selector};
use super::policy::{Direction, Interned, Policy, Where, policy_name};
use super::standing::{Bits, Class, Standing, addresses};
use crate::model::{Port, Protocol};
use crate::semantics::{Snapshot, Unreadable};

/// The label that the API server sets on every namespace, with its name.
const METADATA_NAME: &str = "kubernetes.io/metadata.name";

/// Namespaces that the API server makes, with that label and no other: they need no manifest.
pub(crate) const API_SERVERS_OWN: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// Resources whose absence from a snapshot says nothing about which connections pass.
const WITHOUT_EFFECT: [&str; 12] = [
    "pods",
    "services",
    "poddisruptionbudgets.policy",
    "horizontalpodautoscalers.autoscaling",
    "resourcequotas",
    "limitranges",
    "nodes",
    "secrets",
    "configmaps",
    "serviceaccounts",
    "events",
    "namespaces",
];

/// How the cells are decided that the specification leaves undefined; see `docs/semantics.md`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// By the specification's text and its conformance tests; where they leave two answers, unknown.
    #[default]
    Spec,
    /// As Cilium does: `ipBlock` never selects a pod or a node of the cluster, and pods of the host network are nodes.
    Cilium,
}

/// What became of the objects that were read. None is passed over in silence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounting {
    /// Objects that the evaluator judged by.
    pub judged: usize,
    /// Objects that cannot matter to a connection between pods.
    pub irrelevant: usize,
    /// Objects that can matter and are not modelled, or could not be read, each by name.
    pub not_understood: Vec<String>,
}

/// A namespace, and what can see its pods.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    labels: BTreeMap<String, String>,
    /// Whether an object declares it: only then all its labels are known.
    declared: bool,
    policies: Vec<u32>,
    peers: Vec<(u32, Match)>,
}

impl View {
    pub(super) fn labels(&self) -> Labels<'_> {
        if self.declared { Labels::whole(&self.labels) } else { Labels::open(&self.labels) }
    }

    pub(super) fn policies(&self) -> &[u32] {
        &self.policies
    }

    pub(super) fn peers(&self) -> &[(u32, Match)] {
        &self.peers
    }
}

/// The policies of a cluster, compiled: what they say of a connection is a pure function of its two ends.
#[derive(Clone, Debug)]
pub struct Fences {
    pub(super) profile: Profile,
    pub(super) interned: Interned,
    pub(super) policies: Vec<Policy>,
    pub(super) outsiders: Vec<Outsider>,
    namespaces: HashMap<String, View>,
    /// Whether all namespaces could be read.
    whole: bool,
    accounting: Accounting,
}

impl Fences {
    /// Compiles the NetworkPolicies of a snapshot. A policy that the API's validation would refuse, a foreign
    /// policy, and what could not be read turn what they could touch unknown, by name.
    #[must_use]
    pub fn compile(snapshot: &Snapshot, profile: Profile) -> Self {
        let mut interned = Interned::default();
        let mut policies = Vec::new();
        let mut outsiders = Vec::new();
        let mut accounting = Accounting {
            judged: snapshot.namespaces.len() + snapshot.pods.len(),
            irrelevant: snapshot.services.len()
                + snapshot.disruption_budgets.len()
                + snapshot.autoscalers.len()
                + snapshot.quotas.len()
                + snapshot.limit_ranges.len()
                + snapshot.nodes.len(),
            not_understood: Vec::new(),
        };
        for policy in &snapshot.network_policies {
            match interned.compile(policy) {
                Ok(policy) => policies.push(policy),
                Err(fault) => {
                    let name = policy_name(policy);
                    let mut outsider =
                        Outsider::opaque(format!("NetworkPolicy {name} ({fault})"), Some(&name.namespace));
                    let selector = policy.spec.as_ref().and_then(|spec| spec.pod_selector.as_ref());
                    outsider.scope.pods = selector.and_then(|s| Selector::compile(s).ok()).unwrap_or_default();
                    accounting.not_understood.push(outsider.name.clone());
                    outsiders.push(outsider);
                }
            }
        }
        policies.sort_by(|a, b| a.name.cmp(&b.name));
        accounting.judged += policies.len();
        for policy in &snapshot.foreign {
            let scopes = foreign::outsiders(policy);
            match scopes.first() {
                None => accounting.irrelevant += 1,
                Some(first) => accounting.not_understood.push(first.name.clone()),
            }
            outsiders.extend(scopes);
        }
        for unreadable in &snapshot.unreadable {
            let touches = !WITHOUT_EFFECT.contains(&unreadable.resource.as_str());
            if touches || unreadable.resource == "namespaces" {
                accounting.not_understood.push(describe(unreadable));
            }
            if touches {
                outsiders.push(Outsider::opaque(describe(unreadable), unreadable.namespace.as_deref()));
            }
        }
        let whole = snapshot.unreadable.iter().all(|unreadable| unreadable.resource != "namespaces");
        let mut fences = Self { profile, interned, policies, outsiders, namespaces: HashMap::new(), whole, accounting };
        fences.see_namespaces(snapshot);
        fences
    }

    fn see_namespaces(&mut self, snapshot: &Snapshot) {
        let none = BTreeMap::new();
        let mut declared: BTreeMap<&str, &BTreeMap<String, String>> = BTreeMap::new();
        for namespace in &snapshot.namespaces {
            if let Some(name) = namespace.metadata.name.as_deref() {
                declared.insert(name, namespace.metadata.labels.as_ref().unwrap_or(&none));
            }
        }
        let mut names: BTreeSet<String> = declared.keys().map(|name| (*name).to_owned()).collect();
        names.extend(self.policies.iter().map(|policy| policy.name.namespace.clone()));
        for pod in &snapshot.pods {
            let name = pod.metadata.namespace.as_deref().unwrap_or("default");
            if !names.contains(name) {
                names.insert(name.to_owned());
            }
        }
        let mut own: HashMap<String, Vec<u32>> = HashMap::new();
        for (policy, id) in self.policies.iter().zip(0_u32..) {
            own.entry(policy.name.namespace.clone()).or_default().push(id);
        }
        let selectors = self.distinct_namespace_selectors();
        for name in names {
            let labels = declared.get(name.as_str()).copied();
            let policies = own.remove(&name).unwrap_or_default();
            let view = self.view_of(&name, labels, policies, &selectors);
            self.namespaces.insert(name, view);
        }
    }

    /// The namespace selectors of all peers, each once, with the peers that have it.
    fn distinct_namespace_selectors(&self) -> Vec<(Where, Vec<u32>)> {
        let mut all: HashMap<&Where, Vec<u32>> = HashMap::new();
        for (peer, id) in self.interned.peers.iter().zip(0_u32..) {
            all.entry(&peer.namespaces).or_default().push(id);
        }
        all.into_iter().map(|(place, ids)| (place.clone(), ids)).collect()
    }

    fn view_of(
        &self,
        name: &str,
        declared: Option<&BTreeMap<String, String>>,
        policies: Vec<u32>,
        selectors: &[(Where, Vec<u32>)],
    ) -> View {
        let mut labels = declared.cloned().unwrap_or_default();
        labels.insert(METADATA_NAME.to_owned(), name.to_owned());
        let declared = declared.is_some() || (self.whole && API_SERVERS_OWN.contains(&name));
        let mut view = View { labels, declared, policies, peers: Vec::new() };
        let mut peers = Vec::new();
        for (place, ids) in selectors {
            let matched = match place {
                Where::Own(own) => Match::of(own == name),
                Where::Selected(selector) => selector.of(&view.labels()),
            };
            if matched != Match::No {
                peers.extend(ids.iter().map(|id| (*id, matched)));
            }
        }
        peers.sort_unstable_by_key(|(id, _)| *id);
        view.peers = peers;
        view
    }

    /// What is known of a namespace; one that nothing declares has the label that the API server sets, and
    /// perhaps others.
    pub(super) fn view<R>(&self, namespace: &str, with: impl FnOnce(&View) -> R) -> R {
        match self.namespaces.get(namespace) {
            Some(view) => with(view),
            None => with(&self.view_of(namespace, None, Vec::new(), &self.distinct_namespace_selectors())),
        }
    }

    /// How the policies see an endpoint. Worth keeping where many questions are asked of it.
    #[must_use]
    pub fn place(&self, endpoint: &Endpoint) -> Standing {
        let class = self.view(endpoint.namespace.as_str(), |view| self.class_of(endpoint, view));
        Standing::new(class, endpoint)
    }

    fn class_of(&self, endpoint: &Endpoint, view: &View) -> Class {
        let labels = Labels::except(&endpoint.labels, &endpoint.labels_not_known);
        let mut class =
            Class { host_network: endpoint.host_network, terminated: endpoint.terminated, ..Class::default() };
        for id in &view.policies {
            let Some(policy) = self.policies.get(*id as usize) else { continue };
            let selected = policy.subject.of(&labels);
            if selected != Match::No {
                let [ingress, egress] = &mut class.isolated;
                for (direction, isolated) in [(Direction::Ingress, ingress), (Direction::Egress, egress)] {
                    if policy.rules(direction).is_some() {
                        isolated.push((*id, selected));
                    }
                }
            }
        }
        for (outsider, id) in self.outsiders.iter().zip(0_u32..) {
            if outsider.touches(endpoint.namespace.as_str(), &view.labels(), &labels, endpoint.host_network) {
                let [ingress, egress] = &mut class.outsiders;
                for (direction, touching) in [(Direction::Ingress, ingress), (Direction::Egress, egress)] {
                    if outsider.concerns(direction) {
                        touching.push(id);
                    }
                }
            }
        }
        for (id, in_namespace) in &view.peers {
            let Some(peer) = self.interned.peers.get(*id as usize) else { continue };
            match peer.pods.of(&labels).and(*in_namespace) {
                Match::Yes => class.peers.insert(*id),
                Match::Maybe => class.perhaps.insert(*id),
                Match::No => {}
            }
        }
        let blocks_of = |ip| {
            let mut bits = Bits::default();
            for (block, id) in self.interned.blocks.iter().zip(0_u32..) {
                if block.contains(ip) {
                    bits.insert(id);
                }
            }
            bits
        };
        class.addresses = addresses(&endpoint.addresses, blocks_of);
        if endpoint.host_network {
            class.node_addresses = addresses(&endpoint.node_addresses, blocks_of);
        }
        class.ports = endpoint
            .ports
            .iter()
            .filter_map(|port| Some((self.interned.name_id(&port.name)?, port.protocol, port.port)))
            .collect();
        class.ports.sort_unstable();
        class.ports.dedup();
        class
    }

    /// What the policies say of a connection.
    #[must_use]
    pub fn decide(&self, source: &Endpoint, destination: &Endpoint, protocol: Protocol, port: Port) -> Decision {
        self.decide_between(&self.place(source), &self.place(destination), protocol, port)
    }

    /// What the policies say of a connection between endpoints that were placed before.
    #[must_use]
    pub fn decide_between(
        &self,
        source: &Standing,
        destination: &Standing,
        protocol: Protocol,
        port: Port,
    ) -> Decision {
        let raw = self.judge(&source.class, &destination.class, source.relation_to(destination), protocol, port);
        self.spell(&raw, &source.class, &destination.class, protocol, port)
    }

    /// Whether blocks are matched against the addresses of pods.
    pub(super) fn blocks_see_pods(&self) -> bool {
        self.profile != Profile::Cilium
    }

    /// What became of the objects of the snapshot.
    #[must_use]
    pub const fn accounting(&self) -> &Accounting {
        &self.accounting
    }
}

fn describe(unreadable: &Unreadable) -> String {
    match &unreadable.namespace {
        Some(namespace) => {
            format!("{} of namespace {namespace}, which could not be read: {}", unreadable.resource, unreadable.why)
        }
        None => format!("{}, which could not be read: {}", unreadable.resource, unreadable.why),
    }
}
