//! The rules of NetworkPolicy v1, one table for each: manifests in, answers out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops where it cannot go on")]

use rstest::rstest;
use tenantproof::model::{Port, Protocol};
use tenantproof::semantics::manifests::{Manifests, SourceFile};
use tenantproof::semantics::network::{Answer, Decision, Endpoint, Fences, Profile};

/// Two namespaces, a pod in each and one more in the first; `policies` come on top.
const WORLD: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: a, labels: {team: red, tier: "1"}}
---
apiVersion: v1
kind: Namespace
metadata: {name: b, labels: {team: blue}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: a, labels: {app: web, track: stable}}
spec:
  nodeName: n1
  containers:
  - {name: c, ports: [{name: http, containerPort: 8080}, {name: dns, containerPort: 53, protocol: UDP}]}
status: {podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: a, labels: {app: db}}
spec: {nodeName: n2, containers: [{name: c, ports: [{name: http, containerPort: 9090}]}]}
status: {podIP: 10.0.0.2}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: b, labels: {app: web}}
spec: {nodeName: n1, containers: [{name: c}]}
status: {podIP: 10.0.1.1}
---
"#;

fn decide_as(profile: Profile, policies: &str, source: &str, destination: &str, protocol: &str, port: u16) -> Decision {
    let text = format!("{WORLD}{policies}");
    let manifests = Manifests::read([SourceFile { name: "world.yaml".to_owned(), bytes: text.into_bytes() }])
        .expect("valid manifests");
    let fences = Fences::compile(&manifests.snapshot, profile);
    let find = |name: &str| {
        let pods = manifests.snapshot.pods.iter().map(Endpoint::from_pod);
        pods.into_iter().find(|pod| pod.display() == name).expect("a pod of that name")
    };
    fences.decide(
        &find(source),
        &find(destination),
        Protocol::parse(protocol).expect("a protocol"),
        Port::new(port).expect("a port"),
    )
}

fn decide(policies: &str, source: &str, destination: &str, protocol: &str, port: u16) -> Decision {
    decide_as(Profile::Spec, policies, source, destination, protocol, port)
}

/// A policy of namespace `a` with this spec, in flow style.
fn policy(spec: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p, namespace: a}}\nspec: {spec}\n"
    )
}

fn answer(word: &str) -> Answer {
    match word {
        "allowed" => Answer::Allowed,
        "denied" => Answer::Denied,
        _ => Answer::Unknown,
    }
}

