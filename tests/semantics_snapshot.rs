//! Snapshots with gaps: what could not be read, or is not modelled, makes what it could touch unknown, by name.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops where it cannot go on")]

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::networking::v1::NetworkPolicy;
use rstest::rstest;
use serde_json::json;
use tenantproof::model::{Namespace, Port, Protocol};
use tenantproof::semantics::network::{Answer, Direction, Endpoint, Fences, Profile};
use tenantproof::semantics::{ForeignPolicy, Snapshot, Unreadable};

fn endpoint(namespace: &str, labels: &[(&str, &str)]) -> Endpoint {
    let labels: BTreeMap<String, String> = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Endpoint::new(Namespace::from(namespace), labels)
}

fn snapshot() -> Snapshot {
    let namespace = |name: &str| serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
    Snapshot { namespaces: vec![namespace("a"), namespace("b")], ..Snapshot::default() }
}

fn policy(namespace: &str, spec: &serde_json::Value) -> NetworkPolicy {
    serde_json::from_value(json!({"metadata": {"name": "p", "namespace": namespace}, "spec": spec})).unwrap()
}

fn answers(snapshot: &Snapshot) -> [Answer; 3] {
    let fences = Fences::compile(snapshot, Profile::Spec);
    let (a, b) = (endpoint("a", &[("app", "web")]), endpoint("b", &[]));
    let port = Port::new(80).unwrap();
    [(&a, &b), (&b, &a), (&b, &b)].map(|(from, to)| fences.decide(from, to, Protocol::Tcp, port).answer)
}

const ALLOWED: Answer = Answer::Allowed;
const DENIED: Answer = Answer::Denied;
const UNKNOWN: Answer = Answer::Unknown;

#[rstest]
#[case::of_one_namespace("networkpolicies.networking.k8s.io", Some("a"), [UNKNOWN, UNKNOWN, ALLOWED])]
#[case::of_the_cluster("ciliumnetworkpolicies.cilium.io", None, [UNKNOWN, UNKNOWN, UNKNOWN])]
#[case::of_no_consequence("services", None, [ALLOWED, ALLOWED, ALLOWED])]
#[case::pods("pods", Some("a"), [ALLOWED, ALLOWED, ALLOWED])]
fn what_could_not_be_read(#[case] resource: &str, #[case] namespace: Option<&str>, #[case] expected: [Answer; 3]) {
    let mut snapshot = snapshot();
    snapshot.unreadable.push(Unreadable {
        resource: resource.to_owned(),
        namespace: namespace.map(str::to_owned),
        why: "forbidden".to_owned(),
    });
    assert_eq!(answers(&snapshot), expected);
}

