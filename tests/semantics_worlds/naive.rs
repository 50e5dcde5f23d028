//! A second evaluator, written from the specification's text and in the plainest way: it reads the JSON each time
//! it is asked, knows neither classes nor unknowns, and where something is not known it tries every possibility.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::World;

/// What a connection is, when everything about it is known.
struct Wire<'a> {
    world: &'a World,
    source: &'a Value,
    destination: &'a Value,
    source_labels: Value,
    destination_labels: Value,
    source_ip: Option<IpAddr>,
    destination_ip: Option<IpAddr>,
    hosts_are_nodes: bool,
    own_node_is_free: bool,
    protocol: &'a str,
    port: u16,
}

/// All answers that are possible.
pub(crate) fn possible(
    world: &World,
    source: &Value,
    destination: &Value,
    protocol: &str,
    port: u16,
) -> BTreeSet<bool> {
    let mut answers = BTreeSet::new();
    let (from, to) = (ips(source), ips(destination));
    let shared = from.iter().any(|a| to.iter().any(|b| a.is_ipv4() == b.is_ipv4()));
    for source_labels in namespace_labels(world, source) {
        for destination_labels in namespace_labels(world, destination) {
            if source["metadata"]["namespace"] == destination["metadata"]["namespace"]
                && source_labels != destination_labels
            {
                continue;
            }
            for source_ip in &from {
                for destination_ip in &to {
                    if shared && source_ip.is_ipv4() != destination_ip.is_ipv4() {
                        continue;
                    }
                    for (hosts_are_nodes, own_node_is_free) in [(false, false), (true, false), (true, true)] {
                        let wire = Wire {
                            world,
                            source,
                            destination,
                            source_labels: source_labels.clone(),
                            destination_labels: destination_labels.clone(),
                            source_ip: Some(*source_ip),
                            destination_ip: Some(*destination_ip),
                            hosts_are_nodes,
                            own_node_is_free,
                            protocol,
                            port,
                        };
                        answers.insert(wire.passes());
                    }
                }
            }
        }
    }
    answers
}

/// The addresses that a pod has; one that has none may come to have any.
fn ips(pod: &Value) -> Vec<IpAddr> {
    let has: Vec<IpAddr> =
        each(&pod["status"]["podIPs"]).map(|ip| ip["ip"].as_str().unwrap().parse().unwrap()).collect();
    if has.is_empty() {
        let any = [
            "10.0.0.1",
            "10.0.1.2",
            "10.0.1.3",
            "10.0.0.2",
            "192.168.0.9",
            "192.168.7.1",
            "8.8.8.8",
            "fd00::2",
            "fd00::9",
            "fe80::1",
        ];
        any.iter().map(|ip| ip.parse().unwrap()).collect()
    } else {
        has
    }
}

/// The labels that a pod's namespace has; one that nothing declares may have any.
fn namespace_labels(world: &World, pod: &Value) -> Vec<Value> {
    let name = &pod["metadata"]["namespace"];
    let mut all = Vec::new();
    match world.namespaces.iter().find(|namespace| namespace["metadata"]["name"] == *name) {
        Some(namespace) => all.push(namespace["metadata"]["labels"].clone()),
        None => {
            for app in [Value::Null, json!("x"), json!("y"), json!(""), json!("q")] {
                for tier in [Value::Null, json!("x"), json!("y"), json!(""), json!("q")] {
                    let fields =
                        [("app", app.clone()), ("tier", tier)].into_iter().filter(|(_, value)| !value.is_null());
                    all.push(Value::Object(fields.map(|(key, value)| (key.to_owned(), value)).collect()));
                }
            }
        }
    }
    for labels in &mut all {
        labels["kubernetes.io/metadata.name"] = name.clone();
    }
    all
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn is_empty(list: &Value) -> bool {
    each(list).next().is_none()
}

/// "The selector matches if all its requirements do"; a requirement by the words of the API reference.
fn selects(selector: &Value, labels: &Value) -> bool {
    let nothing = Map::new();
    let labels = labels.as_object().unwrap_or(&nothing);
    let by_label =
        selector["matchLabels"].as_object().unwrap_or(&nothing).iter().all(|(k, v)| labels.get(k) == Some(v));
    let by_expression = each(&selector["matchExpressions"]).all(|expression| {
        let value = labels.get(expression["key"].as_str().unwrap());
        let among = value.is_some_and(|value| each(&expression["values"]).any(|v| v == value));
        match expression["operator"].as_str().unwrap() {
            "In" => among,
            "NotIn" => !among,
            "Exists" => value.is_some(),
            _ => value.is_none(),
        }
    });
    by_label && by_expression
}

fn within(ip: IpAddr, cidr: &Value) -> bool {
    let (network, length) = cidr.as_str().unwrap().split_once('/').unwrap();
    let length: usize = length.parse().unwrap();
    let bits = |ip: IpAddr| -> Vec<bool> {
        let bytes = match ip {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |i| byte >> i & 1 == 1)).collect()
    };
    let (ip, network) = (bits(ip), bits(network.parse().unwrap()));
    ip.len() == network.len() && ip[..length] == network[..length]
}

