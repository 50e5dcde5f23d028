//! The plan of a small cluster: which classes, ports, probes and cases come of it.

use std::collections::{BTreeMap, BTreeSet};

use rstest::rstest;
use serde_json::{Value, json};

use super::plan;
use crate::families::PlanInput;
use crate::families::network::{FAMILY, NetworkPlan};
use crate::families::scene::Scene;
use crate::model::{Namespace, NodeName};
use crate::semantics::Snapshot;
use crate::tenancy::{self, Tenancy};

const TENANCY: &str = "
apiVersion: tenantproof.dev/v1
kind: Tenancy
name: test
tenants:
- {id: a, namespaces: [a], roles: [{name: client, labels: {role: client}}]}
- {id: b, namespaces: [b], internal: closed}
- {id: c, namespaces: [c], internal: open}
flows:
- from: {tenant: a, roles: [client]}
  to: {tenant: b}
  ports: [{protocol: TCP, port: 8080}]
";

fn object<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn pod(namespace: &str, name: &str, labels: &Value, ports: &Value) -> k8s_openapi::api::core::v1::Pod {
    object(json!({
        "metadata": {"namespace": namespace, "name": name, "labels": labels},
        "spec": {"containers": [{"name": "c", "ports": ports}]},
        "status": {"phase": "Running", "podIP": "10.0.0.9"},
    }))
}

/// Fences as in the story: nothing comes in but from the own namespace, and the flow into b.
fn snapshot() -> Snapshot {
    let fence = |namespace: &str| {
        object(json!({
            "metadata": {"namespace": namespace, "name": "fence"},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {}}]}]},
        }))
    };
    let flow = object(json!({
        "metadata": {"namespace": "b", "name": "clients"},
        "spec": {"podSelector": {}, "ingress": [{
            "from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"role": "client"}}}],
            "ports": [{"port": 8080}],
        }]},
    }));
    Snapshot {
        namespaces: ["a", "b", "c"].map(|name| object(json!({"metadata": {"name": name, "labels": {}}}))).into(),
        network_policies: vec![fence("a"), fence("b"), fence("c"), flow],
        pods: vec![
            pod("a", "a-1", &json!({"role": "client", "app": "x"}), &json!([])),
            pod("a", "a-2", &json!({"role": "client", "app": "y"}), &json!([])),
            pod("b", "b-1", &json!({"app": "db"}), &json!([{"containerPort": 5432}])),
        ],
        ..Snapshot::default()
    }
}

fn made(tenancy: &Tenancy, snapshot: &Snapshot, nodes: &[&str], closed: &[(&str, &str)]) -> NetworkPlan {
    let nodes: Vec<NodeName> = nodes.iter().map(|node| NodeName::from(*node)).collect();
    let closed: BTreeMap<Namespace, String> =
        closed.iter().map(|(namespace, why)| ((*namespace).into(), (*why).to_owned())).collect();
    let scene = Scene::of(&FAMILY, TENANCY);
    plan(&PlanInput { tenancy, nodes: &nodes, closed: &closed, ..scene.input(snapshot) })
}

fn the_plan() -> NetworkPlan {
    made(&tenancy::read("test", TENANCY.as_bytes()).unwrap(), &snapshot(), &["n1", "n2"], &[])
}

fn names(plan: &NetworkPlan) -> BTreeSet<&str> {
    plan.probes.iter().map(|probe| probe.name.as_str()).collect()
}

#[test]
fn one_probe_a_node_stands_for_pods_that_nothing_tells_apart() {
    let plan = the_plan();
    let expected =
        ["a/any@n1", "a/any@n2", "a/client@n1", "a/client@n2", "b/any@n1", "b/any@n2", "c/any@n1", "c/any@n2"];
    assert_eq!(names(&plan), BTreeSet::from(expected), "both client pods are one class: no selector reads `app`");
    assert_eq!(plan.pods_represented, 3);
}

#[test]
fn a_probe_wears_only_the_labels_that_selectors_read() {
    let plan = the_plan();
    let client = plan.probes.iter().find(|probe| probe.name.as_str() == "a/client@n1").unwrap();
    assert_eq!(client.labels, BTreeMap::from([("role".to_owned(), "client".to_owned())]));
}

