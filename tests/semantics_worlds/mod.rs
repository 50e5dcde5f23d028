//! Worlds for property tests: small clusters, dense in edge cases, as the JSON that an API server would be given.

// Each test that uses this module uses a part of it.
#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod naive;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

/// What a world may hold besides what every oracle understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Every pod has one address, every namespace a manifest; no pod of the host network, none that has ended.
    Plain,
    /// Everything, some of it missing.
    Wild,
}

/// A cluster: namespaces, pods and policies.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) namespaces: Vec<Value>,
    pub(crate) pods: Vec<Value>,
    pub(crate) policies: Vec<Value>,
}

impl World {
    /// All its objects as one `List`.
    pub(crate) fn list(&self) -> Value {
        let items: Vec<&Value> = self.namespaces.iter().chain(&self.pods).chain(&self.policies).collect();
        json!({"apiVersion": "v1", "kind": "List", "items": items})
    }
}

pub(crate) const PORTS: [u16; 5] = [53, 80, 81, 8080, 9090];
pub(crate) const NAMESPACES: [&str; 3] = ["a", "b", "c"];

fn labels() -> BoxedStrategy<Value> {
    let value = || select(vec!["x", "y", ""]);
    (proptest::option::weighted(0.7, value()), proptest::option::weighted(0.5, value()))
        .prop_map(|(app, tier)| {
            let mut labels = Map::new();
            if let Some(app) = app {
                labels.insert("app".to_owned(), json!(app));
            }
            if let Some(tier) = tier {
                labels.insert("tier".to_owned(), json!(tier));
            }
            Value::Object(labels)
        })
        .boxed()
}

fn selector() -> BoxedStrategy<Value> {
    let key = || select(vec!["app", "tier", "kubernetes.io/metadata.name"]);
    let value = || select(vec!["x", "y", "", "a", "b"]);
    let expression = prop_oneof![
        (key(), select(vec!["In", "NotIn"]), subsequence(vec!["x", "y", "", "a", "b"], 1..4))
            .prop_map(|(key, operator, values)| json!({"key": key, "operator": operator, "values": values})),
        (key(), select(vec!["Exists", "DoesNotExist"]))
            .prop_map(|(key, operator)| json!({"key": key, "operator": operator})),
    ];
    prop_oneof![
        3 => Just(json!({})),
        4 => (key(), value()).prop_map(|(key, value)| json!({"matchLabels": {key: value}})),
        2 => proptest::collection::vec(expression.clone(), 1..3).prop_map(|all| json!({"matchExpressions": all})),
        1 => (key(), value(), expression)
            .prop_map(|(key, value, e)| json!({"matchLabels": {key: value}, "matchExpressions": [e]})),
        1 => Just(json!({"matchLabels": null, "matchExpressions": []})),
    ]
    .boxed()
}

fn peer() -> BoxedStrategy<Value> {
    let block = prop_oneof![
        Just(json!({"cidr": "10.0.0.0/8"})),
        Just(json!({"cidr": "10.0.1.0/24", "except": ["10.0.1.2/32"]})),
        Just(json!({"cidr": "0.0.0.0/0", "except": ["10.0.0.0/16", "192.168.0.0/24"]})),
        Just(json!({"cidr": "10.0.0.3/31"})),
        Just(json!({"cidr": "fd00::/16", "except": ["fd00::2/127"]})),
        Just(json!({"cidr": "::/0"})),
        Just(json!({"cidr": "192.168.0.0/16", "except": []})),
    ];
    prop_oneof![
        2 => selector().prop_map(|pods| json!({"podSelector": pods})),
        2 => selector().prop_map(|namespaces| json!({"namespaceSelector": namespaces, "podSelector": null})),
        3 => (selector(), selector()).prop_map(|(n, p)| json!({"namespaceSelector": n, "podSelector": p})),
        2 => block.prop_map(|block| json!({"ipBlock": block})),
    ]
    .boxed()
}

fn port() -> BoxedStrategy<Value> {
    let protocol = || select(vec![Value::Null, json!("TCP"), json!("UDP"), json!("SCTP")]);
    prop_oneof![
        1 => protocol().prop_map(|protocol| json!({"protocol": protocol})),
        3 => (protocol(), select(PORTS.to_vec())).prop_map(|(protocol, port)| json!({"protocol": protocol, "port": port})),
        2 => (protocol(), select(vec!["http", "dns", "none"]))
            .prop_map(|(protocol, port)| json!({"protocol": protocol, "port": port})),
        2 => (protocol(), select(PORTS.to_vec()), select(vec![0_u16, 1, 28, 8000]))
            .prop_map(|(protocol, port, more)| json!({"protocol": protocol, "port": port, "endPort": port + more})),
    ]
    .boxed()
}

/// `null`, or a list, or (as a missing key) nothing: `field` is put into `object` accordingly.
fn list(of: BoxedStrategy<Value>, most: usize) -> BoxedStrategy<Option<Value>> {
    prop_oneof![
        1 => Just(None),
        1 => Just(Some(Value::Null)),
        1 => Just(Some(json!([]))),
        6 => proptest::collection::vec(of, 1..=most).prop_map(|all| Some(json!(all))),
    ]
    .boxed()
}

