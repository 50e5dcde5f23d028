//! Reading manifests: every layout that kubectl takes, and never a silent loss.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops where it cannot go on")]

use proptest::prelude::*;
use rstest::rstest;
use tenantproof::semantics::manifests::{ManifestErrors, Manifests, SourceFile};
use tenantproof::semantics::network::PolicyName;

fn read(text: impl AsRef<[u8]>) -> Result<Manifests, ManifestErrors> {
    Manifests::read([SourceFile { name: "x.yaml".to_owned(), bytes: text.as_ref().to_vec() }])
}

fn counts(manifests: &Manifests) -> (usize, usize, usize, usize) {
    let snapshot = &manifests.snapshot;
    (snapshot.namespaces.len(), snapshot.pods.len(), snapshot.network_policies.len(), snapshot.foreign.len())
}

#[rstest]
#[case::nothing("", (0, 0, 0, 0))]
#[case::comments_only("# nothing\n", (0, 0, 0, 0))]
#[case::empty_documents("---\n---\n# x\n---\n...\n", (0, 0, 0, 0))]
#[case::byte_order_mark("\u{feff}kind: Pod\napiVersion: v1\nmetadata: {name: p}\n", (0, 1, 0, 0))]
#[case::crlf("kind: Pod\r\napiVersion: v1\r\nmetadata:\r\n  name: p\r\n  labels:\r\n    app: web\r\n---\r\nkind: Namespace\r\napiVersion: v1\r\nmetadata: {name: n}\r\n", (1, 1, 0, 0))]
#[case::json(r#"{"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p\u00e9\ud83d\ude00"}}"#, (0, 1, 0, 0))]
#[case::json_with_tabs("{\n\t\"kind\": \"Pod\",\n\t\"apiVersion\": \"v1\",\n\t\"metadata\": {\"name\": \"p\"}\n}", (0, 1, 0, 0))]
#[case::json_in_a_row("{\"kind\": \"Pod\", \"apiVersion\": \"v1\", \"metadata\": {\"name\": \"p\"}}\n{\"kind\": \"Pod\", \"apiVersion\": \"v1\", \"metadata\": {\"name\": \"q\"}}", (0, 2, 0, 0))]
#[case::flow_yaml("{kind: Pod, apiVersion: v1, metadata: {name: p}}", (0, 1, 0, 0))]
#[case::list("kind: List\napiVersion: v1\nitems:\n- {kind: Pod, apiVersion: v1, metadata: {name: p}}\n- {kind: List, apiVersion: v1, items: [{kind: Namespace, apiVersion: v1, metadata: {name: n}}]}\n", (1, 1, 0, 0))]
#[case::empty_list("kind: List\napiVersion: v1\nitems: []\n", (0, 0, 0, 0))]
#[case::null_list("kind: List\napiVersion: v1\nitems:\n", (0, 0, 0, 0))]
#[case::typed_list_whose_items_need_no_kind("kind: PodList\napiVersion: v1\nitems:\n- metadata: {name: p}\n- {kind: Pod, apiVersion: v1, metadata: {name: q}}\n", (0, 2, 0, 0))]
#[case::anchors("kind: Pod\napiVersion: v1\nmetadata: &m\n  name: p\n  labels: &l {app: web}\n---\nkind: List\napiVersion: v1\nitems:\n- &pod\n  kind: Pod\n  apiVersion: v1\n  metadata: {name: q, labels: &x {app: web}}\n- <<: *pod\n  metadata: {name: r, labels: *x}\n", (0, 3, 0, 0))]
#[case::no_kubernetes_object("replicaCount: 1\nimage: {tag: v1}\n", (0, 0, 0, 0))]
#[case::chart("apiVersion: v2\nname: chart\nversion: 0.1.0\n", (0, 0, 0, 0))]
#[case::other_kinds("kind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\ndata: {a: 'x: {{ y }}'}\n", (0, 0, 0, 0))]
#[case::numbers_in_quotes("kind: Namespace\napiVersion: v1\nmetadata: {name: n, labels: {tier: '1', ok: \"true\", version: '1.0'}}\n", (1, 0, 0, 0))]
#[case::nulls("kind: Pod\napiVersion: v1\nmetadata: {name: p, namespace: null, labels: null, annotations: ~, creationTimestamp: null}\nspec: {containers: null}\nstatus: {}\n", (0, 1, 0, 0))]
#[case::quantities("kind: Pod\napiVersion: v1\nmetadata: {name: p}\nspec: {containers: [{name: c, resources: {limits: {cpu: 1, memory: 1.5Gi}, requests: {cpu: 0.5}}}]}\n", (0, 1, 0, 0))]
#[case::generated_names("kind: Pod\napiVersion: v1\nmetadata: {generateName: p-}\n---\nkind: Pod\napiVersion: v1\nmetadata: {generateName: p-}\n", (0, 2, 0, 0))]
#[case::the_same_twice("kind: Pod\napiVersion: v1\nmetadata: {name: p}\n---\napiVersion: v1\nkind: Pod\nmetadata: {\"name\": p}\n", (0, 1, 0, 0))]
#[case::foreign("kind: CiliumNetworkPolicy\napiVersion: cilium.io/v2\nmetadata: {name: p}\n---\nkind: NetworkPolicy\napiVersion: crd.projectcalico.org/v1\nmetadata: {name: p}\n---\nkind: NetworkPolicy\napiVersion: extensions/v1beta1\nmetadata: {name: p}\n", (0, 0, 0, 3))]
fn takes(#[case] text: &str, #[case] expected: (usize, usize, usize, usize)) {
    let manifests = read(text).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(counts(&manifests), expected);
}

