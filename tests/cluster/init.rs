//! A draft from a real cluster: `run` accepts it as it is, it promises nothing that nobody has read, and
//! it never takes the place of a file.
//!
//! What labels and policies tell does not depend on the CNI, so this runs on one lab only.

use std::process::{Command, Output};

use tempfile::TempDir;
use tenantproof::tenancy::{self, Tenancy};

use super::support::{Lab, Story, expect_nothing_left, first_lab};

/// Labels the story's namespaces with a key of their own, since a lab may have other tenants beside
/// them, and gives the key.
fn label(lab: &Lab, story: &Story<'_>) -> String {
    let key = format!("tenantproof.test/{}", story.a);
    for (namespace, tenant) in [(&story.a, "one"), (&story.b, "two"), (&story.shared, "backend")] {
        lab.apply(&format!(
            "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {namespace}\n  labels:\n    {key}: {tenant}\n    \
             pod-security.kubernetes.io/enforce: restricted\n"
        ));
    }
    key
}

fn init(lab: &Lab, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenantproof"));
    command.args(["init", "--context", &lab.context]).args(arguments).output().unwrap()
}

/// Reads a draft, which must be a tenancy as it stands, and leaves the story's parties of it: what else
/// is on the lab becomes shared parts, and may be gone before a run begins.
fn ours(draft: &str) -> Tenancy {
    let read = tenancy::read("tenancy.yaml", draft.as_bytes()).unwrap_or_else(|e| panic!("{e:?}\n{draft}"));
    let ours = |id: &str| ["one", "two", "backend"].contains(&id);
    Tenancy {
        name: read.name,
        parties: read.parties.into_iter().filter(|party| ours(party.id.as_str())).collect(),
        flows: read.flows.into_iter().filter(|flow| ours(flow.from.party.as_str())).collect(),
        admission: Vec::new(),
        audit: None,
        operators: None,
        cloud: tenancy::CloudPromise::default(),
    }
}

#[test]
fn a_draft_is_a_tenancy_that_run_accepts_and_that_promises_nothing_unread() {
    if let Some(lab) = first_lab() {
        let story = Story::new(&lab, "init");
        let key = label(&lab, &story);
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("tenancy.yaml");
        let output = init(&lab, &["--tenant-label", &key, "--output", path.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        let draft = std::fs::read_to_string(&path).unwrap();
        let read = ours(&draft);
        let labels: Vec<_> =
            read.parties.iter().map(|party| party.namespaces.match_labels.get(&key).map(String::as_str)).collect();
        assert_eq!(labels, [Some("backend"), Some("one"), Some("two")], "each tenant is told by its label:\n{draft}");
        assert!(read.flows.is_empty(), "a flow that nobody confirmed is no promise:\n{draft}");
        assert!(draft.contains("8080"), "the flow that a policy opens should be proposed:\n{draft}");

        // The flow is open and not promised: that is told, as long as nobody confirms it.
        let unread = lab.run(&tenancy::render(&read, &[], &[])).end().expect_code(1);
        let leaks = &unread.record().findings;
        assert!(leaks.iter().all(|leak| leak.from.as_str() == "one" && leak.to.as_str() == "backend"), "{leaks:#?}");

        let output = init(&lab, &["--tenant-label", &key, "--declare-flows"]);
        let confirmed = ours(&String::from_utf8(output.stdout).unwrap());
        let held = lab.run(&tenancy::render(&confirmed, &[], &[])).end().expect_code(0);
        expect_nothing_left(&lab, &[&story.a, &story.b, &story.shared], &[&unread, &held]);

        let again = init(&lab, &["--tenant-label", &key, "--output", path.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&again.stderr).into_owned();
        assert_eq!(again.status.code(), Some(2), "a file is never overwritten:\n{said}");
        assert!(said.contains("tenancy.yaml"), "the file should be named:\n{said}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), draft, "the file should be as it was");

        let unknown = init(&lab, &["--tenant-label", &format!("{key}x")]);
        let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
        assert_eq!(unknown.status.code(), Some(2), "{said}");
        assert!(said.split_whitespace().collect::<String>().contains(&key), "the nearest should be named:\n{said}");
    }
}