fn with(fields: Vec<(&str, Option<Value>)>) -> Value {
    Value::Object(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

fn rule(peers: &'static str) -> BoxedStrategy<Value> {
    (list(peer(), 3), list(port(), 3)).prop_map(move |(p, ports)| with(vec![(peers, p), ("ports", ports)])).boxed()
}

fn policy() -> BoxedStrategy<Value> {
    let types = prop_oneof![
        Just(None),
        Just(Some(Value::Null)),
        Just(Some(json!([]))),
        Just(Some(json!(["Ingress"]))),
        Just(Some(json!(["Egress"]))),
        Just(Some(json!(["Egress", "Ingress"]))),
    ];
    let subject = prop_oneof![1 => Just(None), 1 => Just(Some(Value::Null)), 6 => selector().prop_map(Some)];
    (select(NAMESPACES.to_vec()), subject, types, list(rule("from"), 3), list(rule("to"), 3))
        .prop_map(|(namespace, subject, types, ingress, egress)| {
            let spec =
                with(vec![("podSelector", subject), ("policyTypes", types), ("ingress", ingress), ("egress", egress)]);
            json!({
                "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                "metadata": {"namespace": namespace}, "spec": spec,
            })
        })
        .boxed()
}

fn addresses(kind: Kind) -> BoxedStrategy<Vec<String>> {
    let v4 = (0..3_u8, 1..5_u8).prop_map(|(net, host)| format!("10.0.{net}.{host}"));
    let v6 = (1..5_u8).prop_map(|host| format!("fd00::{host}"));
    match kind {
        Kind::Plain => prop_oneof![3 => v4.prop_map(|ip| vec![ip]), 1 => v6.prop_map(|ip| vec![ip])].boxed(),
        Kind::Wild => prop_oneof![
            4 => v4.clone().prop_map(|ip| vec![ip]),
            1 => v6.clone().prop_map(|ip| vec![ip]),
            2 => (v4, v6).prop_map(|(a, b)| vec![a, b]),
            1 => Just(Vec::new()),
        ]
        .boxed(),
    }
}

fn pod(kind: Kind) -> BoxedStrategy<Value> {
    // Names are unique in a container, and so are the pairs of number and protocol.
    let ports = subsequence(
        vec![
            json!({"name": "http", "containerPort": 8080}),
            json!({"name": "dns", "containerPort": 53, "protocol": "UDP"}),
            json!({"name": "admin", "containerPort": 9090, "protocol": "TCP"}),
            json!({"containerPort": 81}),
        ],
        0..4,
    );
    let sidecar = select(vec![
        json!([]),
        json!([{"name": "s", "restartPolicy": "Always", "ports": [{"name": "http", "containerPort": 80}]}]),
        json!([{"name": "s", "ports": [{"name": "http", "containerPort": 80}]}]),
    ]);
    let wild = kind == Kind::Wild;
    let odd = move |weight: u32| prop_oneof![10 => Just(false), weight => Just(wild)];
    (select(NAMESPACES.to_vec()), labels(), ports, sidecar, addresses(kind), odd(3), odd(1), select(vec![1_u8, 2]))
        .prop_map(|(namespace, labels, ports, sidecar, addresses, host_network, ended, node)| {
            let host = format!("192.168.0.{node}");
            let addresses = if host_network { vec![host.clone()] } else { addresses };
            let ips: Vec<Value> = addresses.iter().map(|ip| json!({"ip": ip})).collect();
            json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"namespace": namespace, "labels": labels},
                "spec": {
                    "nodeName": format!("n{node}"), "hostNetwork": host_network, "initContainers": sidecar,
                    "containers": [{"name": "c", "ports": ports}],
                },
                "status": {
                    "phase": if ended { "Failed" } else { "Running" },
                    "podIP": addresses.first(), "podIPs": ips, "hostIP": host,
                },
            })
        })
        .boxed()
}

/// Worlds of a kind.
pub(crate) fn world(kind: Kind) -> BoxedStrategy<World> {
    let namespaces = NAMESPACES.map(|name| {
        labels().prop_map(move |labels| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}))
    });
    let undeclared = u32::from(kind == Kind::Wild);
    (
        namespaces,
        prop_oneof![2 => Just(0), undeclared => Just(1)],
        proptest::collection::vec(pod(kind), 3..7),
        proptest::collection::vec(policy(), 0..6),
    )
        .prop_map(|(namespaces, undeclared, mut pods, mut policies)| {
            for (number, pod) in pods.iter_mut().enumerate() {
                pod["metadata"]["name"] = json!(format!("pod-{number}"));
            }
            for (number, policy) in policies.iter_mut().enumerate() {
                policy["metadata"]["name"] = json!(format!("policy-{number}"));
            }
            World { namespaces: namespaces.into_iter().skip(undeclared).collect(), pods, policies }
        })
        .boxed()
}