#[rstest]
#[case::syntax("kind: Pod\nmetadata: {name: p\n", "x.yaml:2:11: this is no YAML: unclosed bracket")]
#[case::indentation("kind: Pod\napiVersion: v1\nmetadata:\n  name: p\n labels: {}\n", "x.yaml:5:2: this is no YAML: ")]
#[case::tab("kind: Pod\napiVersion: v1\nmetadata:\n\tname: p\n", "x.yaml:4:")]
#[case::json(
    "{\"kind\": \"Pod\",\n \"apiVersion\" \"v1\"\n}",
    "x.yaml:2:15: this is no JSON: expected a colon, found '\"'"
)]
#[case::half_a_json(
    "{\"kind\": \"Pod\"",
    "x.yaml:1:15: this is no JSON: expected a comma or a closing brace, and the file ends here"
)]
#[case::template(
    "kind: Pod\napiVersion: v1\nmetadata:\n  name: {{ .Release.Name }}\n",
    "render it first, for a Helm chart with `helm template`"
)]
#[case::control(
    "{{- if .Values.policy }}\nkind: Pod\n{{- end }}\n",
    "render it first, for a Helm chart with `helm template`"
)]
#[case::template_in_quotes(
    "kind: Pod\napiVersion: v1\nmetadata: {name: '{{ x }}'}\n",
    "x.yaml:3:18: the text \"{{ x }}\" of this Pod is a template"
)]
#[case::key_twice(
    "kind: Pod\napiVersion: v1\nmetadata:\n  name: p\n  name: q\n",
    "x.yaml:5:3: this is no YAML: the key \"name\" is here twice; it is first at 4:3"
)]
#[case::label_number(
    "kind: Pod\napiVersion: v1\nmetadata:\n  name: p\n  labels:\n    v: 1\n",
    "x.yaml:6:8: Pod p: metadata.labels.v: expected a text in quotes, found the number 1"
)]
#[case::label_boolean(
    "kind: Pod\napiVersion: v1\nmetadata: {name: p, labels: {v: yes}}\n",
    "metadata.labels.v: expected a text in quotes, found the boolean true"
)]
#[case::port_text(
    "kind: Pod\napiVersion: v1\nmetadata: {name: p}\nspec: {containers: [{name: c, ports: [{containerPort: '80'}]}]}\n",
    "x.yaml:4:55: Pod p: spec.containers[0].ports[0].containerPort: expected a whole number without quotes, found the text \"80\""
)]
#[case::no_name("kind: Pod\napiVersion: v1\nmetadata: {namespace: x}\n", "x.yaml:1:1: this Pod has no metadata.name")]
#[case::no_kind("apiVersion: v1\nmetadata: {name: p}\n", "x.yaml:1:1: this object has no kind")]
#[case::no_version("kind: Pod\nmetadata: {name: p}\n", "x.yaml:1:1: this Pod has no apiVersion")]
#[case::wrong_version(
    "kind: Pod\napiVersion: v2\nmetadata: {name: p}\n",
    "x.yaml:1:1: there is no Pod of apiVersion v2; it is v1"
)]
#[case::two_that_differ(
    "kind: Pod\napiVersion: v1\nmetadata: {name: p}\n---\nkind: Pod\napiVersion: v1\nmetadata: {name: p, labels: {a: b}}\n",
    "x.yaml:5:1: Pod default/p is declared twice and differently; it is first at x.yaml:1"
)]
#[case::item_that_is_no_object(
    "kind: List\napiVersion: v1\nitems: [7]\n",
    "x.yaml:3:9: expected an object in this list, found the number 7"
)]
#[case::bomb(
    "a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]\ng: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]\nh: [*g, *g, *g, *g, *g, *g, *g, *g, *g, *g]\n",
    "its aliases make it too large"
)]
fn refuses(#[case] text: &str, #[case] says: &str) {
    let errors = read(text).expect_err("it is malformed").to_string();
    assert!(errors.contains(says), "{errors}");
}