#[rstest]
// No policy.
#[case("allowed", "")]
// Isolation by direction, and the defaults of policyTypes.
#[case("denied", "{podSelector: {}}")]
#[case("denied", "{}")]
#[case("denied", "{podSelector: null}")]
#[case("denied", "{podSelector: {}, policyTypes: [Ingress]}")]
#[case("allowed", "{podSelector: {}, policyTypes: [Egress]}")]
#[case("allowed", "{podSelector: {}, policyTypes: [Egress], ingress: []}")]
#[case("allowed", "{podSelector: {}, policyTypes: [Egress], ingress: [{from: [{podSelector: {}}]}]}")]
#[case("denied", "{podSelector: {}, policyTypes: [], ingress: []}")]
#[case("denied", "{podSelector: {}, policyTypes: null, egress: [{}]}")]
#[case("allowed", "{podSelector: {matchLabels: {app: db}}}")]
// Rules: an empty rule, empty and null peers and ports are all of them.
#[case("allowed", "{ingress: [{}]}")]
#[case("allowed", "{ingress: [{from: [], ports: []}]}")]
#[case("allowed", "{ingress: [{from: null, ports: null}]}")]
// Peers: a podSelector alone is of the policy's own namespace.
#[case("denied", "{ingress: [{from: [{podSelector: {}}]}]}")]
#[case("denied", "{ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}")]
#[case("allowed", "{ingress: [{from: [{namespaceSelector: {}}]}]}")]
#[case("allowed", "{ingress: [{from: [{namespaceSelector: {matchLabels: {team: blue}}}]}]}")]
#[case("denied", "{ingress: [{from: [{namespaceSelector: {matchLabels: {team: red}}}]}]}")]
#[case("allowed", "{ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: b}}}]}]}")]
#[case(
    "allowed",
    "{ingress: [{from: [{namespaceSelector: {matchLabels: {team: blue}}, podSelector: {matchLabels: {app: web}}}]}]}"
)]
#[case(
    "denied",
    "{ingress: [{from: [{namespaceSelector: {matchLabels: {team: blue}}, podSelector: {matchLabels: {app: db}}}]}]}"
)]
#[case("allowed", "{ingress: [{from: [{podSelector: {}}, {namespaceSelector: {}}]}]}")]
#[case("allowed", "{ingress: [{from: [{namespaceSelector: {}, podSelector: null}]}]}")]
// Expressions, with keys that are missing.
#[case(
    "allowed",
    "{ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: team, operator: In, values: [green, blue]}]}}]}]}"
)]
#[case(
    "denied",
    "{ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: team, operator: NotIn, values: [blue]}]}}]}]}"
)]
#[case(
    "allowed",
    "{ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: tier, operator: NotIn, values: ['1']}]}}]}]}"
)]
#[case(
    "denied",
    "{ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: tier, operator: In, values: ['1']}]}}]}]}"
)]
#[case("denied", "{ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: tier, operator: Exists}]}}]}]}")]
#[case(
    "allowed",
    "{ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: tier, operator: DoesNotExist}]}}]}]}"
)]
#[case(
    "denied",
    "{ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: team, operator: DoesNotExist}]}}]}]}"
)]
#[case("denied", "{ingress: [{from: [{namespaceSelector: {matchLabels: {tier: ''}}}]}]}")]
// Ports.
#[case("allowed", "{ingress: [{ports: [{port: 8080}]}]}")]
#[case("denied", "{ingress: [{ports: [{port: 8080, protocol: UDP}]}]}")]
#[case("denied", "{ingress: [{ports: [{protocol: UDP}]}]}")]
#[case("allowed", "{ingress: [{ports: [{protocol: TCP}]}]}")]
#[case("denied", "{ingress: [{ports: [{port: 8081}, {port: 8079}]}]}")]
#[case("allowed", "{ingress: [{ports: [{port: 8080, endPort: 8080}]}]}")]
#[case("allowed", "{ingress: [{ports: [{port: 8000, endPort: 8080}]}]}")]
#[case("denied", "{ingress: [{ports: [{port: 8000, endPort: 8079}]}]}")]
#[case("allowed", "{ingress: [{ports: [{port: http}]}]}")]
#[case("denied", "{ingress: [{ports: [{port: http, protocol: UDP}]}]}")]
#[case("denied", "{ingress: [{ports: [{port: dns}]}]}")]
#[case("denied", "{ingress: [{ports: [{port: nowhere}]}]}")]
// Addresses.
#[case("allowed", "{ingress: [{from: [{ipBlock: {cidr: 10.0.1.0/24}}]}]}")]
#[case("allowed", "{ingress: [{from: [{ipBlock: {cidr: 10.0.1.77/24}}]}]}")]
#[case("denied", "{ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/24}}]}]}")]
#[case("denied", "{ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.1.0/24]}}]}]}")]
#[case("allowed", "{ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/24]}}]}]}")]
#[case("denied", "{ingress: [{from: [{ipBlock: {cidr: '::/0'}}]}]}")]
#[case(
    "allowed",
    "{ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.1.0/24]}}, {namespaceSelector: {}}]}]}"
)]
fn from_b_to_a_on_tcp_8080(#[case] expected: &str, #[case] spec: &str) {
    let policies = if spec.is_empty() { String::new() } else { policy(spec) };
    let decision = decide(&policies, "b/web", "a/web", "TCP", 8080);
    assert_eq!(decision.answer, answer(expected), "{spec}: {}", decision.because());
}

