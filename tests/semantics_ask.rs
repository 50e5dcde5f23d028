//! `ask network`: questions in, answers in their order out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops where it cannot go on")]

use std::fs;
use std::io::Cursor;
use std::path::Path;

use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;
use tenantproof::cli::ask::{self, NetworkSummary};

const TENANTS: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: tenant-1, labels: {tier: advanced}}
---
apiVersion: v1
kind: Namespace
metadata: {name: backend}
---
apiVersion: v1
kind: Pod
metadata: {name: analytics, namespace: tenant-1, labels: {role: analytics}}
spec: {containers: [{name: c}]}
---
apiVersion: v1
kind: Pod
metadata: {name: orders, namespace: tenant-1, labels: {role: orders}}
spec: {containers: [{name: c}]}
---
apiVersion: v1
kind: Pod
metadata: {name: api, namespace: backend, labels: {app: api}}
spec: {containers: [{name: c, ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: tenant-1}
spec:
  selector: {matchLabels: {role: web}}
  template:
    metadata: {labels: {role: web}}
    spec: {containers: [{name: c}]}
---
apiVersion: v1
kind: Pod
metadata: {name: loose}
spec: {containers: [{name: c}]}
";

const FENCES: &str = "apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: backend}
spec: {podSelector: {}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: subscribers, namespace: backend}
spec:
  podSelector: {matchLabels: {app: api}}
  ingress:
  - from: [{namespaceSelector: {matchLabels: {tier: premium}}}]
  - from:
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: tenant-1}}
      podSelector: {matchExpressions: [{key: role, operator: In, values: [analytics, subscribers]}]}
    ports: [{port: http}]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: l7, namespace: tenant-1}
spec:
  endpointSelector: {matchLabels: {role: orders}}
  ingress: [{fromEntities: [cluster]}]
";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn ask_in(folder: &Path, questions: &str) -> (Vec<Value>, NetworkSummary) {
    let mut answers = Vec::new();
    let summary = ask::network(folder, Cursor::new(questions), &mut answers).unwrap_or_else(|error| panic!("{error}"));
    let lines = String::from_utf8(answers).unwrap();
    (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), summary)
}

fn tenants() -> TempDir {
    folder(&[("cluster/tenants.yaml", TENANTS), ("fences.yml", FENCES)])
}

#[test]
fn answers_with_the_deciding_policy_and_rule() {
    let folder = tenants();
    let questions = r#"{"src": "tenant-1/analytics", "dst": "backend/api", "protocol": "TCP", "port": 8080, "id": 7}
{"src": "tenant-1/analytics", "dst": "backend/api", "protocol": "TCP", "port": 8081}
{"src": "tenant-1/web", "dst": "backend/api", "port": 8080}
{"src": "backend/api", "dst": "tenant-1/orders", "protocol": "UDP", "port": 53}
{"src": "tenant-1/orders", "dst": "tenant-1/analytics", "protocol": "TCP", "port": 1}
{"src": "default/loose", "dst": "backend/api", "protocol": "TCP", "port": 8080}
{"src": "backend/api", "dst": "backend/api", "protocol": "SCTP", "port": 65535}
"#;
    let mut answers = Vec::new();
    let summary = ask::network(folder.path(), Cursor::new(questions), &mut answers).unwrap();
    let text = String::from_utf8(answers).unwrap().replace(&folder.path().display().to_string(), "DIR");
    insta::assert_snapshot!(text);
    assert_eq!((summary.asked, summary.errors, summary.exit_code()), (7, 0, 0));
    assert_eq!((summary.allowed, summary.denied, summary.unknown), (3, 3, 1));
    assert_eq!(summary.accounting.not_understood.len(), 1);
    insta::assert_debug_snapshot!(summary.notes);
}

#[test]
fn a_malformed_line_has_an_answer_in_its_place() {
    let folder = tenants();
    let questions = b"{\"src\": \"tenant-1/analytics\", \"dst\": \"backend/api\", \"port\": 8080}\n\nnot json\n{\"src\": \"tenant-1/analytics\", \"dst\": \"backend/api\", \"protocol\": \"ICMP\", \"port\": 8080, \"id\": \"x\"}\n{\"src\": \"tenant-1/analytics\", \"dst\": \"backend/apo\", \"port\": 8080}\n{\"src\": \"\xff\", \"dst\": \"b/c\", \"port\": 1}\n{\"src\": \"analytics\", \"dst\": \"backend/api\", \"port\": 8080}\n{\"src\": \"tenant-1/orders\", \"dst\": \"backend/api\", \"port\": 8080}\n\n\n";
    let mut answers = Vec::new();
    let summary = ask::network(folder.path(), Cursor::new(questions), &mut answers).unwrap();
    let lines = String::from_utf8(answers).unwrap();
    let errors: Vec<&str> = lines.lines().filter(|line| line.contains("\"error\"")).collect();
    insta::assert_snapshot!(errors.join("\n"));
    assert_eq!(lines.lines().count(), 8, "one line for each question, and none for empty lines at the end");
    assert!(lines.lines().next().unwrap().contains("\"answer\":\"allowed\""));
    assert!(lines.lines().last().unwrap().contains("\"answer\":\"denied\""));
    assert_eq!((summary.asked, summary.errors, summary.exit_code()), (8, 6, 2));
}