#[rstest]
#[case("{ingres: []}", "4:8: NetworkPolicy default/n: there is no field \"ingres\" here; did you mean `ingress`?")]
#[case("{ingress: [{form: [{podSelector: {}}]}]}", "there is no field \"form\" here; did you mean `from`?")]
#[case(
    "{ingress: [{from: [{podselector: {}}]}]}",
    "there is no field \"podselector\" here; did you mean `podSelector`?"
)]
#[case("{ingress: [{to: []}]}", "there is no field \"to\" here")]
#[case("{ingress: [{from: [{}]}]}", "4:26: NetworkPolicy default/n: a peer must have an ipBlock")]
#[case("{ingress: [{from: [{podSelector: null}]}]}", "a peer must have an ipBlock")]
#[case("{ingress: [{from: [{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}]}]}", "either an ipBlock or selectors")]
#[case("{ingress: [{from: [{ipBlock: {cidr: 10.0.0.1}}]}]}", "\"10.0.0.1\" is no network in CIDR notation")]
#[case("{ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/33}}]}]}", "is no network in CIDR notation")]
#[case("{ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16]}}]}]}", "must lie strictly inside")]
#[case("{ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/8]}}]}]}", "must lie strictly inside")]
#[case("{ingress: [{ports: [{port: '80'}]}]}", "\"80\" is no port's name")]
#[case("{ingress: [{ports: [{port: 0}]}]}", "0 is no port")]
#[case("{ingress: [{ports: [{port: 70000}]}]}", "70000 is no port")]
#[case("{ingress: [{ports: [{port: 80, endPort: 79}]}]}", "endPort 79 is below port 80")]
#[case("{ingress: [{ports: [{endPort: 79}]}]}", "endPort needs a numeric port beside it")]
#[case("{ingress: [{ports: [{port: http, endPort: 79}]}]}", "endPort needs a numeric port beside it")]
#[case("{ingress: [{ports: [{protocol: tcp}]}]}", "the protocol \"tcp\" does not exist")]
#[case("{ingress: [{ports: [{protocol: ICMP}]}]}", "the protocol \"ICMP\" does not exist")]
#[case("{policyTypes: [ingress]}", "policyTypes names \"ingress\"")]
#[case("{podSelector: {app: web}}", "there is no field \"app\" here")]
#[case(
    "{podSelector: {matchLabels: {v: 1}}}",
    "spec.podSelector.matchLabels.v: expected a text in quotes, found the number 1"
)]
#[case("{podSelector: {matchExpressions: [{key: a, operator: In}]}}", "the operator In needs at least one value")]
#[case(
    "{podSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}}",
    "the operator Exists takes no values"
)]
#[case(
    "{podSelector: {matchExpressions: [{key: a, operator: Equals, values: [b]}]}}",
    "the operator \"Equals\" does not exist"
)]
#[case("{ingress: {}}", "spec.ingress: expected a list, found a mapping")]
#[case("{ingress: [{ports: [{port: 80, endPort: '81'}]}]}", "expected a whole number without quotes")]
#[case("null", "it has no spec")]
fn refuses_a_policy_that_the_api_server_would_refuse(#[case] spec: &str, #[case] says: &str) {
    let text = format!("kind: NetworkPolicy\napiVersion: networking.k8s.io/v1\nmetadata: {{name: n}}\nspec: {spec}\n");
    let errors = read(text).expect_err("it is malformed").to_string();
    assert!(errors.contains(says), "{errors}");
}

#[test]
fn tells_all_errors_of_all_files_at_once() {
    let file = |name: &str, text: &[u8]| SourceFile { name: name.to_owned(), bytes: text.to_vec() };
    let errors = Manifests::read([
        file("good.yaml", b"kind: Pod\napiVersion: v1\nmetadata: {name: p}\n"),
        file("torn.yaml", b"kind: [\n"),
        file("binary.json", b"{\"kind\": \"\xff\"}"),
        file(
            "two.yaml",
            b"kind: Pod\napiVersion: v1\n---\nkind: Pod\napiVersion: v1\nmetadata: {name: p, labels: {a: 1}}\n",
        ),
        file("chart.yaml", b"kind: Pod\napiVersion: v1\nmetadata:\n  name: {{ .Values.name }}\n"),
    ])
    .expect_err("it is malformed");
    insta::assert_snapshot!(errors.to_string());
}

