//! Which flows policies open between two parties, for somebody to confirm.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::Drawn;
use super::selector::{self, Rule};
use crate::model::{Port, Protocol, RoleName, TenantId};
use crate::tenancy::types::{Flow, FlowPeer, FlowPort};

/// A flow as two parties, roles and ports: what makes two proposals the same.
type Key = (TenantId, Vec<RoleName>, TenantId, Vec<RoleName>, Vec<(Protocol, Port, Option<Port>)>);

/// The flow that some rules open, seen from the party whose policies they are.
#[derive(Default)]
struct Opened {
    /// The namespaces of that party whose policies open it.
    namespaces: BTreeSet<String>,
    /// The rules, in words.
    rules: Vec<String>,
}

/// The flows that policies open between two parties; whatever opens one and can't be written as a
/// flow becomes a note.
pub(super) fn propose(drawn: &[Drawn<'_>], policies: &[NetworkPolicy], notes: &mut Vec<String>) -> Vec<Flow> {
    let mut opened: BTreeMap<(Key, TenantId), Opened> = BTreeMap::new();
    for policy in policies {
        let namespace = selector::namespace(policy);
        let Some(own) = drawn.iter().find(|party| party.has(namespace)) else { continue };
        for rule in selector::rules(policy) {
            let said = said(policy, &rule);
            match flows(drawn, own, policy, &rule) {
                Ok(keys) => {
                    for key in keys {
                        let opened = opened.entry((key, own.party.id.clone())).or_default();
                        opened.namespaces.insert(namespace.to_owned());
                        opened.rules.push(said.clone());
                    }
                }
                Err(why) => notes.push(format!("{said} {why}, so no flow is proposed for it: read it yourself.")),
            }
        }
    }
    let mut proposed: BTreeMap<Key, Vec<String>> = BTreeMap::new();
    for ((key, own), opened) in opened {
        let all = drawn.iter().find(|party| party.party.id == own).map_or(0, |party| party.namespaces.len());
        if opened.namespaces.len() < all {
            notes.push(format!(
                "{} opens a flow for {} of the {all} namespaces of `{own}` only, so none is proposed: read it yourself.",
                opened.rules.join(" and "),
                opened.namespaces.len(),
            ));
        } else {
            proposed.entry(key).or_default().extend(opened.rules);
        }
    }
    proposed.into_iter().map(|(key, rules)| flow(key, &rules)).collect()
}

fn flow((from, from_roles, to, to_roles, ports): Key, rules: &[String]) -> Flow {
    let ports = ports.into_iter().map(|(protocol, port, end_port)| FlowPort { protocol, port, end_port });
    Flow {
        from: FlowPeer { party: from, roles: from_roles },
        to: FlowPeer { party: to, roles: to_roles },
        ports: ports.collect(),
        why: Some(format!("found in {}: confirm it", rules.join(" and "))),
    }
}

fn said(policy: &NetworkPolicy, rule: &Rule<'_>) -> String {
    let (namespace, name) = (selector::namespace(policy), policy.metadata.name.as_deref().unwrap_or_default());
    let way = if rule.ingress { "ingress" } else { "egress" };
    format!("NetworkPolicy {namespace}/{name}, {way} rule {}", rule.number)
}

/// The flows that one rule opens, or why it can't be written as flows.
fn flows(drawn: &[Drawn<'_>], own: &Drawn<'_>, policy: &NetworkPolicy, rule: &Rule<'_>) -> Result<Vec<Key>, String> {
    let way = if rule.ingress { "from" } else { "to" };
    if rule.peers.is_empty() {
        return Err(format!("opens the way {way} everybody"));
    }
    let mut keys = Vec::new();
    for peer in rule.peers {
        for other in others(drawn, own, peer)? {
            let own_roles = roles(own, policy.spec.as_ref().and_then(|spec| spec.pod_selector.as_ref()))?;
            let other_roles = roles(other, peer.pod_selector.as_ref())?;
            let ports = ports(rule.ports)?;
            let (own, other) = (own.party.id.clone(), other.party.id.clone());
            keys.push(if rule.ingress {
                (other, other_roles, own, own_roles, ports)
            } else {
                (own, own_roles, other, other_roles, ports)
            });
        }
    }
    Ok(keys)
}

/// The other parties that a peer selects.
fn others<'d, 'a>(
    drawn: &'d [Drawn<'a>],
    own: &Drawn<'_>,
    peer: &NetworkPolicyPeer,
) -> Result<Vec<&'d Drawn<'a>>, String> {
    // Without a namespace selector a peer lies in the policy's own namespace, or outside.
    let Some(selector) = &peer.namespace_selector else { return Ok(Vec::new()) };
    let sets = selector::plain(selector).ok_or("selects namespaces by more than plain labels")?;
    if sets.iter().any(BTreeMap::is_empty) {
        return Err("selects every namespace".to_owned());
    }
    let mut others = Vec::new();
    for party in drawn.iter().filter(|party| party.party.id != own.party.id) {
        let selected = party.namespaces.iter().filter(|known| sets.iter().any(|set| known.carries(set)));
        let count = selected.count();
        if count == party.namespaces.len() {
            others.push(party);
        } else if count > 0 {
            let (id, all) = (&party.party.id, party.namespaces.len());
            return Err(format!("selects {count} of the {all} namespaces of `{id}` only"));
        }
    }
    Ok(others)
}

/// The roles that a pod selector selects; none for all pods.
fn roles(party: &Drawn<'_>, selector: Option<&LabelSelector>) -> Result<Vec<RoleName>, String> {
    let Some(selector) = selector else { return Ok(Vec::new()) };
    let sets = selector::plain(selector).ok_or("selects pods by more than plain labels")?;
    if sets.iter().any(BTreeMap::is_empty) {
        return Ok(Vec::new());
    }
    if sets.is_empty() {
        return Err("selects no pod, because it asks for two values of one label".to_owned());
    }
    let role = |set: &BTreeMap<String, String>| {
        let role = party.party.roles.iter().find(|role| &role.labels == set);
        role.map(|role| role.name.clone()).ok_or_else(|| "selects pods that no role describes".to_owned())
    };
    sets.iter().map(role).collect()
}

fn ports(ports: &[NetworkPolicyPort]) -> Result<Vec<(Protocol, Port, Option<Port>)>, String> {
    if ports.is_empty() {
        return Err("opens all ports".to_owned());
    }
    let number = |number: i32| u16::try_from(number).ok().and_then(Port::new);
    let mut read = BTreeSet::new();
    for port in ports {
        let protocol = match port.protocol.as_deref() {
            None => Protocol::Tcp,
            Some(protocol) => Protocol::parse(protocol)
                .ok_or_else(|| format!("names the protocol `{protocol}`, which no one knows"))?,
        };
        let first = match &port.port {
            None => return Err(format!("opens all ports of {protocol}")),
            Some(IntOrString::String(name)) => return Err(format!("names the port `{name}`, not its number")),
            Some(IntOrString::Int(port)) => number(*port),
        };
        let last = port.end_port.map(number);
        match (first, last) {
            (Some(first), None) => read.insert((protocol, first, None)),
            (Some(first), Some(Some(last))) => read.insert((protocol, first, Some(last))),
            _ => return Err("names a port that doesn't exist".to_owned()),
        };
    }
    Ok(read.into_iter().collect())
}
