//! A draft of a tenancy from a cluster's labels and policies.

#![cfg(test)]
#![expect(clippy::needless_pass_by_value, reason = "objects are written in place, as `json!`")]

use k8s_openapi::api::core::v1::{Namespace, Pod};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use rstest::rstest;
use serde_json::{Value, json};
use tenantproof::tenancy::{self, InferError, InferOptions, Inferred, PartyKind};

/// The objects of a cluster that `init` reads.
#[derive(Default)]
struct Cluster {
    namespaces: Vec<Namespace>,
    pods: Vec<Pod>,
    policies: Vec<NetworkPolicy>,
}

impl Cluster {
    fn of(objects: impl IntoIterator<Item = Value>) -> Self {
        let mut cluster = Self::default();
        for object in objects {
            match object["kind"].as_str().unwrap() {
                "Namespace" => cluster.namespaces.push(serde_json::from_value(object).unwrap()),
                "Pod" => cluster.pods.push(serde_json::from_value(object).unwrap()),
                "NetworkPolicy" => cluster.policies.push(serde_json::from_value(object).unwrap()),
                // A Deployment's pods, as its controller would make them.
                "Deployment" => {
                    let mut labels = object["spec"]["template"]["metadata"]["labels"].clone();
                    labels["pod-template-hash"] = json!("5d8445fcbb");
                    cluster.pods.push(pod(object["metadata"]["namespace"].as_str().unwrap(), labels));
                }
                _ => {}
            }
        }
        cluster
    }

    fn infer(&self, options: &InferOptions) -> Result<Inferred, InferError> {
        tenancy::infer(&self.namespaces, &self.pods, &self.policies, options)
    }
}

fn pod(namespace: &str, labels: Value) -> Pod {
    serde_json::from_value(json!({"metadata": {"name": "pod", "namespace": namespace, "labels": labels}})).unwrap()
}

fn namespace(name: &str, labels: Value) -> Value {
    json!({"kind": "Namespace", "metadata": {"name": name, "labels": labels}})
}

fn policy(namespace: &str, name: &str, spec: Value) -> Value {
    json!({"kind": "NetworkPolicy", "metadata": {"name": name, "namespace": namespace}, "spec": spec})
}

fn system() -> [Value; 3] {
    ["default", "kube-system", "gatekeeper-system"].map(|name| namespace(name, json!({})))
}

fn story() -> Cluster {
    let text = include_str!("../kind-configs/story/workloads.yaml");
    Cluster::of(serde_saphyr::from_multiple::<Value>(text).unwrap().into_iter().chain(system()))
}

fn options() -> InferOptions {
    InferOptions { name: "story".to_owned(), ..InferOptions::default() }
}