#[test]
fn a_line_without_an_end_is_answered_and_an_endless_one_is_refused() {
    let folder = tenants();
    let question = r#"{"src": "tenant-1/analytics", "dst": "backend/api", "port": 8080}"#;
    let (answers, summary) =
        ask_in(folder.path(), &format!("\u{feff}{question}\r\n{}\n{question}", "x".repeat(3 << 20)));
    assert_eq!(answers.len(), 3);
    assert!(answers[1]["error"].as_str().unwrap().contains("longer than 1 MiB"));
    assert_eq!((answers[0]["answer"].as_str(), answers[2]["answer"].as_str()), (Some("allowed"), Some("allowed")));
    assert_eq!(summary.exit_code(), 2);
}

#[rstest]
#[case::nothing_there(&[("readme.md", "x")], "has no .yaml, .yml or .json file")]
#[case::malformed(&[("a.yaml", TENANTS), ("b/c.json", "{")], "b/c.json:1:2: this is no JSON")]
fn a_folder_that_cannot_be_read_answers_nothing(#[case] files: &[(&str, &str)], #[case] says: &str) {
    let folder = folder(files);
    let mut answers = Vec::new();
    let error = ask::network(folder.path(), Cursor::new("{}"), &mut answers).unwrap_err().to_string();
    assert!(error.contains(says), "{error}");
    assert!(answers.is_empty());
}

#[cfg(unix)]
#[test]
fn loops_of_links_and_files_that_are_no_manifests_are_passed_over() {
    use std::os::unix::fs::symlink;
    let folder = tenants();
    symlink(folder.path(), folder.path().join("cluster/loop")).unwrap();
    symlink("gone", folder.path().join("dangling")).unwrap();
    symlink("fences.yml", folder.path().join("again.yaml")).unwrap();
    fs::write(folder.path().join("notes.txt"), "{{").unwrap();
    fs::create_dir_all(folder.path().join(".git")).unwrap();
    fs::write(folder.path().join(".git/x.yaml"), "{{").unwrap();
    let question = r#"{"src": "tenant-1/analytics", "dst": "backend/api", "port": 8080}"#;
    let (answers, summary) = ask_in(folder.path(), question);
    assert_eq!(answers[0]["answer"], "allowed");
    assert_eq!((summary.files, summary.other_files), (2, 2));
    symlink("gone", folder.path().join("dangling.yaml")).unwrap();
    let error = ask::network(folder.path(), Cursor::new(question), Vec::new()).unwrap_err().to_string();
    assert!(error.contains("dangling.yaml can't be read"), "{error}");
}

