//! Who did what is on record: a conforming lab, a log from which something is missing, another policy, and every way in
//! which a log can be odd. The CNI has no part in it.

use std::collections::BTreeSet;
use std::fs::rename;
use std::path::Path;
use std::time::Duration;

use tenantproof::model::Verdict;

use super::support::{AuditFiles, Ended, Lab, Rbac, Relay, Run, Story, eventually, expect_nothing_left, first_lab};

/// A story with somebody who acts for tenant a, and a promise about the record.
pub(crate) struct Recorded<'a> {
    lab: &'a Lab,
    // It goes before its namespace does.
    _edits: Rbac<'a>,
    pub(crate) story: Story<'a>,
    group: String,
    pub(crate) files: AuditFiles,
}

impl<'a> Recorded<'a> {
    pub(crate) fn new(lab: &'a Lab, name: &str) -> Option<Self> {
        let files = AuditFiles::of(lab)?;
        let story = Story::new(lab, name);
        let group = format!("{}-developers", story.a);
        let edits = Rbac::binding(lab, &story.a, "edit", ("Group", &group));
        Some(Self { lab, _edits: edits, story, group, files })
    }

    fn run(&self, log: &str, within: &str) -> Run {
        self.run_on(&["--audit-log", log], within)
    }

    /// A run whose record comes by another way.
    pub(crate) fn run_on(&self, source: &[&str], within: &str) -> Run {
        let audit = format!(
            "audit: {{within: {within}, pods: RequestResponse, changes: Request, reads: Metadata, \
             sink: {{namespaces: [{}]}}}}\n",
            self.story.shared
        );
        let subjects = format!("- id: a\n  subjects: {{groups: [{}]}}\n", self.group);
        let tenancy = self.story.tenancy().replacen("- id: a\n", &subjects, 1) + &audit;
        self.lab.run(&tenancy).families(&["audit"]).with(source)
    }

    fn log(&self) -> &str {
        self.files.log.to_str().unwrap()
    }

    pub(crate) fn policy(&self) -> [&str; 2] {
        ["--audit-policy", self.files.policy.to_str().unwrap()]
    }
}

/// Each failed check with the tenants that it accuses and the kinds of causes.
fn accused(ended: &Ended) -> BTreeSet<(String, String, String)> {
    let failed = ended.record().results.iter().filter(|one| one.judgement.verdict == Verdict::Fail);
    failed
        .map(|one| {
            let kind = one.judgement.cause.as_ref().map(|cause| cause.kind.clone()).unwrap_or_default();
            (one.case.check.to_string(), one.case.from.to_string(), kind)
        })
        .collect()
}

fn set(expected: &[(&str, &str, &str)]) -> BTreeSet<(String, String, String)> {
    expected.iter().map(|(check, who, kind)| ((*check).to_owned(), (*who).to_owned(), (*kind).to_owned())).collect()
}

#[test]
fn everything_is_on_record_as_the_policy_says_and_nothing_was_made() {
    if let Some(lab) = first_lab() {
        let Some(recorded) = Recorded::new(&lab, "record") else { return };
        let ended = recorded.run(recorded.log(), "20s").with(&recorded.policy()).end().expect_code(0);
        let record = ended.record();
        for one in &record.results {
            assert_eq!(one.judgement.verdict, Verdict::Pass, "{}: {}", one.case.id, one.judgement.reason);
        }
        let checks: BTreeSet<&str> = record.results.iter().map(|one| one.case.check.as_str()).collect();
        assert_eq!(checks.len(), 20, "every check should have a case: {checks:?}");
        let own = record
            .results
            .iter()
            .find(|one| one.case.check.as_str() == "audit.record.pod-create" && one.case.from.as_str() == "a");
        let reason = &own.unwrap().judgement.reason;
        assert!(reason.contains(&format!("a member of group {}", recorded.group)), "{reason}");
        assert!(reason.contains("with both bodies"), "{reason}");
        expect_nothing_left(&lab, &recorded.story.namespaces(), &[&ended]);
    }
}

#[test]
fn a_binding_that_opens_the_way_to_the_log_is_found() {
    if let Some(lab) = first_lab() {
        let Some(recorded) = Recorded::new(&lab, "sink") else { return };
        let run = || recorded.run(recorded.log(), "20s").with(&["--check", "audit.sink.*"]).end();
        for (role, expected) in [
            ("view", &[("audit.sink.read", "a", "sink-open")][..]),
            ("edit", &[("audit.sink.read", "a", "sink-open"), ("audit.sink.change", "a", "sink-open")][..]),
        ] {
            let _open = Rbac::binding(&lab, &recorded.story.shared, role, ("Group", &recorded.group));
            let ended = run().expect_code(1);
            assert_eq!(accused(&ended), set(expected), "{}", ended.text);
            assert!(ended.text.contains(&recorded.group), "the subject should be named:\n{}", ended.text);
        }
        run().expect_code(0);
    }
}