/// What is written, which must be read back.
fn written(inferred: &Inferred) -> String {
    let text = tenancy::render(&inferred.tenancy, &inferred.proposed, &inferred.notes);
    let back = tenancy::read("written.yaml", text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(back, inferred.tenancy);
    text
}

#[test]
fn the_story_is_drawn_up_from_its_cluster() {
    insta::assert_snapshot!(written(&story().infer(&options()).unwrap()));
}

#[test]
fn flows_are_in_force_only_where_that_is_asked_for() {
    let declared = InferOptions { declare_flows: true, ..options() };
    let inferred = story().infer(&declared).unwrap();
    assert_eq!(inferred.tenancy.flows.len(), 1);
    assert!(inferred.proposed.is_empty());
    assert!(inferred.notes.iter().any(|note| note.contains("1 flow was found")), "{:?}", inferred.notes);
    written(&inferred);
    assert!(story().infer(&options()).unwrap().tenancy.flows.is_empty());
}

#[test]
fn the_draft_and_the_sample_agree() {
    let drafted = story().infer(&InferOptions { declare_flows: true, ..options() }).unwrap().tenancy;
    let sample = tenancy::read("tenancy.yaml", include_bytes!("../kind-configs/story/tenancy.yaml")).unwrap();
    for party in &sample.parties {
        let draft = drafted.party(&party.id).unwrap();
        assert_eq!((draft.kind, &draft.tier), (party.kind, &party.tier));
        for role in &party.roles {
            assert!(draft.roles.contains(role), "{role:?}");
        }
    }
    let ends = |tenancy: &tenancy::Tenancy| {
        tenancy.flows.iter().map(|flow| (flow.from.clone(), flow.to.clone(), flow.ports.clone())).collect::<Vec<_>>()
    };
    assert_eq!(ends(&drafted), ends(&sample));
}

#[rstest]
#[case::our_own("tenantproof.dev/tenant")]
#[case::the_plain_word("tenant")]
#[case::capsule("capsule.clastix.io/tenant")]
#[case::flux("toolkit.fluxcd.io/tenant")]
#[case::team("team")]
#[case::rancher("field.cattle.io/projectId")]
fn a_well_known_label_tells_tenants(#[case] label: &str) {
    let cluster = Cluster::of(
        [
            namespace("a-dev", json!({label: "a", "tier": "basic"})),
            namespace("a-prod", json!({label: "a", "tier": "basic"})),
            namespace("b", json!({label: "b"})),
        ]
        .into_iter()
        .chain(system()),
    );
    let tenancy = cluster.infer(&options()).unwrap().tenancy;
    let ids: Vec<_> = tenancy.parties.iter().map(|party| (party.id.as_str(), party.tier.as_deref())).collect();
    assert_eq!(ids, [("a", Some("basic")), ("b", None)]);
    assert_eq!(tenancy.parties[0].namespaces.match_labels.get(label).map(String::as_str), Some("a"));
}

#[test]
fn trees_of_hierarchical_namespaces_tell_tenants() {
    let depth = |root: &str| format!("{root}.tree.hnc.x-k8s.io/depth");
    let cluster = Cluster::of([
        namespace("acme", json!({depth("acme"): "0"})),
        namespace("acme-web", json!({depth("acme"): "1", depth("acme-web"): "0"})),
        namespace("acme-web-1", json!({depth("acme"): "2", depth("acme-web"): "1", depth("acme-web-1"): "0"})),
        namespace("bolt", json!({depth("bolt"): "0"})),
        namespace("kube-system", json!({depth("kube-system"): "0"})),
    ]);
    let tenancy = cluster.infer(&options()).unwrap().tenancy;
    let names: Vec<_> = tenancy.parties.iter().map(|party| (party.id.as_str(), party.namespaces.names.len())).collect();
    assert_eq!(names, [("acme", 3), ("bolt", 1)]);
}

#[test]
fn without_labels_each_namespace_is_a_tenant_and_what_several_use_is_shared() {
    let to_backend = json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [
        {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "backend"}}}], "ports": [{"port": 80}]}
    ]});
    let cluster = Cluster::of(
        ["a", "b", "c", "backend"]
            .map(|name| namespace(name, json!({"kubernetes.io/metadata.name": name})))
            .into_iter()
            .chain([policy("a", "out", to_backend.clone()), policy("b", "out", to_backend)])
            .chain(system()),
    );
    let inferred = cluster.infer(&options()).unwrap();
    let kinds: Vec<_> = inferred.tenancy.parties.iter().map(|party| (party.id.as_str(), party.kind)).collect();
    let (tenant, shared) = (PartyKind::Tenant, PartyKind::Shared);
    assert_eq!(kinds, [("a", tenant), ("b", tenant), ("c", tenant), ("backend", shared)]);
    insta::assert_snapshot!(inferred.notes.join("\n"));
    assert_eq!(inferred.proposed.len(), 2);
}

#[test]
fn what_has_no_label_where_others_have_one_is_fenced_and_said() {
    let cluster = Cluster::of([namespace("a", json!({"tenant": "a"})), namespace("stray", json!({}))]);
    let inferred = cluster.infer(&options()).unwrap();
    assert_eq!(inferred.tenancy.parties[1].kind, PartyKind::Shared);
    assert!(inferred.notes.iter().any(|note| note.contains("namespace `stray` has no label `tenant`")));
}

#[test]
fn a_shared_namespace_with_a_tenants_label_is_not_claimed_twice() {
    let cluster = Cluster::of([
        namespace("a", json!({"tenant": "a"})),
        namespace("a-public", json!({"tenant": "a", "shared": "true"})),
    ]);
    let tenancy = cluster.infer(&options()).unwrap().tenancy;
    assert_eq!(tenancy.parties[0].namespaces.names.len(), 1);
    assert!(tenancy.parties[0].namespaces.match_labels.is_empty());
}

#[test]
fn a_shared_part_named_like_a_tenant_gets_another_id() {
    let cluster = Cluster::of([namespace("x", json!({"tenant": "backend"})), namespace("backend", json!({}))]);
    let inferred = cluster.infer(&options()).unwrap();
    let ids: Vec<_> = inferred.tenancy.parties.iter().map(|party| party.id.as_str()).collect();
    assert_eq!(ids, ["backend", "backend-shared"]);
    written(&inferred);
}

