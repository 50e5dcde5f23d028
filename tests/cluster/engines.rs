//! Engines differ in how they deny, and some enforce nothing: the first must not matter to a verdict,
//! the second must be found.

use std::collections::{BTreeMap, BTreeSet};

use super::support::{Ended, Lab, Sample, Story, first_lab, lab_without_enforcement, labs, skipped};
use tenantproof::families::Stance;
use tenantproof::model::Verdict;
use tenantproof::suite::Access;

/// Each case with its verdict.
fn verdicts(ended: &Ended) -> BTreeMap<String, Verdict> {
    ended.record().results.iter().map(|one| (one.case.id.to_string(), one.judgement.verdict)).collect()
}

/// Denied cases are seen denied in the engine's own way: Cilium never answers. kube-router does by
/// ICMP, of which the kernel sends a target only a few a second, so that it may be silent as well.
fn assert_denied_its_own_way(lab: &Lab, ended: &Ended) {
    let results = ended.record().results.iter();
    let denied: Vec<&str> = results
        .filter(|one| one.case.expect == Access::Denied && one.judgement.observed.stance == Stance::Denied)
        .map(|one| one.judgement.observed.because.as_str())
        .collect();
    let refused = denied.iter().filter(|seen| seen.contains("refused")).count();
    let silent = denied.iter().filter(|seen| seen.contains("timeout")).count();
    let counts = format!("{}: {refused} refused, {silent} silent, of {} cases", lab.context, denied.len());
    eprintln!("{counts}");
    match ended.record().cluster.cni.as_str() {
        "cilium" => assert!(refused == 0 && silent == denied.len(), "Cilium should drop silently; {counts}"),
        "kube-router" => assert!(refused > 0, "kube-router should refuse; {counts}"),
        cni => panic!("how {cni} denies is not known"),
    }
}

#[test]
fn one_tenancy_has_the_same_verdicts_whether_the_engine_refuses_or_drops() {
    let labs = labs();
    if labs.is_empty() {
        return;
    }
    if labs.len() < 2 {
        skipped("to compare engines TENANTPROOF_LABS must name two labs; `make test` brings them up");
        return;
    }
    let mut of_story = Vec::new();
    let mut of_sample = Vec::new();
    for lab in &labs {
        // Of the same names on every lab, so that the cases have the same ids.
        let story = Story::new(lab, "parity");
        let ended = lab.run(&story.tenancy()).end().expect_code(0);
        assert_denied_its_own_way(lab, &ended);
        of_story.push((ended.record().cluster.cni.clone(), verdicts(&ended)));
        drop(story);

        let sample = Sample::new(lab, "parity");
        let ended = lab.run(&sample.tenancy).end().expect_code(0);
        assert_denied_its_own_way(lab, &ended);
        of_sample.push((ended.record().cluster.cni.clone(), verdicts(&ended)));
    }
    for of_all in [of_story, of_sample] {
        let engines: BTreeSet<&str> = of_all.iter().map(|(cni, _)| cni.as_str()).collect();
        assert_eq!(engines.len(), of_all.len(), "the labs should run different engines: {engines:?}");
        let (first, verdicts) = &of_all[0];
        assert!(!verdicts.is_empty());
        for (other, others) in &of_all[1..] {
            assert_eq!(verdicts, others, "{first} and {other} should give every case the same verdict");
        }
    }
}

#[test]
fn a_cni_that_enforces_nothing_is_found_between_all_tenants() {
    let Some(lab) = lab_without_enforcement() else { return };
    let story = Story::new(&lab, "unenforced");
    let ended = lab.run(&story.tenancy()).end().expect_code(1);
    let record = ended.record();

    let pairs = [("a", "b"), ("a", "shared"), ("b", "a"), ("b", "shared"), ("shared", "a"), ("shared", "b")];
    let accused: BTreeSet<_> = record.findings.iter().map(|one| (one.from.as_str(), one.to.as_str())).collect();
    assert_eq!(accused, BTreeSet::from(pairs), "every pair of tenants should be found:\n{}", ended.text);
    for finding in &record.findings {
        assert_eq!((finding.verdict, finding.kind.as_str()), (Verdict::Fail, "not-enforced"), "{finding:#?}");
        let namespace = match finding.to.as_str() {
            "a" => &story.a,
            "b" => &story.b,
            _ => &story.shared,
        };
        let fence = format!("{namespace}/fence");
        assert!(finding.cause.contains("the CNI lets it pass"), "the CNI should be blamed: {}", finding.cause);
        assert!(finding.cause.contains(&fence), "the cause should name {fence}: {}", finding.cause);
    }
    for one in &record.results {
        let wanted = match one.case.expect {
            Access::Denied => Verdict::Fail,
            Access::Allowed => Verdict::Pass,
        };
        // A Service that the policies let nobody use is not tried; SCTP may be unknown to the kernel.
        if one.judgement.verdict != Verdict::Skipped {
            assert_eq!(one.judgement.verdict, wanted, "{}: {}", one.case.id, one.judgement.reason);
        }
    }
}

#[test]
fn what_is_asked_for_alone_is_judged_alone_and_the_record_says_so() {
    if let Some(lab) = first_lab() {
        let story = Story::new(&lab, "selected");
        let asked = ["--check", "network.cross-tenant.*", "--tenant", "b"];
        let ended = lab.run(&story.tenancy()).with(&asked).end().expect_code(0);
        let record = ended.record();
        assert!(!record.results.is_empty());
        for result in &record.results {
            let case = &result.case;
            assert!(case.check.as_str().starts_with("network.cross-tenant."), "{}", case.id);
            assert!(case.from.as_str() == "b" || case.to.as_str() == "b", "{}", case.id);
        }
        assert_eq!(record.planned, record.results.len(), "what is left out was never planned");
        let told = record.coverage.not_tried.iter().any(|line| line.contains("tenant b"));
        assert!(told, "a reader should see that it is not the whole: {:?}", record.coverage.not_tried);
    }
}