#[rstest]
#[case("allowed", "{egress: []}")]
#[case("denied", "{policyTypes: [Egress], egress: []}")]
#[case("denied", "{policyTypes: [Egress]}")]
#[case("denied", "{egress: [{to: [{podSelector: {}}]}]}")]
#[case("allowed", "{egress: [{}]}")]
#[case("allowed", "{egress: [{to: [{namespaceSelector: {matchLabels: {team: blue}}}], ports: [{port: 8080}]}]}")]
#[case("denied", "{egress: [{to: [{namespaceSelector: {matchLabels: {team: blue}}}], ports: [{port: 80}]}]}")]
// A named port of an egress rule is the destination's, and b/web names none.
#[case("denied", "{egress: [{ports: [{port: http}]}]}")]
#[case("allowed", "{egress: [{to: [{ipBlock: {cidr: 10.0.1.1/32}}]}]}")]
fn from_a_to_b_on_tcp_8080(#[case] expected: &str, #[case] spec: &str) {
    let decision = decide(&policy(spec), "a/web", "b/web", "TCP", 8080);
    assert_eq!(decision.answer, answer(expected), "{spec}: {}", decision.because());
}

#[rstest]
#[case::each_destination_has_its_own_number("allowed", "a/db", 9090)]
#[case("denied", "a/db", 8080)]
#[case("allowed", "a/web", 8080)]
#[case("denied", "a/web", 9090)]
fn named_ports_are_resolved_by_each_destination(#[case] expected: &str, #[case] destination: &str, #[case] port: u16) {
    let decision = decide(&policy("{ingress: [{ports: [{port: http}]}]}"), "b/web", destination, "TCP", port);
    assert_eq!(decision.answer, answer(expected));
}

#[test]
fn several_policies_are_a_union() {
    let policies = format!(
        "{}---\n{}",
        policy("{podSelector: {}}"),
        policy("{ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 80}]}]}").replace("name: p,", "name: q,")
    );
    assert_eq!(decide(&policies, "b/web", "a/web", "TCP", 80).answer, Answer::Allowed);
    let denied = decide(&policies, "b/web", "a/web", "TCP", 81);
    assert_eq!(denied.answer, Answer::Denied);
    assert_eq!(
        denied.because(),
        "a/p and a/q isolate the destination for ingress and have no rule that allows this source on TCP 81."
    );
}

#[test]
fn both_sides_must_allow() {
    let spec = "{policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}]}]}";
    let fence = policy("{podSelector: {}}").replace("namespace: a", "namespace: b");
    let decision = decide(&format!("{}---\n{fence}", policy(spec)), "a/web", "b/web", "TCP", 80);
    assert_eq!(decision.answer, Answer::Denied);
    assert_eq!(
        decision.because(),
        "b/p isolates the destination for ingress and has no rule that allows this source on TCP 80."
    );
    let open = decide(&policy(spec), "a/web", "b/web", "TCP", 80);
    assert_eq!(
        open.because(),
        "a/p allows it by egress rule 1 (TCP 80), and no policy isolates the destination for ingress."
    );
}

#[test]
fn a_pod_reaches_itself() {
    let fence = policy("{podSelector: {}, policyTypes: [Ingress, Egress]}");
    let decision = decide(&fence, "a/web", "a/web", "TCP", 80);
    assert_eq!(
        (decision.answer, decision.because()),
        (Answer::Allowed, "A pod cannot be cut off from itself.".to_owned())
    );
    assert_eq!(decide(&fence, "a/web", "a/db", "TCP", 80).answer, Answer::Denied);
}

