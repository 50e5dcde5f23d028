//! Whatever becomes of a run: it cleans up, or the next one does; it says how it ended; and it never
//! claims what it has not seen.
//!
//! None of this depends on the CNI, so each test runs on one lab only.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use tenantproof::cluster::LOCK_NAME;
use tenantproof::run::{Phase, RunRecord, RunStatus};

use super::support::{Ended, Live, Story, expect_nothing_left, first_lab, leftovers, until_there_are_probes};

/// So many attempts that a run tries connections for some seconds, and can be disturbed meanwhile.
const LONG: [&str; 2] = ["--attempts", "20"];
/// What a run says when it begins to try.
const TRYING: &str = "network: observe";

/// How long a phase took.
fn seconds_of(record: &RunRecord, phase: Phase) -> f64 {
    record.phases.iter().find(|one| one.phase == phase).map_or(0.0, |one| one.seconds)
}

/// Asserts that every report of an ended run says that it is not finished, and that none is green.
fn expect_unfinished(ended: &Ended, status: RunStatus, word: &str) {
    let record = ended.record();
    assert_eq!(record.status, status, "run.json should say how the run ended:\n{}", ended.text);
    assert!(record.planned > 0, "run.json should say how many cases were planned");
    assert_eq!(record.unjudged.len() + record.results.len(), record.planned, "no planned case may be lost");
    let junit = ended.report("junit.xml");
    assert!(junit.contains("the run finished"), "junit.xml should have a case for the run itself:\n{junit}");
    assert!(junit.contains("<error"), "junit.xml should not be green:\n{junit}");
    let summary = ended.report("summary.md");
    assert!(summary.contains(word), "summary.md should say {word}:\n{summary}");
}

#[test]
fn ctrl_c_cleans_up_whenever_it_comes() {
    if let Some(lab) = first_lab() {
        let story = Story::new(&lab, "ctrlc");
        let mut interrupted = Vec::new();
        for moment in ["the probes start", "connections are tried"] {
            let mut live = Live::start(lab.run(&story.tenancy()).with(&LONG));
            if moment == "the probes start" {
                until_there_are_probes(&lab, &story.b);
            } else {
                live.until_it_says(TRYING);
            }
            live.signal("INT");
            let ended = live.end_within(Duration::from_secs(20)).expect_code(3);
            expect_unfinished(&ended, RunStatus::Interrupted, "INTERRUPTED");
            assert!(ended.text.contains("interrupted: removing what was made"), "{moment}:\n{}", ended.text);
            expect_nothing_left(&lab, &story.namespaces(), &[&ended]);
            interrupted.push(ended);
        }
        let ids: Vec<_> = interrupted.iter().map(|ended| ended.record().run.id.clone()).collect();
        assert_ne!(ids[0], ids[1], "each run should have an id of its own");
    }
}

#[test]
fn what_a_killed_run_left_is_removed_by_the_next() {
    if let Some(lab) = first_lab() {
        let story = Story::new(&lab, "killed");
        let mut live = Live::start(lab.run(&story.tenancy()).with(&LONG));
        live.until_it_says(TRYING);
        live.signal("KILL");
        let killed = live.end_within(Duration::from_secs(5));
        assert_eq!(killed.code, -1, "a killed run has no exit code");
        expect_unfinished(&killed, RunStatus::Unfinished, "UNFINISHED");
        assert!(killed.record().results.is_empty(), "nothing was judged before the end");
        let left = leftovers(&lab, &story.namespaces(), &[&killed]);
        for kind in ["Pod", "Service", "Lease", "PriorityClass"] {
            assert!(left.iter().any(|one| one.starts_with(kind)), "a killed run leaves a {kind}; there is {left:#?}");
        }

        let next = lab.run(&story.tenancy()).end().expect_code(0);
        let dead = killed.record().run.id.as_str();
        let told = next.record().warnings.iter().filter(|warning| warning.message.contains(dead)).count();
        let claim = seconds_of(next.record(), Phase::Claim);
        assert!(claim < 40.0, "15 s show that a run is dead, not 15 s in each namespace; it took {claim} s");
        assert_eq!(told, 1, "the next run should say once that it removed {dead}:\n{}", next.text);
        expect_nothing_left(&lab, &story.namespaces(), &[&killed, &next]);
    }
}

#[test]
fn two_runs_at_once_do_not_collide() {
    if let Some(lab) = first_lab() {
        let (story, elsewhere) = (Story::new(&lab, "twice"), Story::new(&lab, "elsewhere"));
        let mut first = Live::start(lab.run(&story.tenancy()).with(&LONG));
        first.until_it_says("network: start the probes");
        let second = Live::start(lab.run(&story.tenancy()));
        let other = Live::start(lab.run(&elsewhere.tenancy()));
        let hasty = lab.run(&story.tenancy()).with(&["--wait-for-claim", "1"]).end().expect_code(3);
        let (first, second, other) = (first.end(), second.end(), other.end());
        let (first, second, other) = (first.expect_code(0), second.expect_code(0), other.expect_code(0));

        let holder = first.record().run.id.as_str();
        assert!(hasty.text.contains(holder), "who will not wait should be told of {holder}:\n{}", hasty.text);
        expect_unfinished(&hasty, RunStatus::Aborted, "ABORTED");
        // Times are in whole seconds.
        assert!(claimed(&second) > finished(&first) - 1.0, "the second should wait for the first:\n{}", second.text);
        assert!(claimed(&other) < finished(&first), "a run elsewhere should not wait:\n{}", other.text);
        let all = [story.namespaces(), elsewhere.namespaces()].concat();
        expect_nothing_left(&lab, &all, &[&first, &second, &other, &hasty]);
    }
}

/// Seconds of the Unix epoch at which a run had its namespaces.
fn claimed(ended: &Ended) -> f64 {
    let record = ended.record();
    let since = seconds_of(record, Phase::Plan) + seconds_of(record, Phase::Claim);
    f64::from(i32::try_from(epoch(&record.run.started) - EPOCH).unwrap()) + since
}

/// Seconds of the Unix epoch at which a run had given everything back.
fn finished(ended: &Ended) -> f64 {
    f64::from(i32::try_from(epoch(ended.record().finished.as_deref().unwrap()) - EPOCH).unwrap())
}

/// Some second of the past, so that times are small numbers.
const EPOCH: i64 = 1_700_000_000;

fn epoch(time: &str) -> i64 {
    time.parse::<jiff::Timestamp>().unwrap().as_second()
}

#[test]
fn a_run_that_loses_its_claim_stops_and_says_so() {
    if let Some(lab) = first_lab() {
        let story = Story::new(&lab, "unclaimed");
        let mut live = Live::start(lab.run(&story.tenancy()).with(&LONG));
        live.until_it_says(TRYING);
        let leases: Api<Lease> = Api::namespaced(lab.client.clone(), &story.a);
        lab.wait(leases.delete(LOCK_NAME, &kube::api::DeleteParams::default())).unwrap();
        let ended = live.end_within(Duration::from_secs(40)).expect_code(3);
        expect_unfinished(&ended, RunStatus::Aborted, "ABORTED");
        let said = &ended.record().warnings;
        let why = said.iter().find(|warning| warning.message.contains("the claim on namespace"));
        let why = why.unwrap_or_else(|| panic!("the run should say why it stopped: {said:#?}"));
        assert!(why.message.contains(&story.a) && why.message.contains("deleted"), "{}", why.message);
        expect_nothing_left(&lab, &story.namespaces(), &[&ended]);
    }
}
