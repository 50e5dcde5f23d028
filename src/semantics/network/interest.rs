//! What a prober must know of the policies: which labels they read, and at which ports their answer may change.

use std::collections::BTreeSet;

use super::endpoint::Endpoint;
use super::fences::Fences;
use super::labels::Match;
use super::policy::{Direction, PeerId, Ports, Rule};
use super::standing::Class;
use crate::model::{Namespace, Port, Protocol};

impl Fences {
    /// Keys of pod labels that any selector reads which could select pods of this namespace: the subjects of its own
    /// policies, the peers of all policies, and the readable scopes of foreign ones.
    ///
    /// Two pods of the namespace that carry the same values for these keys are alike to every policy, up to their
    /// addresses, named ports, node and phase.
    #[must_use]
    pub fn pod_label_keys_read(&self, namespace: &Namespace) -> BTreeSet<String> {
        self.view(namespace.as_str(), |view| {
            let subjects = view.policies().iter().filter_map(|id| self.policies.get(*id as usize));
            let mut keys: BTreeSet<String> =
                subjects.flat_map(|policy| policy.subject.keys()).map(str::to_owned).collect();
            let peers = view.peers().iter().filter_map(|(id, _)| self.interned.peers.get(*id as usize));
            keys.extend(peers.flat_map(|peer| peer.pods.keys()).map(str::to_owned));
            for outsider in &self.outsiders {
                keys.extend(outsider.keys_read(namespace.as_str(), &view.labels()).map(str::to_owned));
            }
            keys
        })
    }

    /// Names of ports that policies read.
    #[must_use]
    pub fn named_ports_read(&self) -> BTreeSet<String> {
        self.interned.names.iter().cloned().collect()
    }

    /// Ports of the destination at which an answer about it may change: single ports, the first and the last of
    /// ranges, and named ports as the destination resolves them; of the ingress rules of policies that may select it,
    /// and of every egress rule that may have it as a peer. In order, each once.
    #[must_use]
    pub fn ports_of_interest(&self, destination: &Endpoint, protocol: Protocol) -> Vec<Port> {
        let class = self.place(destination).class;
        let mut ports = BTreeSet::new();
        for (id, _) in class.isolated(Direction::Ingress) {
            if let Some(policy) = self.policies.get(*id as usize) {
                policy.ingress.iter().flatten().for_each(|rule| edges(rule, &class, protocol, &mut ports));
            }
        }
        let egress = self.policies.iter().filter_map(|policy| policy.egress.as_ref()).flatten();
        egress.filter(|rule| may_be_peer(rule, &class)).for_each(|rule| edges(rule, &class, protocol, &mut ports));
        ports.into_iter().collect()
    }

    /// Whether any policy isolates the endpoint for this direction; `None` where that cannot be told.
    #[must_use]
    pub fn isolates(&self, endpoint: &Endpoint, direction: Direction) -> Option<bool> {
        let class = self.place(endpoint).class;
        let isolated = class.isolated(direction);
        if isolated.iter().any(|(_, matched)| *matched == Match::Yes) {
            return Some(true);
        }
        (isolated.is_empty() && class.outsiders(direction).is_empty()).then_some(false)
    }
}

fn may_be_peer(rule: &Rule, class: &Class) -> bool {
    rule.peers.as_ref().is_none_or(|peers| {
        peers.iter().any(|peer| match *peer {
            PeerId::Pods(id) => class.peers.contains(id) || class.perhaps.contains(id),
            PeerId::Block(id) => {
                let mut addresses = class.addresses.iter().chain(&class.node_addresses).peekable();
                addresses.peek().is_none() || addresses.any(|address| address.blocks.contains(id))
            }
        })
    })
}

fn edges(rule: &Rule, class: &Class, protocol: Protocol, ports: &mut BTreeSet<Port>) {
    for port in rule.ports.iter().flatten().filter(|port| port.protocol == protocol) {
        match port.ports {
            Ports::All => {}
            Ports::Range(first, last) => ports.extend([first, last]),
            Ports::Named(name) => {
                let resolved = class.ports.iter().filter(|(id, p, _)| *id == name && *p == protocol);
                ports.extend(resolved.map(|(_, _, port)| *port));
            }
        }
    }
}