const MORE: &str = r"
apiVersion: v1
kind: Pod
metadata: {name: host, namespace: b, labels: {app: host}}
spec: {nodeName: n1, hostNetwork: true, containers: [{name: c, ports: [{name: http, containerPort: 8080}]}]}
status: {podIP: 192.168.0.1, hostIP: 192.168.0.1}
---
apiVersion: v1
kind: Pod
metadata: {name: far-host, namespace: b, labels: {app: host}}
spec: {nodeName: n2, hostNetwork: true, containers: [{name: c}]}
status: {podIP: 192.168.0.2, hostIP: 192.168.0.2}
---
apiVersion: v1
kind: Pod
metadata: {name: done, namespace: b, labels: {app: web}}
spec: {containers: [{name: c}]}
status: {phase: Succeeded, podIP: 10.0.1.9}
---
apiVersion: v1
kind: Pod
metadata: {name: leaving, namespace: b, labels: {app: web}, deletionTimestamp: '2026-01-01T00:00:00Z'}
spec: {containers: [{name: c}]}
status: {phase: Running, podIP: 10.0.1.8}
---
apiVersion: v1
kind: Pod
metadata: {name: new, namespace: b, labels: {app: web}}
spec: {containers: [{name: c}]}
---
apiVersion: v1
kind: Pod
metadata: {name: dual, namespace: b, labels: {app: web}}
spec: {containers: [{name: c}]}
status: {podIPs: [{ip: 10.0.1.7}, {ip: 'fd00::7'}]}
---
apiVersion: v1
kind: Pod
metadata: {name: dual, namespace: a, labels: {app: dual}}
spec: {containers: [{name: c}]}
status: {podIPs: [{ip: 10.0.0.7}, {ip: 'fd00::a7'}]}
---
apiVersion: v1
kind: Pod
metadata: {name: lost, namespace: nowhere, labels: {app: web}}
spec: {containers: [{name: c}]}
status: {podIP: 10.0.2.1}
---
apiVersion: v1
kind: Pod
metadata: {name: sidecar, namespace: a, labels: {app: sidecar}}
spec:
  initContainers:
  - {name: once, ports: [{name: setup, containerPort: 1}]}
  - {name: proxy, restartPolicy: Always, ports: [{name: proxy, containerPort: 15001}]}
  containers: [{name: c, ports: [{name: odd, containerPort: 2, protocol: SCTP}]}]
status: {podIP: 10.0.0.9}
---
";

#[rstest]
// Pods that have ended; those that are being deleted still count.
#[case("denied", "", "b/done", "a/web", 80)]
#[case("denied", "", "a/web", "b/done", 80)]
#[case("denied", "", "b/done", "b/done", 80)]
#[case("allowed", "", "b/leaving", "a/web", 80)]
// An address decides, and there is none: unknown only where it matters.
#[case("allowed", "", "b/new", "a/web", 80)]
#[case("unknown", "{ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}", "b/new", "a/web", 80)]
#[case(
    "allowed",
    "{ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}, {namespaceSelector: {}}]}]}",
    "b/new",
    "a/web",
    80
)]
#[case("denied", "{ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: 81}]}]}", "b/new", "a/web", 80)]
// Two families with two answers; one where only one family is shared.
#[case("unknown", "{ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}", "b/dual", "a/dual", 80)]
#[case("unknown", "{ingress: [{from: [{ipBlock: {cidr: 'fd00::/8'}}]}]}", "b/dual", "a/dual", 80)]
#[case(
    "allowed",
    "{ingress: [{from: [{ipBlock: {cidr: 'fd00::/8'}}, {ipBlock: {cidr: 10.0.0.0/8}}]}]}",
    "b/dual",
    "a/dual",
    80
)]
// Pods of the host network: both possibilities must agree.
#[case("allowed", "", "b/host", "a/web", 80)]
#[case("unknown", "{podSelector: {}}", "b/host", "a/web", 80)]
#[case("denied", "{podSelector: {}}", "b/far-host", "a/web", 80)]
#[case("unknown", "{ingress: [{from: [{namespaceSelector: {}}]}]}", "b/far-host", "a/web", 80)]
#[case("allowed", "{ingress: [{from: [{namespaceSelector: {}}]}]}", "b/host", "a/web", 80)]
#[case("allowed", "{ingress: [{from: [{ipBlock: {cidr: 192.168.0.0/16}}]}]}", "b/far-host", "a/web", 80)]
#[case("unknown", "{policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}]}]}", "a/web", "b/far-host", 80)]
#[case(
    "allowed",
    "{policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 192.168.0.2/32}}]}]}",
    "a/web",
    "b/far-host",
    80
)]
#[case("denied", "{policyTypes: [Egress]}", "a/web", "b/far-host", 80)]
#[case("unknown", "{policyTypes: [Egress]}", "a/web", "b/host", 80)]
// What a pod sends to its own node: always allowed, or as its policies say.
#[case("unknown", "{policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}]}]}", "a/web", "b/host", 80)]
#[case(
    "allowed",
    "{policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 192.168.0.1/32}}]}]}",
    "a/web",
    "b/host",
    80
)]
#[case("allowed", "{ingress: [{ports: [{port: 1}]}]}", "a/web", "b/host", 80)]
// A namespace that nothing declares: only its name is known.
#[case("allowed", "{ingress: [{from: [{namespaceSelector: {}}]}]}", "nowhere/lost", "a/web", 80)]
#[case(
    "allowed",
    "{ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: nowhere}}}]}]}",
    "nowhere/lost",
    "a/web",
    80
)]
#[case(
    "denied",
    "{ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: b}}}]}]}",
    "nowhere/lost",
    "a/web",
    80
)]
#[case(
    "unknown",
    "{ingress: [{from: [{namespaceSelector: {matchLabels: {team: blue}}}]}]}",
    "nowhere/lost",
    "a/web",
    80
)]
#[case(
    "denied",
    "{ingress: [{from: [{namespaceSelector: {matchLabels: {team: blue}}, podSelector: {matchLabels: {app: db}}}]}]}",
    "nowhere/lost",
    "a/web",
    80
)]
// Named ports: those of containers and sidecars, not of containers that only set up.
#[case("allowed", "{ingress: [{ports: [{port: proxy}]}]}", "b/web", "a/sidecar", 15001)]
#[case("denied", "{ingress: [{ports: [{port: setup}]}]}", "b/web", "a/sidecar", 1)]
#[case("denied", "{ingress: [{ports: [{port: odd}]}]}", "b/web", "a/sidecar", 2)]
fn the_edges(
    #[case] expected: &str,
    #[case] spec: &str,
    #[case] source: &str,
    #[case] destination: &str,
    #[case] port: u16,
) {
    let policies = if spec.is_empty() { MORE.to_owned() } else { format!("{MORE}{}", policy(spec)) };
    let decision = decide(&policies, source, destination, "TCP", port);
    assert_eq!(decision.answer, answer(expected), "{spec}: {}", decision.because());
}

