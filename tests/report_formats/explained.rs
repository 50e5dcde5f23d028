use rstest::rstest;
use tenantproof::cli::explain::explain;
use tenantproof::model::{CheckId, Verdict};
use tenantproof::report::Style;
use tenantproof::suite::{Check, ControlCases, ControlRef};

use crate::story::Story;

fn check() -> Check {
    Check {
        id: CheckId::new("network.cross-tenant.pod"),
        since: "1.0.0".into(),
        title: "No pod reaches a pod of another tenant".into(),
        proves: "New connections between the probed classes of pods are stopped.".into(),
        does_not_prove: "That connections made before a policy was written are stopped.".into(),
        control_cases: ControlCases {
            positive: "The same source reaches a target that it may reach; the same target is reached.".into(),
            negative: "None: a connection that is allowed shows itself.".into(),
        },
        controls: vec![ControlRef {
            framework: "NIST SP 800-53 Rev 5".into(),
            id: "SC-7".into(),
            limits: "the cluster's own boundary".into(),
        }],
        remedy: "Fence the namespace with a policy that denies by default.".into(),
        production: "Starts probes beside the tenant's pods.".into(),
        parameters: serde_json::Value::Null,
    }
}

#[rstest]
#[case::fail(Verdict::Fail)]
#[case::inconclusive(Verdict::Inconclusive)]
#[case::skipped(Verdict::Skipped)]
#[case::pass(Verdict::Pass)]
fn tells_all_about_a_case(#[case] verdict: Verdict) {
    let record = Story::leaking().record();
    let result = record.results.iter().find(|result| result.judgement.verdict == verdict).unwrap();
    let check = (verdict == Verdict::Fail).then(check);
    let text = explain(&record, result.case.id.as_str(), check.as_ref(), &Style::PLAIN).unwrap();
    insta::assert_snapshot!(format!("explain_{verdict}"), text);
}

#[test]
fn tells_of_a_case_that_was_never_judged() {
    let record = Story::killed().record();
    let id = record.unjudged.last().unwrap().id.as_str();
    let text = explain(&record, id, None, &Style::PLAIN).unwrap();
    assert!(text.contains("? never judged: UNFINISHED"), "{text}");
}

#[test]
fn knows_each_case_by_the_id_that_a_page_shows() {
    let record = Story::hostile().record();
    let text = tenantproof::report::terminal::page(&record, &Style::PLAIN, None);
    let command = text.lines().find_map(|line| line.split_once("tenantproof explain ")).unwrap().1;
    let id = command.trim_matches('\'').replace("'\\''", "'");
    explain(&record, &id, None, &Style::PLAIN).unwrap();
}

#[test]
fn names_the_nearest_ids() {
    let record = Story::conforming().record();
    let error = explain(&record, "network.cross-tenant.pod:basic/web:tenant-2/wbe:TCP/8080", None, &Style::PLAIN);
    let error = error.unwrap_err();
    assert_eq!(error.nearest[0], "network.cross-tenant.pod:basic/web:tenant-2/web:TCP/8080");
    assert_eq!(error.nearest.len(), 5);
    assert!(miette::Diagnostic::help(&error).unwrap().to_string().contains(&error.nearest[0]));
}
