//! `ask rbac`: questions in, answers in their order out.

use std::fs;
use std::io::Cursor;

use serde_json::Value;
use tempfile::TempDir;
use tenantproof::cli::ask::{self, RbacSummary};

const ROLES: &str = "apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: a}
rules:
- verbs: [get, list]
  apiGroups: ['']
  resources: [pods, pods/log]
- verbs: [get]
  apiGroups: ['']
  resources: [secrets]
  resourceNames: [db]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: monitoring}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {to-monitoring: 'true'}}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: metrics, labels: {to-monitoring: 'true'}}
rules:
- verbs: [get]
  apiGroups: [metrics.k8s.io]
  resources: [nodes]
- verbs: [get]
  nonResourceURLs: [/metrics, /metrics/*]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: torn, namespace: t}
rules: [{verbs: get}]
";

const BINDINGS: &str = r#"{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBindingList", "items": [
  {"metadata": {"name": "readers", "namespace": "a"}, "roleRef": {"kind": "Role", "name": "reader"},
   "subjects": [{"kind": "ServiceAccount", "name": "app"}, {"kind": "User", "name": "ann"}]},
  {"metadata": {"name": "gone", "namespace": "a"}, "roleRef": {"kind": "Role", "name": "gone"},
   "subjects": [{"kind": "Group", "name": "dev"}]},
  {"metadata": {"name": "torn", "namespace": "t"}, "roleRef": {"kind": "Role", "name": "torn"},
   "subjects": [{"kind": "Group", "name": "dev"}]}
]}
{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "monitoring"},
 "roleRef": {"kind": "ClusterRole", "name": "monitoring"},
 "subjects": [{"kind": "Group", "name": "system:serviceaccounts"}]}
"#;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("more")).unwrap();
    fs::write(folder.path().join("roles.yaml"), ROLES).unwrap();
    fs::write(folder.path().join("more/bindings.json"), BINDINGS).unwrap();
    folder
}

fn ask_in(folder: &TempDir, questions: impl AsRef<[u8]>) -> (String, RbacSummary) {
    let mut answers = Vec::new();
    let summary = ask::rbac(folder.path(), Cursor::new(questions), &mut answers).unwrap_or_else(|e| panic!("{e}"));
    (String::from_utf8(answers).unwrap().replace(&folder.path().display().to_string(), "DIR"), summary)
}

#[test]
fn answers_with_the_deciding_chain() {
    let questions = r#"{"id": "1", "subject": {"kind": "ServiceAccount", "namespace": "a", "name": "app"}, "verb": "get", "apiGroup": "", "resource": "pods", "subresource": "log", "namespace": "a", "name": "web"}
{"id": "2", "subject": {"kind": "ServiceAccount", "namespace": "b", "name": "app"}, "verb": "get", "apiGroup": "", "resource": "pods", "subresource": "", "namespace": "a", "name": ""}
{"id": "3", "subject": {"kind": "User", "name": "system:serviceaccount:a:app", "groups": []}, "verb": "get", "apiGroup": "metrics.k8s.io", "resource": "nodes", "subresource": "", "namespace": "", "name": ""}
{"id": "4", "subject": {"kind": "User", "name": "ann", "groups": ["dev"]}, "verb": "get", "apiGroup": "", "resource": "secrets", "subresource": "", "namespace": "a", "name": "db"}
{"id": "5", "subject": {"kind": "User", "name": "ann", "groups": ["dev"]}, "verb": "list", "apiGroup": "", "resource": "secrets", "subresource": "", "namespace": "a", "name": ""}
{"id": "6", "subject": {"kind": "Group", "name": "dev"}, "verb": "get", "apiGroup": "", "resource": "pods", "subresource": "", "namespace": "t", "name": ""}
{"id": {"any": "value"}, "subject": {"kind": "Group", "name": "system:serviceaccounts"}, "verb": "get", "nonResourceURL": "/metrics/cadvisor"}
{"subject": {"kind": "Group", "name": "system:masters"}, "verb": "delete", "resource": "nodes"}
"#;
    let folder = folder();
    let (answers, summary) = ask_in(&folder, questions);
    insta::assert_snapshot!(answers);
    assert_eq!((summary.asked, summary.errors, summary.exit_code()), (8, 0, 0));
    assert_eq!((summary.allowed, summary.denied, summary.unknown), (5, 2, 1));
    assert_eq!((summary.files, summary.accounting.not_understood.len(), summary.accounting.missing.len()), (2, 1, 1));
}

#[test]
fn a_malformed_line_has_an_answer_in_its_place() {
    let good = r#"{"subject": {"kind": "User", "name": "ann"}, "verb": "get", "resource": "pods", "namespace": "a"}"#;
    let questions = format!(
        "\u{feff}{good}\r\n\nnot json\n{}\n{}\n{}\n{good}\n\n",
        r#"{"id": 7, "subject": {"kind": "Account", "name": "ann"}, "verb": "get", "resource": "pods"}"#,
        r#"{"id": "x", "subject": {"kind": "User", "name": "ann"}, "verb": "get", "resource": "pods", "nonResourceURL": "/metrics"}"#,
        "x".repeat(3 << 20),
    );
    let folder = folder();
    let (answers, summary) = ask_in(&folder, questions);
    let lines: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 7, "one line for each question, and none for empty lines at the end");
    assert_eq!((&lines[0]["allowed"], &lines[6]["allowed"]), (&Value::Bool(true), &Value::Bool(true)));
    let errors: Vec<&str> = answers.lines().filter(|line| line.contains("\"error\"")).collect();
    insta::assert_snapshot!(errors.join("\n"));
    assert_eq!((summary.asked, summary.errors, summary.exit_code()), (7, 5, 2));
}

/// Roles that can't be read are nothing that questions about the network would stumble over.
#[test]
fn the_network_is_answered_beside_torn_roles() {
    let folder = folder();
    fs::write(folder.path().join("pod.yaml"), "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: a}}")
        .unwrap();
    let mut answers = Vec::new();
    let question = r#"{"src": "a/p", "dst": "a/p", "port": 80}"#;
    ask::network(folder.path(), Cursor::new(question), &mut answers).unwrap();
    assert!(String::from_utf8(answers).unwrap().contains("\"answer\":\"allowed\""));
}