#[test]
fn what_is_missing_in_the_log_is_found_with_its_tenant() {
    if let Some(lab) = first_lab() {
        let Some(recorded) = Recorded::new(&lab, "missing") else { return };
        // As a rule of level None for pods in tenant b's namespace has it.
        let of_b = format!("\"namespace\":\"{}\"", recorded.story.b);
        let relay = Relay::start(&recorded.files.log, "", move |_, line| {
            let dropped = line.contains("\"resource\":\"pods\"") && line.contains(&of_b);
            (!dropped).then(|| line.to_owned())
        });
        let ended = recorded.run(&relay.path(), "4s").with(&recorded.policy()).end().expect_code(1);
        let of_pods = ["pod-create", "admission-refusal", "policy-refusal", "exec", "read", "impersonation"];
        let mut expected: Vec<(String, String, String)> = of_pods
            .iter()
            .map(|check| (format!("audit.record.{check}"), "b".to_owned(), "not-recorded".to_owned()))
            .collect();
        // What a does in b's namespace is not there either.
        expected.push(("audit.record.refused".to_owned(), "a".to_owned(), "not-recorded".to_owned()));
        assert_eq!(accused(&ended), expected.into_iter().collect(), "{}", ended.text);
    }
}

#[test]
fn a_record_that_was_bent_on_its_way_is_found() {
    if let Some(lab) = first_lab() {
        let Some(recorded) = Recorded::new(&lab, "bent") else { return };
        let relay = Relay::start(&recorded.files.log, "", |_, line| {
            let secrets = line.contains("\"resource\":\"secrets\"") && line.contains("/tenantproof-audit-");
            Some(if secrets {
                line.replace("\"level\":\"Metadata\"", "\"level\":\"Request\"")
            } else if line.contains("\"resource\":\"networkpolicies\"") {
                line.replace("\"level\":\"Request\"", "\"level\":\"Metadata\"")
            } else if line.contains("error looking up service account") {
                line.replace("error looking up service account", "an error")
            } else if line.contains("\"resource\":\"rolebindings\"") {
                line.replace("\"authorization.k8s.io/decision\"", "\"x\"")
            } else {
                line.replace(
                    "\"impersonatedUser\":{\"username\":\"tenantproof-member\"",
                    "\"impersonatedUser\":{\"username\":\"eve\"",
                )
            })
        });
        let ended = recorded.run(&relay.path(), "20s").end().expect_code(1);
        let found = accused(&ended);
        for expected in [
            ("audit.record.secret-read", "b", "secrets-on-record"),
            ("audit.record.fence-change", "b", "level-too-low"),
            ("audit.record.admission-refusal", "b", "refusal-missing"),
            ("audit.record.binding-change", "b", "decision-missing"),
            ("audit.record.pod-create", "a", "wrong-name"),
            ("audit.record.impersonation", "a", "wrong-name"),
        ] {
            assert!(found.is_superset(&set(&[expected])), "{expected:?} should be found: {found:#?}");
        }
    }
}

#[test]
fn another_policy_than_the_one_in_force_is_found_and_its_text_is_judged() {
    if let Some(lab) = first_lab() {
        let Some(recorded) = Recorded::new(&lab, "policy") else { return };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.yaml");
        let text = format!(
            "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n\
             - {{level: None, userGroups: [{}], verbs: [get]}}\n\
             - {{level: None, namespaces: [{}], resources: [{{resources: [pods]}}]}}\n\
             - {{level: RequestResponse, resources: [{{resources: [pods]}}]}}\n\
             - {{level: RequestResponse, omitStages: [ResponseComplete]}}\n",
            recorded.group, recorded.story.b
        );
        std::fs::write(&path, text).unwrap();
        let ended =
            recorded.run(recorded.log(), "20s").with(&["--audit-policy", path.to_str().unwrap()]).end().expect_code(1);
        let policy: Vec<_> =
            accused(&ended).into_iter().filter(|(check, ..)| check.starts_with("audit.policy.")).collect();
        let expected = set(&[
            ("audit.policy.exemptions", "a", "exempt"),
            ("audit.policy.exec", "a", "level-too-low"),
            ("audit.policy.reads", "a", "level-too-low"),
            ("audit.policy.secrets", "a", "level-too-low"),
            ("audit.policy.pods", "b", "level-too-low"),
            ("audit.policy.reads", "b", "level-too-low"),
            ("audit.policy.secrets", "b", "secrets-on-record"),
            ("audit.policy.stages", "a", "stage-omitted"),
            ("audit.policy.stages", "b", "stage-omitted"),
            ("audit.policy.in-force", "a", "another-policy"),
            ("audit.policy.in-force", "b", "another-policy"),
        ]);
        assert_eq!(policy.into_iter().collect::<BTreeSet<_>>(), expected, "{}", ended.text);
        assert!(ended.text.contains("rule 1 keeps None"), "the rule should be named:\n{}", ended.text);
    }
}