#[rstest]
#[case::everybody(json!({"ports": [{"port": 80}]}), "opens the way from everybody")]
#[case::every_namespace(json!({"from": [{"namespaceSelector": {}}], "ports": [{"port": 80}]}), "selects every namespace")]
#[case::not_plain(
    json!({"from": [{"namespaceSelector": {"matchExpressions": [{"key": "tenant", "operator": "Exists"}]}}]}),
    "selects namespaces by more than plain labels"
)]
#[case::pods_not_plain(
    json!({"from": [{"namespaceSelector": {"matchLabels": {"tenant": "a"}},
        "podSelector": {"matchExpressions": [{"key": "role", "operator": "NotIn", "values": ["x"]}]}}], "ports": [{"port": 80}]}),
    "selects pods by more than plain labels"
)]
#[case::some_namespaces(
    json!({"from": [{"namespaceSelector": {"matchLabels": {"stage": "dev"}}}], "ports": [{"port": 80}]}),
    "selects 1 of the 2 namespaces of `a` only"
)]
#[case::all_ports(json!({"from": [{"namespaceSelector": {"matchLabels": {"tenant": "a"}}}]}), "opens all ports")]
#[case::named_port(
    json!({"from": [{"namespaceSelector": {"matchLabels": {"tenant": "a"}}}], "ports": [{"port": "http"}]}),
    "names the port `http`, not its number"
)]
fn what_cannot_be_written_as_a_flow_is_said(#[case] rule: Value, #[case] why: &str) {
    let cluster = Cluster::of([
        namespace("a-dev", json!({"tenant": "a", "stage": "dev"})),
        namespace("a-prod", json!({"tenant": "a", "stage": "prod"})),
        namespace("b", json!({"tenant": "b"})),
        policy("b", "in", json!({"podSelector": {}, "ingress": [rule]})),
    ]);
    let inferred = cluster.infer(&options()).unwrap();
    assert!(inferred.proposed.is_empty(), "{:?}", inferred.proposed);
    let said = format!("NetworkPolicy b/in, ingress rule 1 {why}");
    assert!(inferred.notes.iter().any(|note| note.starts_with(&said)), "{:?}", inferred.notes);
}

#[test]
fn a_flow_that_only_some_namespaces_of_a_tenant_open_is_not_proposed() {
    let rule = json!({"from": [{"namespaceSelector": {"matchLabels": {"tenant": "b"}}}], "ports": [{"port": 80}]});
    let open = json!({"podSelector": {}, "ingress": [rule]});
    let namespaces = [
        namespace("a-dev", json!({"tenant": "a"})),
        namespace("a-prod", json!({"tenant": "a"})),
        namespace("b", json!({"tenant": "b"})),
    ];
    let one = Cluster::of(namespaces.clone().into_iter().chain([policy("a-dev", "in", open.clone())]));
    let inferred = one.infer(&options()).unwrap();
    assert!(inferred.proposed.is_empty());
    assert!(inferred.notes.iter().any(|note| note.contains("1 of the 2 namespaces of `a` only")));

    let both = [policy("a-dev", "in", open.clone()), policy("a-prod", "in", open)];
    let proposed = Cluster::of(namespaces.into_iter().chain(both)).infer(&options()).unwrap().proposed;
    let [flow] = proposed.as_slice() else { panic!("{proposed:?}") };
    let why = "found in NetworkPolicy a-dev/in, ingress rule 1 and NetworkPolicy a-prod/in, ingress rule 1: confirm it";
    assert_eq!(flow.why.as_deref(), Some(why));
}

#[test]
fn rules_of_a_type_that_the_policy_does_not_have_open_nothing() {
    let spec = json!({"podSelector": {}, "policyTypes": ["Egress"], "ingress": [
        {"from": [{"namespaceSelector": {"matchLabels": {"tenant": "a"}}}], "ports": [{"port": 80}]}
    ]});
    let cluster = Cluster::of([
        namespace("a", json!({"tenant": "a"})),
        namespace("b", json!({"tenant": "b"})),
        policy("b", "in", spec),
    ]);
    let inferred = cluster.infer(&options()).unwrap();
    assert!(inferred.proposed.is_empty());
}

#[test]
fn where_no_policy_reads_labels_pods_say_their_roles() {
    let mut cluster = Cluster::of([namespace("a", json!({"tenant": "a"})), namespace("b", json!({"tenant": "b"}))]);
    cluster.pods = vec![
        pod("a", json!({"app": "web", "pod-template-hash": "1"})),
        pod("a", json!({"app": "db", "pod-template-hash": "2"})),
        pod("b", json!({"app": "web", "role": "api"})),
    ];
    let tenancy = cluster.infer(&options()).unwrap().tenancy;
    let roles = |index: usize| -> Vec<_> {
        tenancy.parties[index].roles.iter().map(|role| (role.name.as_str(), role.labels.len())).collect()
    };
    assert_eq!(roles(0), [("db", 1), ("web", 1)]);
    assert_eq!(roles(1), [("api", 1)]);
}

#[test]
fn a_label_that_nobody_carries_is_an_error_with_the_nearest() {
    let cluster = Cluster::of([namespace("a", json!({"customer": "a"})), namespace("b", json!({"customer": "b"}))]);
    let asked = InferOptions { tenant_label: Some("costumer".to_owned()), ..options() };
    let error = cluster.infer(&asked).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no namespace carries the label `costumer`; did you mean `customer`? Labels that occur: customer"
    );
}

#[test]
fn where_nothing_can_be_told_apart_nothing_is_drawn_up() {
    let error = Cluster::of(system()).infer(&options()).unwrap_err();
    assert!(matches!(error, InferError::NoNamespaces { ref left_out } if left_out.len() == 3), "{error}");
    let error = Cluster::of([namespace("a", json!({}))]).infer(&options()).unwrap_err();
    assert!(matches!(error, InferError::OnlyOneParty { ref party } if party == "a"), "{error}");
}