#[test]
fn ports_that_could_matter_are_tried_and_one_that_nothing_names() {
    let plan = the_plan();
    let b = plan.probes.iter().find(|probe| probe.name.as_str() == "b/any@n1").unwrap();
    let tcp: BTreeSet<u16> =
        b.ports.iter().filter(|port| port.protocol.as_str() == "TCP").map(|port| port.port.get()).collect();
    assert_eq!(tcp, BTreeSet::from([5432, 8080, 28_657]), "the pod's own port, the flow's, and any other");
}

#[rstest]
#[case::flow("network.flow.pod:a/client>b/any:tcp-8080:other-node", true)]
#[case::flow_by_service("network.flow.service:a/client>b/any:tcp-8080:same-node", true)]
#[case::the_same_on_udp_is_forbidden("network.cross-tenant.pod:a/client>b/any:udp-28657:other-node", true)]
#[case::another_role_is_forbidden("network.cross-tenant.pod:a/any>b/any:tcp-8080:same-node", true)]
#[case::back_is_forbidden("network.cross-tenant.pod:b/any>a/client:tcp-28657:same-node", true)]
#[case::inside_a_closed_party("network.internal.closed:b/any>b/any:tcp-28657:other-node", true)]
#[case::inside_an_open_party("network.internal.open:c/any>c/any:tcp-28657:other-node", true)]
#[case::inside_a_party_that_promises_nothing("network.internal.open:a/any>a/client:tcp-28657:other-node", false)]
#[case::a_flow_is_not_forbidden("network.cross-tenant.pod:a/client>b/any:tcp-8080:other-node", false)]
fn a_case_is_planned_or_not(#[case] id: &str, #[case] planned: bool) {
    let plan = the_plan();
    let ids: Vec<&str> = plan.cases.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(ids.contains(&id), planned, "{ids:#?}");
}

#[test]
fn the_same_input_gives_the_same_plan_and_ids_are_unique() {
    let (one, other) = (the_plan(), the_plan());
    assert_eq!(one.cases, other.cases);
    assert_eq!(one.tries, other.tries);
    let ids: BTreeSet<&str> = one.cases.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(ids.len(), one.cases.len(), "every case has an id of its own");
    let keys: BTreeSet<&str> = one.tries.iter().map(|planned| planned.key.as_str()).collect();
    assert_eq!(keys.len(), one.tries.len(), "every try has a key of its own");
}

#[test]
fn every_try_of_every_case_is_planned() {
    let plan = the_plan();
    let keys: BTreeSet<&str> = plan.tries.iter().map(|planned| planned.key.as_str()).collect();
    for case in &plan.cases {
        let tries = case.ask["tries"].as_array().unwrap();
        assert!(!tries.is_empty(), "{} has no try", case.id);
        for key in tries {
            assert!(keys.contains(key.as_str().unwrap()), "{} rests on a try that nobody makes: {key}", case.id);
        }
    }
}

#[test]
fn on_one_node_nothing_is_promised_of_connections_between_nodes() {
    let tenancy = tenancy::read("test", TENANCY.as_bytes()).unwrap();
    let plan = made(&tenancy, &snapshot(), &["n1"], &[]);
    assert!(plan.cases.iter().all(|case| case.id.as_str().ends_with(":same-node")));
}

