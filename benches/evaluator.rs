//! How fast the evaluator is: every pair of 10,000 pods under 1,000 policies, and questions a second.
//!
//! `cargo bench --bench evaluator` makes a cluster of 100 namespaces, each with 100 pods and 10 policies (isolation in
//! both directions, peers by pod and namespace labels, expressions, blocks with exceptions, ranges and named ports),
//! and takes the times of:
//! 1. compiling the policies,
//! 2. placing all 10,000 pods into classes, which tells of each whether and by what it is isolated,
//! 3. answering all 10,000 × 10,000 pairs on TCP 8080, counted,
//! 4. decisions by name of policy and rule, one by one without any cache,
//! 5. `ask network` from end to end: 1,000,000 lines of JSON in, as many out, manifests read from a folder.
//!
//! It fails if 1 to 3 take 2 s or more, or 5 answers fewer than 100,000 questions a second.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a bench prints, and stops where it cannot go on")]

use std::io::BufReader;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{Namespace, Pod};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use serde_json::{Value, json};
use tenantproof::cli::ask;
use tenantproof::model::{Port, Protocol};
use tenantproof::semantics::Snapshot;
use tenantproof::semantics::network::{Answer, Classes, Endpoint, Fences, Profile};

const NAMESPACES: usize = 100;
const PODS: usize = 100;
const POLICIES: usize = 10;
const QUESTIONS: usize = 1_000_000;

fn main() {
    let world = world();
    let snapshot = snapshot(&world);
    let (pods, policies) = (snapshot.pods.len(), snapshot.network_policies.len());

    let (fences, compile) = timed(|| Fences::compile(&snapshot, Profile::Spec));
    let mut classes = Classes::new(&fences);
    let (members, place) = timed(|| {
        let endpoints = snapshot.pods.iter().map(Endpoint::from_pod);
        endpoints.map(|endpoint| classes.join(&endpoint)).collect::<Vec<_>>()
    });
    let port = Port::new(8080).expect("a port");
    let (tally, pairs) = timed(|| classes.reach(&members, Protocol::Tcp, port).tally());
    assert_eq!(tally.total(), (pods * pods) as u64);
    let total = compile + place + pairs;
    println!("{pods} pods, {policies} policies, {} classes", classes.len());
    println!("  compile {compile:.1?}, place all pods {place:.1?}, all {} pairs {pairs:.1?}", tally.total());
    println!("  {} allowed, {} denied, {} unknown", tally.allowed, tally.denied, tally.unknown);
    println!("  together {total:.2?}");

    let standings: Vec<_> = snapshot.pods.iter().map(|pod| fences.place(&Endpoint::from_pod(pod))).collect();
    let (allowed, decide) = timed(|| {
        let ask = |n: usize| {
            let (a, b) = (n * 7919 % standings.len(), n * 104_729 % standings.len());
            fences.decide_between(&standings[a], &standings[b], Protocol::Tcp, port).answer == Answer::Allowed
        };
        (0..QUESTIONS).filter(|n| ask(*n)).count()
    });
    println!(
        "  {QUESTIONS} single decisions {decide:.2?} ({allowed} allowed), {:.0} a second",
        rate(QUESTIONS, decide)
    );

    let folder = tempfile::tempdir().expect("a folder");
    let list = json!({"apiVersion": "v1", "kind": "List", "items": world});
    std::fs::write(folder.path().join("cluster.json"), list.to_string()).expect("a file");
    let questions = questions(&snapshot);
    let mut answers = Vec::with_capacity(QUESTIONS * 512);
    let (read, load) = timed(|| ask::network(folder.path(), BufReader::new(&b""[..]), Vec::new()));
    read.expect("manifests that can be read");
    let (summary, asked) = timed(|| ask::network(folder.path(), BufReader::new(questions.as_bytes()), &mut answers));
    let summary = summary.expect("answers");
    assert_eq!((summary.asked, summary.errors), (QUESTIONS, 0));
    println!(
        "  ask network: manifests {load:.2?}, then {QUESTIONS} questions {:.2?}, {:.0} a second",
        asked.saturating_sub(load),
        rate(QUESTIONS, asked.saturating_sub(load))
    );
    println!("  from end to end {asked:.2?}, {:.0} a second", rate(QUESTIONS, asked));
    let documents: Vec<String> =
        world.iter().map(|object| serde_saphyr::to_string(object).expect("an object as YAML")).collect();
    let yaml = documents.join("---\n");
    std::fs::remove_file(folder.path().join("cluster.json")).expect("a file");
    std::fs::write(folder.path().join("cluster.yaml"), &yaml).expect("a file");
    let (read, load) = timed(|| ask::network(folder.path(), BufReader::new(&b""[..]), Vec::new()));
    read.expect("manifests that can be read");
    println!("  the same manifests as YAML, {} kB: {load:.2?}", yaml.len() / 1000);
    assert!(total < Duration::from_secs(2), "10,000 pods under 1,000 policies took {total:?}");
    assert!(rate(QUESTIONS, asked) > 100_000.0, "fewer than 100,000 questions a second");
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

fn questions(snapshot: &Snapshot) -> String {
    let name = |n: usize| Endpoint::from_pod(&snapshot.pods[n % snapshot.pods.len()]).display();
    let names: Vec<String> = (0..snapshot.pods.len()).map(name).collect();
    let mut lines = String::new();
    for n in 0..QUESTIONS {
        let (source, destination) = (&names[n * 7919 % names.len()], &names[n * 104_729 % names.len()]);
        let (protocol, port) = [("TCP", 8080), ("TCP", 443), ("UDP", 53), ("TCP", 9090)][n % 4];
        let line = format!(
            "{{\"src\": \"{source}\", \"dst\": \"{destination}\", \"protocol\": \"{protocol}\", \"port\": {port}}}\n"
        );
        lines.push_str(&line);
    }
    lines
}

fn snapshot(world: &[Value]) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for object in world {
        match object["kind"].as_str() {
            Some("Namespace") => snapshot.namespaces.push(read::<Namespace>(object)),
            Some("Pod") => snapshot.pods.push(read::<Pod>(object)),
            _ => snapshot.network_policies.push(read::<NetworkPolicy>(object)),
        }
    }
    snapshot
}