#[test]
fn a_policy_that_no_api_server_would_hold_is_named() {
    let mut snapshot = snapshot();
    let bad =
        json!({"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{"ports": [{"port": 80, "endPort": 1}]}]});
    snapshot.network_policies =
        vec![policy("a", &bad), policy("b", &json!({"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]}))];
    // To b it is denied by b's own policy, whatever a's would say.
    assert_eq!(answers(&snapshot), [DENIED, UNKNOWN, ALLOWED]);
    let fences = Fences::compile(&snapshot, Profile::Spec);
    assert_eq!(fences.accounting().judged, 3);
    assert_eq!(fences.accounting().not_understood, ["NetworkPolicy a/p (endPort 1 is below port 80)"]);
    assert_eq!(fences.isolates(&endpoint("b", &[]), Direction::Ingress), Some(true));
    assert_eq!(fences.isolates(&endpoint("b", &[]), Direction::Egress), Some(false));
    assert_eq!(fences.isolates(&endpoint("a", &[("app", "web")]), Direction::Ingress), None);
}

#[rstest]
#[case::nothing_isolates(false, UNKNOWN)]
#[case::a_network_policy_has_the_say(true, ALLOWED)]
fn the_baseline_speaks_only_where_no_policy_isolates(#[case] isolated: bool, #[case] expected: Answer) {
    let mut snapshot = snapshot();
    if isolated {
        snapshot.network_policies.push(policy("a", &json!({"ingress": [{}]})));
    }
    snapshot.foreign.push(ForeignPolicy {
        api_version: "policy.networking.k8s.io/v1alpha2".to_owned(),
        kind: "ClusterNetworkPolicy".to_owned(),
        namespace: None,
        name: "base".to_owned(),
        place: String::new(),
        object: json!({"spec": {"tier": "Baseline", "subject": {"namespaces": {}}, "ingress": [{"action": "Deny"}]}}),
    });
    assert_eq!(answers(&snapshot)[1], expected);
}

/// A Deployment's pods will have a hash as a label: a selector that asks for it may match them.
#[rstest]
#[case::as_a_peer("a", json!({"ingress": [{"from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"hash": "1"}}}]}]}), UNKNOWN)]
#[case::as_a_peer_that_is_not("a", json!({"ingress": [{"from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"hash": "1", "app": "x"}}}]}]}), DENIED)]
#[case::as_a_subject("b", json!({"podSelector": {"matchLabels": {"hash": "1"}}, "policyTypes": ["Egress"]}), UNKNOWN)]
#[case::as_a_subject_that_may("b", json!({"podSelector": {"matchLabels": {"hash": "1"}}, "egress": [{}], "policyTypes": ["Egress"]}), ALLOWED)]
fn labels_that_a_controller_will_set(
    #[case] namespace: &str,
    #[case] spec: serde_json::Value,
    #[case] expected: Answer,
) {
    let mut snapshot = snapshot();
    snapshot.network_policies.push(policy(namespace, &spec));
    let fences = Fences::compile(&snapshot, Profile::Spec);
    let mut source = endpoint("b", &[]);
    source.labels_not_known = BTreeSet::from(["hash".to_owned()]);
    let decision = fences.decide(&source, &endpoint("a", &[]), Protocol::Tcp, Port::new(80).unwrap());
    assert_eq!(decision.answer, expected, "{}", decision.because());
}

#[test]
fn tells_what_a_prober_must_know() {
    let mut snapshot = snapshot();
    snapshot.network_policies = vec![
        policy(
            "a",
            &json!({
                "podSelector": {"matchLabels": {"app": "web"}},
                "ingress": [
                    {"from": [{"podSelector": {"matchLabels": {"role": "x"}}}], "ports": [{"port": 80, "endPort": 90}, {"port": "http"}]},
                    {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "b"}}, "podSelector": {"matchExpressions": [{"key": "tier", "operator": "Exists"}]}}]},
                ],
            }),
        ),
        policy(
            "b",
            &json!({"egress": [{"to": [{"namespaceSelector": {}}], "ports": [{"port": 443}]}, {"to": [{"podSelector": {}}], "ports": [{"port": 1}]}], "policyTypes": ["Egress"]}),
        ),
    ];
    let fences = Fences::compile(&snapshot, Profile::Spec);
    let keys =
        |namespace: &str| fences.pod_label_keys_read(&Namespace::from(namespace)).into_iter().collect::<Vec<_>>();
    assert_eq!(keys("a"), ["app", "role"]);
    assert_eq!(keys("b"), ["tier"]);
    assert_eq!(fences.named_ports_read(), BTreeSet::from(["http".to_owned()]));
    let mut web = endpoint("a", &[("app", "web")]);
    web.ports.push(tenantproof::semantics::network::NamedPort {
        name: "http".to_owned(),
        protocol: Protocol::Tcp,
        port: Port::new(8080).unwrap(),
    });
    let ports: Vec<u16> = fences.ports_of_interest(&web, Protocol::Tcp).into_iter().map(Port::get).collect();
    assert_eq!(ports, [80, 90, 443, 8080]);
    assert!(fences.ports_of_interest(&web, Protocol::Udp).is_empty());
}
