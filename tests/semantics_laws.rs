//! The evaluator against a second one that shares nothing with it, on generated worlds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops where it cannot go on")]

mod semantics_worlds;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError};
use semantics_worlds::{Kind, PORTS, World, naive, world};
use tenantproof::model::{Port, Protocol};
use tenantproof::semantics::manifests::{Manifests, SourceFile};
use tenantproof::semantics::network::{Answer, Classes, Endpoint, Fences, Profile};

fn read(world: &World) -> Manifests {
    let bytes = serde_json::to_vec(&world.list()).unwrap();
    Manifests::read([SourceFile { name: "world.json".to_owned(), bytes }]).expect("a generated world is valid")
}

/// Holds every connection of a world to what the naive evaluator says is possible. A known answer must be the only
/// possible one. An unknown one must have both possible answers if `exact`.
fn compare(world: &World, exact: bool) -> Result<(), TestCaseError> {
    let manifests = read(world);
    let fences = Fences::compile(&manifests.snapshot, Profile::Spec);
    let mut classes = Classes::new(&fences);
    let pods: Vec<Endpoint> = manifests.snapshot.pods.iter().map(Endpoint::from_pod).collect();
    let members: Vec<_> = pods.iter().map(|pod| classes.join(pod)).collect();
    let (tcp, http) = (Protocol::Tcp, Port::new(80).unwrap());
    let reach = classes.reach(&members, tcp, http);
    let mut counted = [0; 3];
    for (i, source) in pods.iter().enumerate() {
        for (j, destination) in pods.iter().enumerate() {
            let answer = fences.decide(source, destination, tcp, http).answer;
            prop_assert_eq!(
                reach.answer(i, j),
                answer,
                "the matrix from {} to {}",
                source.display(),
                destination.display()
            );
            counted[answer as usize] += 1;
        }
    }
    let tally = reach.tally();
    prop_assert_eq!([tally.allowed, tally.denied, tally.unknown], counted);
    for (i, source) in pods.iter().enumerate() {
        for (j, destination) in pods.iter().enumerate() {
            for protocol in Protocol::ALL {
                for port in PORTS {
                    let possible = naive::possible(world, &world.pods[i], &world.pods[j], protocol.as_str(), port);
                    let port = Port::new(port).unwrap();
                    let decision = fences.decide(source, destination, protocol, port);
                    let asked = format!(
                        "{} to {} on {protocol} {port}: {} ({}), possible: {possible:?}",
                        source.display(),
                        destination.display(),
                        decision.answer,
                        decision.because()
                    );
                    match decision.answer {
                        Answer::Allowed => prop_assert_eq!(&possible, &BTreeSet::from([true]), "{}", asked),
                        Answer::Denied => prop_assert_eq!(&possible, &BTreeSet::from([false]), "{}", asked),
                        Answer::Unknown => prop_assert!(!exact || possible.len() == 2, "{}", asked),
                    }
                    let by_class = classes.decide(classes.key(members[i], members[j], protocol, port));
                    prop_assert_eq!(&by_class, &decision, "by class and by pod, {}", asked);
                    if decision.answer == Answer::Unknown {
                        prop_assert!(decision.because().contains("(rule "), "{}", asked);
                    }
                }
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(Config { cases: 64, failure_persistence: None, ..Config::default() })]

    #[test]
    fn agrees_where_everything_is_known(world in world(Kind::Plain)) {
        compare(&world, true)?;
    }

    #[test]
    fn never_claims_more_than_is_known(world in world(Kind::Wild)) {
        compare(&world, false)?;
    }

    /// What a prober relies on: between two neighbouring ports of interest the answer does not change.
    #[test]
    fn answers_change_only_at_ports_of_interest(world in world(Kind::Plain)) {
        let manifests = read(&world);
        let fences = Fences::compile(&manifests.snapshot, Profile::Spec);
        let pods: Vec<Endpoint> = manifests.snapshot.pods.iter().map(Endpoint::from_pod).collect();
        for destination in &pods {
            for protocol in Protocol::ALL {
                let interest: BTreeSet<u16> =
                    fences.ports_of_interest(destination, protocol).into_iter().map(Port::get).collect();
                for port in [52_u16, 53, 54, 79, 80, 81, 82, 8079, 8080, 8081, 9089, 9090, 9091] {
                    let (before, after) = (Port::new(port).unwrap(), Port::new(port + 1).unwrap());
                    if interest.contains(&port) || interest.contains(&(port + 1)) {
                        continue;
                    }
                    for source in &pods {
                        prop_assert_eq!(
                            fences.decide(source, destination, protocol, before).answer,
                            fences.decide(source, destination, protocol, after).answer,
                            "{} to {} changes after {}", source.display(), destination.display(), port
                        );
                    }
                }
            }
        }
    }

    /// What a prober relies on: a pod without the labels that no selector reads is the same to every policy.
    #[test]
    fn labels_that_nothing_reads_change_nothing(world in world(Kind::Plain)) {
        let manifests = read(&world);
        let fences = Fences::compile(&manifests.snapshot, Profile::Spec);
        let port = Port::new(80).unwrap();
        let pods: Vec<Endpoint> = manifests.snapshot.pods.iter().map(Endpoint::from_pod).collect();
        for pod in &pods {
            let mut plain = pod.clone();
            let read = fences.pod_label_keys_read(&pod.namespace);
            plain.labels.retain(|key, _| read.contains(key));
            for other in &pods {
                prop_assert_eq!(
                    fences.decide(&plain, other, Protocol::Tcp, port), fences.decide(pod, other, Protocol::Tcp, port)
                );
                prop_assert_eq!(
                    fences.decide(other, &plain, Protocol::Tcp, port), fences.decide(other, pod, Protocol::Tcp, port)
                );
            }
        }
    }
}