/// A probe that would disturb something is planned as absent, with the reason.
#[rstest]
#[case::closed_namespace(|_: &mut Snapshot| {}, &[("a", "pods can't be read there")], "a/", "pods can't be read there")]
#[case::publishes_unready(
    |snapshot: &mut Snapshot| snapshot.services.push(object(json!({
        "metadata": {"namespace": "a", "name": "peers"},
        "spec": {"selector": {"role": "client"}, "publishNotReadyAddresses": true},
    }))), &[], "a/client@", "Service a/peers publishes unready addresses"
)]
#[case::budget(
    |snapshot: &mut Snapshot| snapshot.disruption_budgets.push(object(json!({
        "metadata": {"namespace": "a", "name": "pdb"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"role": "client"}}},
    }))), &[], "a/client@", "PodDisruptionBudget a/pdb would count it"
)]
#[case::autoscaler_of_an_unread_workload(
    |snapshot: &mut Snapshot| snapshot.autoscalers.push(object(json!({
        "metadata": {"namespace": "b", "name": "hpa"},
        "spec": {"maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "web"}},
    }))), &[], "b/any@", "whose selector could not be read"
)]
#[case::no_room_for_pods(
    |snapshot: &mut Snapshot| snapshot.quotas.push(object(json!({
        "metadata": {"namespace": "a", "name": "share"},
        "status": {"hard": {"pods": "6"}, "used": {"pods": "2"}},
    }))), &[], "a/", "ResourceQuota a/share has no room: 2 of 6 pods are used, the probes need 4"
)]
#[case::no_room_for_cpu(
    |snapshot: &mut Snapshot| snapshot.quotas.push(object(json!({
        "metadata": {"namespace": "b", "name": "share"},
        "status": {"hard": {"limits.cpu": "1"}, "used": {"limits.cpu": "500m"}},
    }))), &[], "b/", "500m of 1 limits.cpu are used, the probes need 500m"
)]
fn a_guest_that_would_disturb_is_not_made(
    #[case] change: fn(&mut Snapshot),
    #[case] closed: &[(&str, &str)],
    #[case] who: &str,
    #[case] why: &str,
) {
    let tenancy = tenancy::read("test", TENANCY.as_bytes()).unwrap();
    let mut snapshot = snapshot();
    change(&mut snapshot);
    let plan = made(&tenancy, &snapshot, &["n1", "n2"], closed);
    let absent: Vec<&str> = plan.absent.keys().map(crate::plan::ProbeName::as_str).collect();
    assert!(!absent.is_empty() && absent.iter().all(|name| name.starts_with(who)), "{absent:?}");
    assert!(plan.absent.values().all(|(_, reason)| reason.contains(why)), "{:?}", plan.absent.values());
    assert!(names(&plan).iter().all(|name| !name.starts_with(who)), "who is absent is not made");
}

#[rstest]
#[case::another_selector(json!({"selector": {"app": "x"}, "publishNotReadyAddresses": true}))]
#[case::ready_addresses_only(json!({"selector": {"role": "client"}}))]
#[case::without_a_selector(json!({"publishNotReadyAddresses": true}))]
fn a_service_that_does_not_select_the_probe_is_no_obstacle(#[case] spec: Value) {
    let tenancy = tenancy::read("test", TENANCY.as_bytes()).unwrap();
    let mut snapshot = snapshot();
    snapshot.services.push(object(json!({"metadata": {"namespace": "a", "name": "s"}, "spec": spec})));
    assert!(made(&tenancy, &snapshot, &["n1"], &[]).absent.is_empty());
}

#[test]
fn a_policy_that_selects_nothing_is_named_with_the_nearest_label() {
    let tenancy = tenancy::read("test", TENANCY.as_bytes()).unwrap();
    let mut snapshot = snapshot();
    snapshot.network_policies.push(object(json!({
        "metadata": {"namespace": "a", "name": "misspelt"},
        "spec": {"podSelector": {"matchLabels": {"role": "clinet"}}, "policyTypes": ["Ingress"]},
    })));
    let plan = made(&tenancy, &snapshot, &["n1"], &[]);
    let idle: Vec<_> = plan.idle.iter().map(|idle| (idle.name.as_str(), idle.nearest.as_deref())).collect();
    assert_eq!(idle, [("misspelt", Some("role=client"))]);
}

#[test]
fn pods_of_one_role_that_policies_tell_apart_are_two_classes() {
    let tenancy = tenancy::read("test", TENANCY.as_bytes()).unwrap();
    let mut snapshot = snapshot();
    snapshot.network_policies.push(object(json!({
        "metadata": {"namespace": "a", "name": "by-app"},
        "spec": {"podSelector": {"matchLabels": {"app": "x"}}, "policyTypes": ["Ingress"]},
    })));
    let plan = made(&tenancy, &snapshot, &["n1"], &[]);
    let clients: Vec<&str> = names(&plan).into_iter().filter(|name| name.starts_with("a/client~")).collect();
    assert_eq!(clients.len(), 2, "{clients:?}");
}