/// Each answer is handed over before the next question is waited for.
#[test]
fn answers_one_by_one_to_whoever_waits() {
    use std::io::{BufRead, BufReader, Write, pipe};
    let folder = tenants();
    let (ask_reader, mut ask_writer) = pipe().unwrap();
    let (answer_reader, answer_writer) = pipe().unwrap();
    let path = folder.path().to_owned();
    let worker = std::thread::spawn(move || ask::network(&path, BufReader::new(ask_reader), answer_writer).unwrap());
    let mut answers = BufReader::new(answer_reader).lines();
    for port in [8080, 8081, 8080] {
        writeln!(ask_writer, r#"{{"src": "tenant-1/analytics", "dst": "backend/api", "port": {port}}}"#).unwrap();
        let answer: Value = serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
        assert_eq!(answer["answer"], if port == 8080 { "allowed" } else { "denied" });
    }
    drop(ask_writer);
    assert_eq!(worker.join().unwrap().asked, 3);
}

/// Which pairs a foreign policy makes unknown, and which not.
#[rstest]
#[case::own_namespace("kind: CiliumNetworkPolicy\napiVersion: cilium.io/v2\nmetadata: {name: p, namespace: backend}\nspec: {endpointSelector: {}, ingress: [{}]}", &["tenant-1/orders>backend/api"])]
#[case::both_directions("kind: CiliumNetworkPolicy\napiVersion: cilium.io/v2\nmetadata: {name: p, namespace: tenant-1}\nspec: {endpointSelector: {matchLabels: {'k8s:role': orders}}}", &["tenant-1/orders>tenant-1/analytics", "tenant-1/analytics>tenant-1/orders", "tenant-1/orders>backend/api"])]
#[case::another_pod("kind: CiliumNetworkPolicy\napiVersion: cilium.io/v2\nmetadata: {name: p, namespace: tenant-1}\nspec: {endpointSelector: {matchLabels: {role: nobody}}}", &[])]
#[case::cluster_wide_by_namespace("kind: CiliumClusterwideNetworkPolicy\napiVersion: cilium.io/v2\nmetadata: {name: p}\nspec: {endpointSelector: {matchLabels: {'k8s:io.kubernetes.pod.namespace': backend}}, ingress: [{}]}", &["tenant-1/orders>backend/api"])]
#[case::nodes_only("kind: CiliumClusterwideNetworkPolicy\napiVersion: cilium.io/v2\nmetadata: {name: p}\nspec: {nodeSelector: {}, ingress: [{}]}", &[])]
#[case::calico("kind: NetworkPolicy\napiVersion: projectcalico.org/v3\nmetadata: {name: p, namespace: tenant-1}\nspec: {selector: \"role == 'orders' && has(role)\", types: [Ingress]}", &["tenant-1/analytics>tenant-1/orders"])]
#[case::calico_that_is_not_plain("kind: NetworkPolicy\napiVersion: projectcalico.org/v3\nmetadata: {name: p, namespace: tenant-1}\nspec: {selector: \"role == 'x' || role == 'orders'\", types: [Ingress]}", &["tenant-1/orders>tenant-1/analytics", "tenant-1/analytics>tenant-1/orders"])]
#[case::calico_global("kind: GlobalNetworkPolicy\napiVersion: projectcalico.org/v3\nmetadata: {name: p}\nspec: {selector: \"app == 'api'\", types: [Ingress]}", &["tenant-1/orders>backend/api"])]
#[case::staged("kind: StagedNetworkPolicy\napiVersion: projectcalico.org/v3\nmetadata: {name: p, namespace: tenant-1}\nspec: {selector: all()}", &[])]
#[case::admin("kind: AdminNetworkPolicy\napiVersion: policy.networking.k8s.io/v1alpha1\nmetadata: {name: p}\nspec: {subject: {pods: {namespaceSelector: {matchLabels: {tier: advanced}}, podSelector: {matchLabels: {role: orders}}}}, ingress: [{action: Deny}]}", &["tenant-1/analytics>tenant-1/orders"])]
#[case::admin_without_rules("kind: AdminNetworkPolicy\napiVersion: policy.networking.k8s.io/v1alpha1\nmetadata: {name: p}\nspec: {subject: {namespaces: {}}}", &[])]
#[case::istio("kind: AuthorizationPolicy\napiVersion: security.istio.io/v1\nmetadata: {name: p, namespace: tenant-1}\nspec: {selector: {matchLabels: {role: orders}}}", &["tenant-1/analytics>tenant-1/orders"])]
#[case::istio_root("kind: PeerAuthentication\napiVersion: security.istio.io/v1\nmetadata: {name: p, namespace: istio-system}\nspec: {mtls: {mode: STRICT}}", &["tenant-1/orders>tenant-1/analytics", "tenant-1/analytics>tenant-1/orders", "tenant-1/orders>backend/api"])]
#[case::istio_permissive("kind: PeerAuthentication\napiVersion: security.istio.io/v1\nmetadata: {name: p, namespace: istio-system}\nspec: {mtls: {mode: PERMISSIVE}}", &[])]
#[case::antrea("kind: ClusterNetworkPolicy\napiVersion: crd.antrea.io/v1beta1\nmetadata: {name: p}\nspec: {appliedTo: [{podSelector: {matchLabels: {app: api}}}]}", &["tenant-1/orders>backend/api"])]
#[case::security_groups("kind: SecurityGroupPolicy\napiVersion: vpcresources.k8s.aws/v1beta1\nmetadata: {name: p, namespace: backend}\nspec: {podSelector: {matchLabels: {app: api}}}", &["tenant-1/orders>backend/api"])]
#[case::nobody_knows("kind: SuperNetworkPolicy\napiVersion: example.com/v1\nmetadata: {name: p}\nspec: {}", &["tenant-1/orders>tenant-1/analytics", "tenant-1/analytics>tenant-1/orders", "tenant-1/orders>backend/api"])]
fn a_foreign_policy_touches_no_more_than_it_could(#[case] policy: &str, #[case] unknown: &[&str]) {
    let folder = folder(&[("tenants.yaml", TENANTS), ("foreign.yaml", policy)]);
    let pairs =
        ["tenant-1/orders>tenant-1/analytics", "tenant-1/analytics>tenant-1/orders", "tenant-1/orders>backend/api"];
    let question = |pair: &str| {
        let (source, destination) = pair.split_once('>').unwrap();
        format!("{{\"src\": \"{source}\", \"dst\": \"{destination}\", \"port\": 80}}\n")
    };
    let (answers, _) = ask_in(folder.path(), &pairs.map(question).concat());
    for (pair, answer) in pairs.iter().zip(answers) {
        let expected = if unknown.contains(pair) { "unknown" } else { "allowed" };
        assert_eq!(answer["answer"], expected, "{pair}: {answer}");
        if expected == "unknown" {
            assert!(answer["because"].as_str().unwrap().contains("p of "), "it is named: {answer}");
        }
    }
}