#[rstest]
#[case("denied", "{ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}", "b/web", "a/web")]
#[case("allowed", "{podSelector: {}}", "b/host", "a/web")]
#[case("denied", "{podSelector: {}}", "b/far-host", "a/web")]
#[case("denied", "{ingress: [{from: [{namespaceSelector: {}}]}]}", "b/far-host", "a/web")]
fn as_cilium_does(#[case] expected: &str, #[case] spec: &str, #[case] source: &str, #[case] destination: &str) {
    let decision = decide_as(Profile::Cilium, &format!("{MORE}{}", policy(spec)), source, destination, "TCP", 80);
    assert_eq!(decision.answer, answer(expected), "{spec}: {}", decision.because());
}

#[test]
fn every_reason_is_a_sentence() {
    let cases: [(&str, &str, &str); 9] = [
        ("", "b/web", "a/web"),
        ("{podSelector: {}}", "b/web", "a/web"),
        ("{ingress: [{ports: [{port: 1}]}, {ports: [{port: 80}]}]}", "b/web", "a/web"),
        ("{podSelector: {}}", "b/host", "a/web"),
        ("{podSelector: {}}", "b/done", "a/web"),
        ("{ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}", "b/new", "a/web"),
        ("{ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}", "b/dual", "a/dual"),
        ("{ingress: [{from: [{namespaceSelector: {matchLabels: {x: y}}}]}]}", "nowhere/lost", "a/web"),
        ("{policyTypes: [Ingress, Egress]}", "a/db", "a/web"),
    ];
    let sentences: Vec<String> = cases
        .iter()
        .map(|(spec, source, destination)| {
            let policies = if spec.is_empty() { MORE.to_owned() } else { format!("{MORE}{}", policy(spec)) };
            let decision = decide(&policies, source, destination, "TCP", 80);
            format!("{source} to {destination} {}: {}", decision.answer, decision.because())
        })
        .collect();
    insta::assert_snapshot!(sentences.join("\n"));
}