impl Wire<'_> {
    fn passes(&self) -> bool {
        let ended = |pod: &Value| matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
        if ended(self.source) || ended(self.destination) {
            return false;
        }
        if self.source["metadata"]["name"] == self.destination["metadata"]["name"] {
            return true;
        }
        self.direction_passes("Egress") && self.direction_passes("Ingress")
    }

    fn is_node(&self, pod: &Value) -> bool {
        self.hosts_are_nodes && pod["spec"]["hostNetwork"] == true
    }

    fn direction_passes(&self, direction: &str) -> bool {
        let egress = direction == "Egress";
        let (subject, peer) = if egress { (self.source, self.destination) } else { (self.destination, self.source) };
        if self.is_node(subject) {
            return true;
        }
        if self.is_node(peer)
            && (!egress || self.own_node_is_free)
            && subject["spec"]["nodeName"] == peer["spec"]["nodeName"]
        {
            return true;
        }
        let isolating: Vec<&Value> = self
            .world
            .policies
            .iter()
            .filter(|policy| policy["metadata"]["namespace"] == subject["metadata"]["namespace"])
            .filter(|policy| selects(&policy["spec"]["podSelector"], &subject["metadata"]["labels"]))
            .filter(|policy| types_of(&policy["spec"]).contains(&direction))
            .collect();
        isolating.is_empty()
            || isolating.iter().any(|policy| {
                each(&policy["spec"][direction.to_lowercase()]).any(|rule| self.rule_matches(policy, rule, egress))
            })
    }

    fn rule_matches(&self, policy: &Value, rule: &Value, egress: bool) -> bool {
        let peers = &rule[if egress { "to" } else { "from" }];
        let ports = &rule["ports"];
        (is_empty(peers) || each(peers).any(|peer| self.peer_matches(policy, peer, egress)))
            && (is_empty(ports) || each(ports).any(|port| self.port_matches(port)))
    }

    fn peer_matches(&self, policy: &Value, peer: &Value, egress: bool) -> bool {
        let (pod, labels, ip) = if egress {
            (self.destination, &self.destination_labels, self.destination_ip)
        } else {
            (self.source, &self.source_labels, self.source_ip)
        };
        if !peer["ipBlock"].is_null() {
            let block = &peer["ipBlock"];
            return ip
                .is_some_and(|ip| within(ip, &block["cidr"]) && !each(&block["except"]).any(|cidr| within(ip, cidr)));
        }
        if self.is_node(pod) {
            return false;
        }
        let in_namespace = if peer["namespaceSelector"].is_null() {
            pod["metadata"]["namespace"] == policy["metadata"]["namespace"]
        } else {
            selects(&peer["namespaceSelector"], labels)
        };
        in_namespace && selects(&peer["podSelector"], &pod["metadata"]["labels"])
    }

    fn port_matches(&self, port: &Value) -> bool {
        if port["protocol"].as_str().unwrap_or("TCP") != self.protocol {
            return false;
        }
        match &port["port"] {
            Value::Null => true,
            Value::String(name) => !self.is_node(self.destination) && self.destination_names(name),
            number => {
                let first = number.as_u64().unwrap();
                let last = port["endPort"].as_u64().unwrap_or(first);
                (first..=last).contains(&u64::from(self.port))
            }
        }
    }

    fn destination_names(&self, name: &str) -> bool {
        let spec = &self.destination["spec"];
        let sidecars = each(&spec["initContainers"]).filter(|container| container["restartPolicy"] == "Always");
        each(&spec["containers"]).chain(sidecars).flat_map(|container| each(&container["ports"])).any(|port| {
            port["name"] == name
                && port["containerPort"] == self.port
                && port["protocol"].as_str().unwrap_or("TCP") == self.protocol
        })
    }
}

fn types_of(spec: &Value) -> Vec<&str> {
    if !is_empty(&spec["policyTypes"]) {
        return each(&spec["policyTypes"]).filter_map(Value::as_str).collect();
    }
    if is_empty(&spec["egress"]) { vec!["Ingress"] } else { vec!["Ingress", "Egress"] }
}