#[test]
fn knows_where_policies_and_their_rules_are() {
    let text = "# a comment\nkind: Pod\napiVersion: v1\nmetadata: {name: p}\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: fence\nspec:\n  podSelector: {}\n  ingress:\n  - from:\n    - podSelector: {}\n  - ports:\n    - port: 80\n  egress:\n  - {}\n";
    let manifests = read(text).unwrap();
    let name = PolicyName { namespace: "default".to_owned(), name: "fence".to_owned() };
    let source = &manifests.policies[&name];
    assert_eq!((source.line, &*source.ingress, &*source.egress), (6, &[13, 15][..], &[18][..]));
}

#[test]
fn says_what_it_passes_over() {
    let text = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\n---\nreplicas: 1\n---\nresources: [a.yaml]\nkind: Kustomization\n---\nkind: Pod\napiVersion: v1\nmetadata: {name: p}\n---\nkind: Pod\napiVersion: v1\nmetadata: {name: p}\n---\nkind: Service\napiVersion: v1\nmetadata: {name: s}\nspec: {ports: [{port: eighty}]}\n";
    let manifests = read(text).unwrap();
    let mut said = manifests.notes.clone();
    said.extend(manifests.irrelevant.iter().map(|(kind, count)| format!("irrelevant: {count} {kind}")));
    said.extend(manifests.snapshot.unreadable.iter().map(|one| format!("unreadable: {} ({})", one.resource, one.why)));
    insta::assert_snapshot!(said.join("\n"));
}

/// One line of several megabytes, as `kubectl get -o json` piped through a compactor gives: time grows with its length.
#[test]
fn reads_one_long_line_in_linear_time() {
    let pod = |n: usize| {
        format!(r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"pod-{n}","labels":{{"n":"{n}"}}}}}}"#)
    };
    let pods: Vec<String> = (0..20_000).map(pod).collect();
    let start = std::time::Instant::now();
    let manifests = read(format!(r#"{{"apiVersion":"v1","kind":"List","items":[{}]}}"#, pods.join(","))).unwrap();
    assert_eq!(manifests.snapshot.pods.len(), 20_000);
    assert!(start.elapsed().as_secs() < 30, "it took {:?}", start.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is read: objects or errors, never a panic, and an error has a place.
    #[test]
    fn never_panics(text in "[\\[\\]{}:,&*!|>'\"%@#\\-a-z0-9 \n\t\r]{0,200}") {
        if let Err(errors) = read(&text) {
            prop_assert!(errors.0.iter().all(|error| error.place.is_some()));
        }
    }

    /// A manifest with one byte changed, removed or doubled.
    #[test]
    fn never_panics_on_a_torn_manifest(at in 0..400_usize, byte in any::<u8>(), how in 0..3_u8, json in any::<bool>()) {
        let whole: &[u8] = if json {
            br#"{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "n", "namespace": "a"}, "spec": {"podSelector": {"matchLabels": {"a": "b"}}, "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}], "ports": [{"port": 80, "endPort": 90, "protocol": "TCP"}]}]}}"#
        } else {
            b"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: n\n  namespace: a\nspec:\n  podSelector:\n    matchLabels: &l {a: b}\n  ingress:\n  - from:\n    - ipBlock:\n        cidr: 10.0.0.0/8\n        except: [10.1.0.0/16]\n    - podSelector: {matchLabels: *l}\n    ports:\n    - {port: 80, endPort: 90, protocol: TCP}\n"
        };
        let mut bytes = whole.to_vec();
        let at = at % bytes.len();
        match how {
            0 => bytes[at] = byte,
            1 => { bytes.remove(at); }
            _ => bytes.insert(at, byte),
        }
        if let Err(errors) = read(&bytes) {
            prop_assert!(errors.0.iter().all(|error| error.place.is_some()));
        }
    }

    /// JSON and the same JSON read as YAML are one.
    #[test]
    fn json_is_yaml(value in "[a-z]{0,8}", number in any::<u16>(), flag in any::<bool>()) {
        let json = format!(r#"{{"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {{"name": "x"}}, "spec": {{"a": "{value}", "b": [{number}, {flag}, null, 1.5, -3, {{}}, []], "c": "\u00e9\n"}}}}"#);
        let as_json = read(&json).unwrap().snapshot.foreign;
        let as_yaml = read(format!("---\n{json}\n")).unwrap().snapshot.foreign;
        prop_assert_eq!(&as_json[0].object, &as_yaml[0].object);
    }
}
