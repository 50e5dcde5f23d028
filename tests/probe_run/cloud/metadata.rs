//! Instance metadata: what a pod gets of its node.

use std::time::Duration;

use serde_json::json;
use tenantproof::probe::wire::cloud::{NetworkFault, Provider, SourceOutcome, Step};

use super::scene::{KEY_ID, METADATA, Scene, credentials};
use super::sources::{one, plain};
use super::stand_in::{Answer, Seen, StandIn};
use crate::harness::free_port;

/// Instance metadata of version 2, or of both.
fn metadata(is_open: bool) -> StandIn {
    StandIn::start(move |seen: &Seen| {
        let session = seen.header("x-aws-ec2-metadata-token");
        match (seen.method.as_str(), seen.path()) {
            ("PUT", "/latest/api/token") if seen.header("x-aws-ec2-metadata-token-ttl-seconds").is_some() => {
                plain(200, METADATA)
            }
            _ if session != Some(METADATA) && !(is_open && session.is_none()) => plain(401, ""),
            (_, "/latest/meta-data/") => plain(200, "ami-id\niam/"),
            (_, "/latest/meta-data/iam/security-credentials/") => plain(200, "lab-node-role"),
            (_, "/latest/meta-data/iam/security-credentials/lab-node-role") => credentials(KEY_ID),
            _ => plain(404, ""),
        }
    })
}

fn asked_for_keys(server: &StandIn) -> bool {
    server.seen().iter().any(|seen| seen.path().ends_with("lab-node-role"))
}

#[test]
fn of_the_node_only_the_roles_name_is_fetched() {
    let server = metadata(false);
    let scene = Scene::new(&[]);
    let told = one(&scene, json!({"instance": {"url": server.url()}}));
    assert_eq!((told.provider, &told.outcome), (Some(Provider::Instance), &SourceOutcome::Named));
    assert_eq!((told.role.as_deref(), told.key), (Some("lab-node-role"), None));
    let steps: Vec<_> = told.exchanges.iter().map(|exchange| (exchange.step, exchange.status)).collect();
    let expected =
        [(Step::MetadataToken, Some(200)), (Step::MetadataVersion1, Some(401)), (Step::MetadataRole, Some(200))];
    assert_eq!(steps, expected);
    assert!(!asked_for_keys(&server));
}

#[test]
fn its_keys_are_fetched_where_the_order_says_so_and_where_an_sdk_would() {
    let server = metadata(false);
    let told = one(&Scene::new(&[]), json!({"instance": {"url": server.url(), "keys": true}}));
    assert_eq!((told.outcome, told.role.as_deref()), (SourceOutcome::Given, Some("lab-node-role")));
    assert!(asked_for_keys(&server));

    // A pod that no webhook touched falls back to the node.
    let server = metadata(false);
    let told = one(&Scene::new(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &server.url())]), json!("chain"));
    assert_eq!((told.provider, told.outcome), (Some(Provider::Instance), SourceOutcome::Given));
    assert_eq!(told.key.expect("a key").kind, "ASIA");
}

#[test]
fn version_1_is_found_open() {
    let server = metadata(true);
    let told = one(&Scene::new(&[]), json!({"instance": {"url": server.url()}}));
    let version1 =
        told.exchanges.iter().find(|exchange| exchange.step == Step::MetadataVersion1).expect("it was tried");
    assert_eq!((version1.status, told.outcome), (Some(200), SourceOutcome::Named));
}

#[test]
fn metadata_that_is_not_there_or_gives_no_role_is_told() {
    let dead = format!("http://127.0.0.1:{}", free_port());
    let told = one(&Scene::new(&[]), json!({"instance": {"url": dead}}));
    assert_eq!(told.outcome, SourceOutcome::Network(NetworkFault::Refused));
    let empty = StandIn::start(|seen| if seen.method == "PUT" { plain(200, METADATA) } else { plain(404, "") });
    let told = one(&Scene::new(&[]), json!({"instance": {"url": empty.url()}}));
    assert_eq!(told.outcome, SourceOutcome::NoRole);
    let blocked = StandIn::start(|_| Answer::Silence(Duration::from_secs(3)));
    let told = one(&Scene::new(&[]), json!({"instance": {"url": blocked.url()}}));
    assert_eq!(told.outcome, SourceOutcome::Network(NetworkFault::Timeout), "what a hop limit of 1 looks like");
    let told = one(&Scene::new(&[]), json!({"instance": {"url": "http://10.0.0.1/"}}));
    assert_eq!(told.outcome, SourceOutcome::NotAccepted);
}