fn read<T: serde::de::DeserializeOwned>(object: &Value) -> T {
    serde_json::from_value(object.clone()).expect("an object of its kind")
}

/// Tenants of three tiers; each has ten roles of ten pods, every pod an address of its own.
fn world() -> Vec<Value> {
    let mut world = Vec::new();
    for ns in 0..NAMESPACES {
        let namespace = format!("tenant-{ns}");
        let tier = ["basic", "advanced", "premium"][ns % 3];
        world.push(json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": namespace, "labels": {"tenant": namespace, "tier": tier}},
        }));
        for pod in 0..PODS {
            let track = ["stable", "canary"][pod % 2];
            let address = format!("10.{}.{}.{}", ns / 2, ns % 2 * 128 + pod / 250, pod % 250 + 1);
            world.push(json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {
                    "name": format!("role-{}-{pod}", pod / 10), "namespace": namespace,
                    "labels": {"role": format!("role-{}", pod / 10), "track": track, "pod": format!("{pod}")},
                },
                "spec": {
                    "nodeName": format!("node-{}", pod % 50),
                    "containers": [{"name": "c", "ports": [{"name": "web", "containerPort": 8080 + pod % 2}]}],
                },
                "status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]},
            }));
        }
        for policy in 0..POLICIES {
            world.push(json!({
                "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                "metadata": {"name": format!("fence-{policy}"), "namespace": namespace}, "spec": spec(ns, policy),
            }));
        }
    }
    world
}

fn spec(ns: usize, policy: usize) -> Value {
    let neighbour = format!("tenant-{}", (ns + policy) % NAMESPACES);
    match policy {
        0 => json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}),
        1 => {
            json!({"podSelector": {}, "egress": [{"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53}]}], "policyTypes": ["Egress"]})
        }
        2 => {
            json!({"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}], "egress": [{"to": [{"podSelector": {}}]}]})
        }
        3 => json!({
            "podSelector": {"matchLabels": {"role": "role-1"}},
            "ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"tier": "premium"}}, "podSelector": {"matchExpressions": [{"key": "role", "operator": "In", "values": ["role-2", "role-3"]}]}}], "ports": [{"port": "web"}]}],
        }),
        4 => json!({
            "podSelector": {"matchExpressions": [{"key": "track", "operator": "NotIn", "values": ["canary"]}]},
            "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": [format!("10.{}.0.0/16", ns / 2)]}}], "ports": [{"port": 8000, "endPort": 8100}]}],
            "policyTypes": ["Egress"],
        }),
        5 => json!({
            "podSelector": {"matchLabels": {"role": "role-5"}},
            "ingress": [{"from": [{"namespaceSelector": {"matchExpressions": [{"key": "tier", "operator": "Exists"}]}}], "ports": [{"port": 9090, "protocol": "TCP"}]}],
        }),
        _ => json!({
            "podSelector": {"matchLabels": {"role": format!("role-{policy}")}},
            "ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": neighbour}}}], "ports": [{"port": 8080}]}],
            "egress": [{"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": neighbour}}}]}],
        }),
    }
}
