//! The evaluator against Cyclonus' matcher, a public oracle of other authors in another language, on at least 20,000
//! generated connections.
//!
//! The oracle is a Go program of this repository's (`tests/oracle-cyclonus`), built once into a cache. Without Go, or
//! without a way to its modules, the test says so and proves nothing; `TENANTPROOF_REQUIRE_ORACLES=1` makes that fail.
//! What Cyclonus is known to get wrong, or is not made for, is written around in [`normalise`], and only there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops where it cannot go on")]

#[path = "support/oracle.rs"]
mod oracle;
mod semantics_worlds;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use semantics_worlds::{Kind, PORTS, World, world};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tenantproof::model::{Port, Protocol};
use tenantproof::semantics::manifests::{Manifests, SourceFile};
use tenantproof::semantics::network::{Answer, Endpoint, Fences, Profile};

const WORLDS: usize = 240;
const CONNECTIONS: usize = 20_000;

/// The value that a label gets which is not there, where Cyclonus' view of missing labels is written around.
const ABSENT: &str = "not-there";

#[test]
fn agrees_with_cyclonus() {
    let Some(oracle) = oracle::oracle("oracle-cyclonus", "agrees_with_cyclonus") else { return };
    let worlds = generate();
    let lines: Vec<String> = worlds.iter().map(|world| question(world).to_string()).collect();
    let verdicts = oracle::ask(&oracle, &lines);
    let (mut compared, mut allowed) = (0, 0);
    for (world, verdicts) in worlds.iter().zip(verdicts) {
        let ours = ours(world);
        assert_eq!(ours.len(), verdicts.len(), "one verdict for each connection");
        for ((asked, answer, because), theirs) in ours.into_iter().zip(verdicts.chars()) {
            let theirs = if theirs == '1' { Answer::Allowed } else { Answer::Denied };
            assert_eq!(
                answer,
                theirs,
                "ours and Cyclonus', {asked}: {because}\n{}",
                serde_json::to_string_pretty(&world.list()).unwrap()
            );
            compared += 1;
            allowed += usize::from(answer == Answer::Allowed);
        }
    }
    assert!(compared >= CONNECTIONS, "only {compared} connections were compared");
    let share = allowed * 100 / compared;
    assert!((15..=85).contains(&share), "{share} % are allowed: the worlds say too little");
    oracle::say(&format!("{compared} connections, {share} % of them allowed: all as Cyclonus has them"));
}

/// The same worlds in every run.
fn generate() -> Vec<World> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, b"tenantproof against cyclonus, v1");
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let worlds = world(Kind::Plain);
    (0..WORLDS).map(|_| worlds.new_tree(&mut runner).expect("a world").current()).collect()
}

/// The connections that are asked about: all, but for those of a pod to itself, of which Cyclonus has no notion.
fn connections(world: &World) -> Vec<(usize, usize, Protocol, u16)> {
    let mut all = Vec::new();
    for source in 0..world.pods.len() {
        for destination in (0..world.pods.len()).filter(|destination| *destination != source) {
            for protocol in Protocol::ALL {
                all.extend(PORTS.map(|port| (source, destination, protocol, port)));
            }
        }
    }
    all
}

fn ours(world: &World) -> Vec<(String, Answer, String)> {
    let bytes = serde_json::to_vec(&world.list()).unwrap();
    let manifests = Manifests::read([SourceFile { name: "world.json".to_owned(), bytes }]).expect("a valid world");
    let fences = Fences::compile(&manifests.snapshot, Profile::Spec);
    let pods: Vec<Endpoint> = manifests.snapshot.pods.iter().map(Endpoint::from_pod).collect();
    let decide = |(source, destination, protocol, port): (usize, usize, Protocol, u16)| {
        let (source, destination) = (&pods[source], &pods[destination]);
        let decision = fences.decide(source, destination, protocol, Port::new(port).unwrap());
        let asked = format!("{} to {} on {protocol} {port}", source.display(), destination.display());
        (asked, decision.answer, decision.because())
    };
    connections(world).into_iter().map(decide).collect()
}

