//! What breaks under a run: the API server goes away and comes back, a node goes away for good, a probe is killed.
//!
//! These tests break a lab that nobody else may be using meanwhile: `TENANTPROOF_LAB_DESTRUCTIBLE` names
//! its context. They don't depend on the CNI. Nodes of kind are containers of the same name.

mod webhook;

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};
use tenantproof::cluster::RUN_LABEL;
use tenantproof::model::{CaseId, Verdict};
use tenantproof::run::{RunRecord, RunStatus};

use super::support::{Lab, Live, Story, eventually, expect_nothing_left, lab_to_break};

/// So many attempts that a run tries connections for some seconds, and can be disturbed meanwhile.
const LONG: [&str; 2] = ["--attempts", "20"];

/// One test at a time breaks the lab.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn docker(arguments: &[&str]) {
    let output = Command::new("docker").args(arguments).output().unwrap();
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The nodes on which API servers run.
fn planes(lab: &Lab) -> Vec<String> {
    let nodes: Api<Node> = Api::all(lab.client.clone());
    let planes = ListParams::default().labels("node-role.kubernetes.io/control-plane");
    lab.wait(nodes.list(&planes)).unwrap().iter().map(Node::name_any).collect()
}

fn kill_the_api_server(lab: &Lab) {
    for node in planes(lab) {
        docker(&["exec", &node, "pkill", "-KILL", "kube-apiserver"]);
    }
}

fn verdicts(record: &RunRecord) -> BTreeMap<CaseId, Verdict> {
    record.results.iter().map(|result| (result.case.id.clone(), result.judgement.verdict)).collect()
}

#[test]
fn an_api_server_that_restarts_costs_time_and_no_truth() {
    let _alone = alone();
    let Some(lab) = lab_to_break() else { return };
    let story = Story::new(&lab, "restart");
    let calm = lab.run(&story.tenancy()).end().expect_code(0);
    for moment in ["network: start the probes", "network: observe"] {
        let mut live = Live::start(lab.run(&story.tenancy()).with(&LONG));
        live.until_it_says(moment);
        kill_the_api_server(&lab);
        let ended = live.end_within(Duration::from_secs(240)).expect_code(0);
        assert_eq!(verdicts(ended.record()), verdicts(calm.record()), "killed at: {moment}\n{}", ended.text);
        expect_nothing_left(&lab, &story.namespaces(), &[&ended]);
    }
}

/// A node whose processes all stand still: to the others it has gone away.
struct Paused(String);

impl Paused {
    fn new(node: &str) -> Self {
        docker(&["pause", node]);
        Self(node.to_owned())
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["unpause", &self.0]).output();
    }
}

fn is_ready(lab: &Lab, node: &str) -> bool {
    let nodes: Api<Node> = Api::all(lab.client.clone());
    let node = lab.wait(nodes.get(node)).unwrap();
    let conditions = node.status.and_then(|status| status.conditions).unwrap_or_default();
    let tainted = node.spec.and_then(|spec| spec.taints).unwrap_or_default();
    tainted.is_empty() && conditions.iter().any(|one| one.type_ == "Ready" && one.status == "True")
}

#[test]
fn a_node_that_goes_away_makes_its_cases_inconclusive_and_no_others() {
    let _alone = alone();
    let Some(lab) = lab_to_break() else { return };
    let story = Story::new(&lab, "node");
    let mut live = Live::start(lab.run(&story.tenancy()).with(&LONG));
    live.until_it_says("network: observe");
    let nodes: Api<Node> = Api::all(lab.client.clone());
    let mut workers: Vec<String> =
        lab.wait(nodes.list(&ListParams::default())).unwrap().iter().map(Node::name_any).collect();
    workers.sort();
    // Services lead to the first of the nodes that have probes: what is tried there is judged.
    let node = workers.last().unwrap();
    let paused = Paused::new(node);
    let ended = live.end_within(Duration::from_secs(150)).expect_code(3);
    let record = ended.record();
    assert_eq!(record.status, RunStatus::Finished, "{}", ended.text);
    assert!(
        record.cluster.nodes.iter().any(|one| one.name.as_str() == node && one.probed),
        "{node} should have probes"
    );
    let (there, elsewhere): (Vec<_>, Vec<_>) =
        record.results.iter().partition(|result| result.evidence.iter().any(|key| key.contains(&format!("@{node} "))));
    for result in &there {
        let verdict = result.judgement.verdict;
        assert!(
            matches!(verdict, Verdict::Inconclusive | Verdict::Skipped),
            "{} goes by {node} and should not be {verdict:?}: {}",
            result.case.id,
            result.judgement.reason
        );
    }
    assert!(
        there.iter().any(|result| result.judgement.reason.contains(node)),
        "{node} should be named:\n{}",
        ended.text
    );
    assert!(elsewhere.iter().all(|result| result.judgement.verdict != Verdict::Fail), "{}", ended.text);
    assert!(elsewhere.iter().any(|result| result.judgement.verdict == Verdict::Pass), "{}", ended.text);
    let remains = record.warnings.iter().filter(|warning| warning.message.starts_with("left behind: pod"));
    assert!(remains.clone().count() > 0, "what could not be removed should be named:\n{}", ended.text);
    assert!(remains.clone().all(|warning| warning.message.contains(node)), "only {node} keeps pods:\n{}", ended.text);

    drop(paused);
    eventually(&format!("{node}, back again"), Duration::from_secs(90), || is_ready(&lab, node));
    let next = lab.run(&story.tenancy()).end().expect_code(0);
    expect_nothing_left(&lab, &story.namespaces(), &[&ended, &next]);
}

/// Kills the process whose environment names this probe: nothing else of its pod shows its name.
const KILL: &str = r#"for e in /proc/[0-9]*/environ; do
  if tr '\0' '\n' < "$e" 2>/dev/null | grep -qx "TENANTPROOF_PROBE_NAME=$0"; then
    pid="${e#/proc/}"; kill -KILL "${pid%/environ}"; exit
  fi
done; exit 1"#;

#[test]
fn a_probe_whose_process_is_killed_proves_nothing_and_hurts_nobody() {
    let _alone = alone();
    let Some(lab) = lab_to_break() else { return };
    let story = Story::new(&lab, "process");
    let mut live = Live::start(lab.run(&story.tenancy()).with(&LONG));
    live.until_it_says("network: observe");
    let pods: Api<Pod> = Api::namespaced(lab.client.clone(), &story.b);
    let probe = lab.wait(pods.list(&ListParams::default().labels(RUN_LABEL))).unwrap().items.remove(0);
    let node = probe.spec.clone().unwrap().node_name.unwrap();
    docker(&["exec", &node, "sh", "-c", KILL, &probe.name_any()]);
    let ended = live.end_within(Duration::from_secs(60)).expect_code(3);
    let record = ended.record();
    assert_eq!(record.status, RunStatus::Finished, "{}", ended.text);
    assert_eq!(record.counts.fail, 0, "a dead probe is no broken promise: {}", ended.text);
    let place = format!("{}/", story.b);
    for result in record.results.iter().filter(|one| one.judgement.verdict == Verdict::Inconclusive) {
        assert!(result.case.id.as_str().contains(&place), "{} has nothing to do with it", result.case.id);
    }
    assert!(record.counts.inconclusive > 0 && record.counts.pass > 0, "{}", ended.text);
    expect_nothing_left(&lab, &story.namespaces(), &[&ended]);
}