#[test]
fn a_log_that_is_rotated_torn_and_full_of_other_things_is_read_all_the_same() {
    if let Some(lab) = first_lab() {
        let Some(recorded) = Recorded::new(&lab, "rotated") else { return };
        let mut marked = 0;
        let rotate = |path: &Path, number: usize| {
            let rotated = path.with_file_name(format!("audit-2026-11-24T14-00-{number:02}.000.log"));
            rename(path, rotated).unwrap();
        };
        let relay = Relay::start(&recorded.files.log, "{\"half\": \"of a line", move |path, line| {
            if !line.contains("tenantproof-audit-") {
                return Some(line.to_owned());
            }
            marked += 1;
            if marked % 5 == 0 {
                rotate(path, marked);
            }
            let huge = "x".repeat(if marked == 3 { 33 << 20 } else { 0 });
            Some(format!("\nno event\n{{\"level\": \"Metadata\"}}\n{huge}\n{line}"))
        });
        let ended = recorded.run(&relay.path(), "20s").with(&recorded.policy()).end().expect_code(0);
        let log = &ended.record().observations["audit"]["log"];
        assert!(log["rotations"].as_u64() >= Some(1), "{log}");
        assert_eq!(log["torn"], 0, "lines without a mark are nobody's: {log}");
        let failed = ended.record().results.iter().filter(|one| one.judgement.verdict != Verdict::Pass);
        assert_eq!(failed.count(), 0, "{}", ended.text);
    }
}

#[test]
fn a_log_of_another_cluster_proves_nothing() {
    if let Some(lab) = first_lab() {
        let Some(recorded) = Recorded::new(&lab, "mute") else { return };
        let relay = Relay::start(&recorded.files.log, "", |_, line| {
            (!line.contains("tenantproof-audit-")).then(|| line.to_owned())
        });
        let ended = recorded.run(&relay.path(), "2s").with(&["--check", "audit.record.*"]).end().expect_code(3);
        for one in &ended.record().results {
            assert_eq!(one.judgement.verdict, Verdict::Inconclusive, "{}: {}", one.case.id, one.judgement.reason);
            assert_eq!(one.judgement.cause.as_ref().unwrap().kind, "log-mute");
        }
    }
}

#[test]
fn who_may_take_nobodys_name_is_judged_by_its_own_requests_and_without_a_log_nothing_is_done() {
    if let Some(lab) = first_lab() {
        let Some(recorded) = Recorded::new(&lab, "plain") else { return };
        let name = format!("{}-runner", recorded.story.a);
        let rules = "rules:\n- {apiGroups: ['*'], resources: ['*'], verbs: [get, list]}\n\
                     - {apiGroups: [''], resources: [pods], verbs: [create]}\n\
                     - {apiGroups: [authorization.k8s.io], resources: [subjectaccessreviews], verbs: [create]}\n";
        let _role = Rbac::cluster_role(&lab, &name, rules);
        let _bound = Rbac::binding(&lab, "", &name, ("User", &name));
        let config = lab.kubeconfig_of(&name);
        let config = ["--kubeconfig", config.path().to_str().unwrap()];
        let ended = recorded.run(recorded.log(), "20s").with(&recorded.policy()).with(&config).end().expect_code(0);
        let skipped: BTreeSet<&str> = ended
            .record()
            .results
            .iter()
            .filter(|one| one.judgement.verdict == Verdict::Skipped)
            .map(|one| one.case.check.as_str())
            .collect();
        assert_eq!(skipped, BTreeSet::from(["audit.record.impersonation", "audit.record.refused"]), "{}", ended.text);

        let before = std::fs::metadata(&recorded.files.log).unwrap().len();
        let tenancy = recorded.story.tenancy() + "audit: {}\n";
        let ended = lab.run(&tenancy).families(&["audit"]).end();
        let record = ended.record();
        assert!(record.results.iter().all(|one| one.judgement.verdict == Verdict::Skipped), "{}", ended.text);
        assert!(ended.text.contains("--audit-log"), "the flag should be named:\n{}", ended.text);
        let run = record.run.id.to_string();
        eventually("some more of the log", Duration::from_secs(20), || {
            std::fs::metadata(&recorded.files.log).unwrap().len() > before
        });
        let log = std::fs::read_to_string(&recorded.files.log).unwrap();
        assert!(!log.contains(&format!("tenantproof-audit-{run}")), "nothing should be done without a log");
    }
}
