//! The API server's validation of a NetworkPolicy, fault by fault, each with its place.
//!
//! Fields that do not exist are faults too: a misspelt `from` would otherwise mean "from everywhere".

use super::decode::decode;
use super::node::{Node, Place};
use crate::model::Nearest;
use crate::semantics::network::{Fault, check_peer, check_policy_types, check_port, check_selector};

const POLICY: &[&str] = &["apiVersion", "kind", "metadata", "spec", "status"];
const SPEC: &[&str] = &["podSelector", "policyTypes", "ingress", "egress"];
const PEER: &[&str] = &["ipBlock", "namespaceSelector", "podSelector"];
const PORT: &[&str] = &["protocol", "port", "endPort"];
const BLOCK: &[&str] = &["cidr", "except"];
const SELECTOR: &[&str] = &["matchLabels", "matchExpressions"];
const REQUIREMENT: &[&str] = &["key", "operator", "values"];

/// All faults of a policy whose types are right.
pub(super) fn policy(node: &Node) -> Vec<(Place, String)> {
    let mut faults = Faults::default();
    faults.fields(node, POLICY);
    match node.get("spec").filter(|spec| spec.is_map()) {
        None => faults.add(node.place, &Fault::NoSpec),
        Some(spec) => faults.spec(spec),
    }
    faults.0
}

#[derive(Default)]
struct Faults(Vec<(Place, String)>);

impl Faults {
    fn add(&mut self, place: Place, fault: &Fault) {
        self.0.push((place, fault.to_string()));
    }

    fn fields(&mut self, node: &Node, known: &[&str]) {
        for entry in node.entries() {
            if !known.contains(&&*entry.key) {
                let question = Nearest::of(&entry.key, known.iter().copied()).question();
                self.0.push((entry.key_place, format!("there is no field {:?} here{question}", entry.key)));
            }
        }
    }

    fn spec(&mut self, spec: &Node) {
        self.fields(spec, SPEC);
        if let Some(selector) = spec.get("podSelector") {
            self.selector(selector);
        }
        if let Some(node) = spec.get("policyTypes")
            && let Err(fault) = check_policy_types(&decode::<Vec<String>>(node).unwrap_or_default())
        {
            self.add(node.place, &fault);
        }
        for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
            for rule in spec.get(direction).into_iter().flat_map(|rules| rules.items()) {
                self.fields(rule, &[peers, "ports"]);
                rule.get(peers).into_iter().flat_map(|peers| peers.items()).for_each(|peer| self.peer(peer));
                rule.get("ports").into_iter().flat_map(|ports| ports.items()).for_each(|port| self.port(port));
            }
        }
    }

    fn peer(&mut self, node: &Node) {
        self.fields(node, PEER);
        for selector in ["namespaceSelector", "podSelector"].iter().filter_map(|key| node.get(key)) {
            self.selector(selector);
        }
        if let Some(block) = node.get("ipBlock") {
            self.fields(block, BLOCK);
        }
        if let Ok(Err(fault)) = decode(node).map(|peer| check_peer(&peer)) {
            self.add(node.place, &fault);
        }
    }

    fn port(&mut self, node: &Node) {
        self.fields(node, PORT);
        if let Ok(Err(fault)) = decode(node).map(|port| check_port(&port)) {
            self.add(node.place, &fault);
        }
    }

    fn selector(&mut self, node: &Node) {
        self.fields(node, SELECTOR);
        for expression in node.get("matchExpressions").into_iter().flat_map(|list| list.items()) {
            self.fields(expression, REQUIREMENT);
        }
        if let Ok(Err(fault)) = decode(node).map(|selector| check_selector(&selector)) {
            self.add(node.place, &fault);
        }
    }
}