/// A world as the oracle wants it.
fn question(world: &World) -> Value {
    let world = normalise(world);
    let peer = |pod: &Value| {
        let namespace =
            world.namespaces.iter().find(|ns| ns["metadata"]["name"] == pod["metadata"]["namespace"]).unwrap();
        json!({
            "ip": pod["status"]["podIP"],
            "namespace": pod["metadata"]["namespace"],
            "namespaceLabels": namespace["metadata"]["labels"],
            "labels": pod["metadata"]["labels"],
        })
    };
    let connections: Vec<Value> = connections(&world)
        .into_iter()
        .map(|(source, destination, protocol, port)| {
            json!({
                "source": peer(&world.pods[source]), "destination": peer(&world.pods[destination]),
                "protocol": protocol.as_str(), "port": port,
                "portName": port_name(&world.pods[destination], protocol, port),
            })
        })
        .collect();
    json!({"policies": world.policies, "connections": connections})
}

/// The name of a pod's port: Cyclonus leaves it to whoever asks to resolve it.
fn port_name(pod: &Value, protocol: Protocol, port: u16) -> String {
    let sidecars = list(&pod["spec"]["initContainers"]).filter(|container| container["restartPolicy"] == "Always");
    list(&pod["spec"]["containers"])
        .chain(sidecars)
        .flat_map(|container| list(&container["ports"]))
        .find(|p| p["containerPort"] == port && p["protocol"].as_str().unwrap_or("TCP") == protocol.as_str())
        .and_then(|port| port["name"].as_str())
        .unwrap_or_default()
        .to_owned()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Applies the API's defaults, and writes around what Cyclonus 0.5.6 gets wrong: `NotIn` does not match where the
/// label is missing, and `matchLabels: {k: ""}` does. Keys that are used so get a value everywhere, and the
/// selectors that ask whether they exist are put accordingly; all other selectors are left as they are.
fn normalise(world: &World) -> World {
    let mut world = world.clone();
    for namespace in &mut world.namespaces {
        namespace["metadata"]["labels"]["kubernetes.io/metadata.name"] = namespace["metadata"]["name"].clone();
    }
    let mut mishandled = BTreeSet::new();
    for policy in &mut world.policies {
        let spec = &mut policy["spec"];
        if spec["podSelector"].is_null() {
            spec["podSelector"] = json!({});
        }
        if list(&spec["policyTypes"]).next().is_none() {
            let egress = list(&spec["egress"]).next().is_some();
            spec["policyTypes"] = if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
        }
        for direction in ["ingress", "egress"] {
            for port in spec[direction]
                .as_array_mut()
                .into_iter()
                .flatten()
                .flat_map(|rule| rule["ports"].as_array_mut().into_iter().flatten())
            {
                if port["protocol"].is_null() {
                    port["protocol"] = json!("TCP");
                }
            }
        }
        each_selector(spec, &mut |selector| {
            for (key, value) in selector["matchLabels"].as_object().into_iter().flatten() {
                if value == "" {
                    mishandled.insert(key.clone());
                }
            }
            let not_in = list(&selector["matchExpressions"]).filter(|e| e["operator"] == "NotIn");
            mishandled.extend(not_in.map(|e| e["key"].as_str().unwrap().to_owned()));
        });
    }
    for object in world.namespaces.iter_mut().chain(&mut world.pods) {
        for key in &mishandled {
            if object["metadata"]["labels"][key].is_null() {
                object["metadata"]["labels"][key] = json!(ABSENT);
            }
        }
    }
    for policy in &mut world.policies {
        each_selector(&mut policy["spec"], &mut |selector| {
            for expression in selector["matchExpressions"].as_array_mut().into_iter().flatten() {
                if mishandled.contains(expression["key"].as_str().unwrap()) {
                    let operator = match expression["operator"].as_str() {
                        Some("Exists") => "NotIn",
                        Some("DoesNotExist") => "In",
                        _ => continue,
                    };
                    *expression = json!({"key": expression["key"], "operator": operator, "values": [ABSENT]});
                }
            }
        });
    }
    world
}

fn each_selector(spec: &mut Value, with: &mut impl FnMut(&mut Value)) {
    with(&mut spec["podSelector"]);
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        for rule in spec[direction].as_array_mut().into_iter().flatten() {
            for peer in rule[peers].as_array_mut().into_iter().flatten() {
                for key in ["podSelector", "namespaceSelector"] {
                    if peer[key].is_object() {
                        with(&mut peer[key]);
                    }
                }
            }
        }
    }
}
