//! Good tenancy files, in all the forms that people and programs write them in; and no bytes at
//! all make the reader panic.

#![cfg(test)]

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use miette::Diagnostic;
use proptest::prelude::*;
use rstest::rstest;
use tenantproof::model::{AuditLevel, Namespace, Port, Principal, Protocol, Quantity, RoleName, RuleId, TenantId};
use tenantproof::tenancy::{
    self, AdmissionRule, Audit, CloudPromise, Flow, FlowPeer, FlowPort, Internal, Mark, NamespaceSelector, Operators,
    Party, PartyKind, PodSecurityLevel, Requirement, Role, Share, Subjects, Tenancy, TenantCloud,
};

const STORY: &[u8] = include_bytes!("../kind-configs/story/tenancy.yaml");
const STORY_WITH_AWS: &[u8] = include_bytes!("../kind-configs/story/aws/tenancy.yaml");

fn read(text: &str) -> Tenancy {
    tenancy::read("tenancy.yaml", text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn the_story_is_read() {
    let story = tenancy::read("tenancy.yaml", STORY).unwrap();
    let ids: Vec<_> = story.parties.iter().map(|party| (party.id.as_str(), party.kind)).collect();
    assert_eq!(
        ids,
        [
            ("tenant-1", PartyKind::Tenant),
            ("tenant-2", PartyKind::Tenant),
            ("basic", PartyKind::Tenant),
            ("backend", PartyKind::Shared),
        ]
    );
    assert_eq!(story.party(&TenantId::from("basic")).unwrap().internal, Internal::Closed);
    let [flow] = story.flows.as_slice() else { panic!("{:?}", story.flows) };
    let analytics_and_subscriber = vec![RoleName::from("analytics"), RoleName::from("subscriber")];
    assert_eq!(flow.from, FlowPeer { party: TenantId::from("tenant-1"), roles: analytics_and_subscriber });
    assert_eq!(flow.to, FlowPeer { party: TenantId::from("backend"), roles: vec![RoleName::from("api")] });
    assert_eq!(flow.ports, [FlowPort { protocol: Protocol::Tcp, port: Port::new(8080).unwrap(), end_port: None }]);
    let audit = story.audit.unwrap();
    assert_eq!((audit.pods, audit.changes), (AuditLevel::RequestResponse, AuditLevel::Request));
    assert_eq!((audit.within, audit.sink), (Some(Duration::from_secs(30)), vec![Namespace::from("kube-system")]));
}

#[test]
fn the_story_with_aws_is_the_story_and_what_its_tenants_reach() {
    let mut story = tenancy::read("tenancy.yaml", STORY_WITH_AWS).unwrap();
    let reaches = |id: &str, tenancy: &Tenancy| {
        let cloud = &tenancy.party(&TenantId::from(id)).unwrap().cloud;
        let accounts: Vec<_> = cloud.accounts.iter().map(ToString::to_string).collect();
        let buckets: Vec<_> = cloud.buckets.iter().map(ToString::to_string).collect();
        (accounts.join(","), buckets.join(","))
    };
    assert_eq!(reaches("tenant-1", &story), ("tenant-1/app".to_owned(), "s3://tenant-1-data".to_owned()));
    assert_eq!(reaches("tenant-2", &story), ("tenant-2/app".to_owned(), "s3://tenant-2-data".to_owned()));
    assert_eq!(reaches("basic", &story), (String::new(), String::new()));
    for party in &mut story.parties {
        party.cloud = TenantCloud::default();
    }
    assert_eq!(story, tenancy::read("tenancy.yaml", STORY).unwrap());
}

const REACHES: &str = r#"
apiVersion: tenantproof.dev/v1
kind: Tenancy
name: reaches
cloud: {credentials: {longest: 1h}}
tenants:
- id: a
  namespaces: [a]
  cloud:
    serviceAccounts: [{name: app}, {namespace: a, name: batch.v2}]
    buckets: [{name: shared, prefix: a/, account: "111122223333"}, {name: a-own}]
    tables: [{name: orders, partitionKey: tenant, leading: a}]
    keys: ["arn:aws:kms:eu-west-1:111122223333:key/1234"]
- id: b
  namespaces: {matchLabels: {tenant: b}}
  cloud:
    serviceAccounts: [{namespace: b-jobs, name: app}]
    buckets: [{name: shared, prefix: b/}]
    tables: [{name: orders, partitionKey: tenant, leading: b}]
"#;

#[test]
fn what_tenants_reach_in_aws_is_read_and_written_as_it_was() {
    let read = read(REACHES);
    assert_eq!(read.cloud.longest, Duration::from_secs(3600));
    let cloud = &read.party(&TenantId::from("a")).unwrap().cloud;
    assert_eq!(cloud.accounts.iter().map(ToString::to_string).collect::<Vec<_>>(), ["a/app", "a/batch.v2"]);
    assert_eq!(cloud.keys.iter().map(tenantproof::tenancy::CloudKey::region).collect::<Vec<_>>(), ["eu-west-1"]);
    let written = tenancy::render(&read, &[], &[]);
    assert_eq!(tenancy::read("tenancy.yaml", written.as_bytes()).unwrap(), read, "{written}");
}

#[rstest]
#[case("within: 1s", Some(1))]
#[case("within: 5m", Some(300))]
#[case("within: 1h", Some(3600))]
#[case("secrets: Metadata", Some(0))]
#[case("within: 0s", None)]
#[case("within: 61m", None)]
#[case("within: 1.5s", None)]
#[case("within: s", None)]
#[case("within: 99999999999999999999s", None)]
fn a_time_is_from_a_second_to_an_hour(#[case] audit: &str, #[case] seconds: Option<u64>) {
    let text = format!("{TWO}audit: {{{audit}}}\n");
    let read = tenancy::read("tenancy.yaml", text.as_bytes());
    assert_eq!(read.ok().map(|read| read.audit.unwrap().within.map_or(0, |within| within.as_secs())), seconds);
}

#[rstest]
#[case::none("", None)]
#[case::nobody("operators: {principals: []}\n", Some(0))]
#[case::one("operators: {principals: ['arn:aws:iam::111122223333:role/eng/platform']}\n", Some(1))]
fn who_runs_the_cluster_is_nobody_or_not_said(#[case] text: &str, #[case] count: Option<usize>) {
    let operators = read(&format!("{TWO}{text}")).operators;
    assert_eq!(operators.map(|operators| operators.principals.len()), count);
}

const TWO: &str = "apiVersion: tenantproof.dev/v1\nkind: Tenancy\nname: two\ntenants:\n- id: a\n  namespaces: [a]\n- id: b\n  namespaces: [b]\n";

#[rstest]
#[case::as_it_is(TWO.to_owned())]
#[case::byte_order_mark(format!("\u{feff}{TWO}"))]
#[case::windows_line_ends(TWO.replace('\n', "\r\n"))]
#[case::document_marks(format!("---\n{TWO}...\n"))]
#[case::flows_and_shared_left_blank(format!("{TWO}shared:\nflows:\n"))]
#[case::no_line_end(TWO.trim_end().to_owned())]
#[case::anchors(TWO.replace("[a]", "&own [a]").replace("[b]", "{names: [b]}"))]
#[case::json(
    r#"{"apiVersion": "tenantproof.dev/v1", "kind": "Tenancy", "name": "two",
        "tenants": [{"id": "a", "namespaces": ["a"]}, {"id": "b", "namespaces": ["b"]}]}"#.to_owned()
)]
fn the_same_is_read_from_every_form(#[case] text: String) {
    assert_eq!(read(&text), read(TWO));
}

#[test]
fn the_example_of_the_documentation_is_read() {
    let page = include_str!("../docs/tenancy.md");
    let example = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert_eq!(read(example).flows.len(), 1);
}

#[test]
fn the_protocol_is_tcp_where_none_is_given() {
    let flows = "flows:\n- from: {tenant: a}\n  to: {tenant: b}\n  ports: [{port: 1}, {protocol: UDP, port: 53, endPort: 65535}]\n";
    let ports = read(&format!("{TWO}{flows}")).flows.remove(0).ports;
    assert_eq!(ports[0].protocol, Protocol::Tcp);
    assert_eq!((ports[1].protocol, ports[1].end_port), (Protocol::Udp, Port::new(65535)));
}

#[test]
fn one_tenant_is_enough_where_its_inside_is_judged() {
    let one = "apiVersion: tenantproof.dev/v1\nkind: Tenancy\nname: one\ntenants:\n- id: a\n  namespaces: [a]\n  internal: closed\n";
    assert_eq!(read(one).parties.len(), 1);
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?",
        // Words that YAML could take for something else.
        prop::sample::select(vec!["true", "no", "null", "1e3", "0x1f", "007", "nan", "1.5", "y"])
            .prop_map(str::to_owned),
    ]
    .prop_filter("a namespace", |name: &String| !name.contains('.'))
}

fn labels() -> impl Strategy<Value = BTreeMap<String, String>> {
    let key = prop_oneof!["[A-Za-z0-9]([A-Za-z0-9._-]{0,10}[A-Za-z0-9])?", "[a-z]{1,5}\\.[a-z]{1,5}/[a-z]{1,8}"];
    prop::collection::btree_map(key, "([A-Za-z0-9]([A-Za-z0-9._-]{0,10}[A-Za-z0-9])?)?", 1..3)
}

fn party(kind: PartyKind, number: usize) -> impl Strategy<Value = Party> {
    let roles = prop::collection::btree_map(name(), labels(), 0..3);
    let tier = prop::option::of(name());
    let internal = prop::sample::select(vec![Internal::Unjudged, Internal::Open, Internal::Closed]);
    let names = prop::collection::btree_set(name(), 0..3);
    (name(), tier, names, prop::option::of(labels()), roles, internal, subjects(number), share()).prop_map(
        move |(id, tier, names, selected, roles, internal, subjects, share)| {
            // Shared parts have none of either.
            let tenant = kind == PartyKind::Tenant;
            // What makes ids and namespaces differ between parties.
            let own = |name: String| format!("{name}-{number}");
            let mut match_labels = selected.unwrap_or_default();
            if names.is_empty() || !match_labels.is_empty() {
                match_labels.insert("party".to_owned(), number.to_string());
            }
            let names = names.into_iter().map(|name| Namespace::new(own(name))).collect();
            let roles = roles.into_iter().map(|(name, labels)| Role { name: RoleName::new(name), labels }).collect();
            Party {
                id: TenantId::new(own(id)),
                kind,
                tier: tier.filter(|_| kind == PartyKind::Tenant),
                namespaces: NamespaceSelector { names, match_labels },
                roles,
                internal,
                subjects: if tenant { subjects } else { Subjects::default() },
                share: if tenant { share } else { Share::default() },
                cloud: TenantCloud::default(),
            }
        },
    )
}

fn subjects(number: usize) -> impl Strategy<Value = Subjects> {
    let names =
        || prop::collection::btree_set("[a-z:@./ -]{1,12}[a-z]", 0..3).prop_map(|all| all.into_iter().collect());
    (names(), names(), principals(number)).prop_map(|(groups, users, principals)| Subjects {
        groups,
        users,
        principals,
    })
}

/// Principals of an account of this number, so that no two parties have one.
fn principals(number: usize) -> impl Strategy<Value = Vec<Principal>> {
    let arn = move |(partition, rest): (&str, String)| format!("arn:{partition}:iam::{number:012}:{rest}");
    let partition = prop::sample::select(vec!["aws", "aws-cn"]);
    let one = (partition, "(role|user)/([!-~]{0,4}[a-z]/)?[a-z0-9+=,.@_-]{1,12}")
        .prop_map(move |parts| arn(parts).parse::<Principal>().unwrap());
    prop::collection::vec(one, 0..3).prop_map(|all| {
        let mut own: Vec<Principal> = Vec::new();
        for principal in all {
            if !own.iter().any(|other| other.is(&principal)) {
                own.push(principal);
            }
        }
        own
    })
}

fn share() -> impl Strategy<Value = Share> {
    let amounts = || {
        let amount = prop_oneof![0..100_000_i128, (1..64_i128).prop_map(|gib| (gib << 30) * 1000)];
        prop::collection::btree_map("[a-z]{1,8}(/[a-z.]{1,8}[a-z])?", amount.prop_map(Quantity::of_milli), 0..3)
    };
    (amounts(), amounts()).prop_map(|(quota, container)| Share { quota, container })
}

fn audit() -> impl Strategy<Value = Option<Audit>> {
    let level = || prop::sample::select(vec![AuditLevel::Metadata, AuditLevel::Request, AuditLevel::RequestResponse]);
    let sink = prop::sample::subsequence(vec!["logging", "kube-system"], 0..=2);
    let all = (prop::option::of(1_u64..=3600), level(), level(), prop::option::of(level()), level(), sink);
    prop::option::of(all.prop_map(|(within, pods, changes, reads, secrets, sink)| Audit {
        within: within.map(Duration::from_secs),
        pods,
        changes,
        reads,
        secrets,
        sink: sink.into_iter().map(Namespace::from).collect(),
    }))
}

fn flow(parties: Vec<Party>) -> impl Strategy<Value = Option<Flow>> {
    let peer = |parties: Vec<Party>| {
        (prop::sample::select(parties), any::<bool>()).prop_map(|(party, roles)| {
            let names = party.roles.iter().map(|role| role.name.clone());
            (FlowPeer { party: party.id.clone(), roles: names.filter(|_| roles).collect() }, party.internal)
        })
    };
    let port = (prop::sample::select(Protocol::ALL.to_vec()), 1..=u16::MAX, prop::option::of(0..1000_u16)).prop_map(
        |(protocol, port, more)| FlowPort {
            protocol,
            port: Port::new(port).unwrap(),
            end_port: more.and_then(|more| Port::new(port.saturating_add(more))),
        },
    );
    let ports = prop::collection::vec(port, 1..3);
    (peer(parties.clone()), peer(parties), ports, prop::option::of(any::<String>())).prop_map(
        |((from, internal), (to, _), ports, why)| {
            (from.party != to.party || internal == Internal::Closed).then_some(Flow { from, to, ports, why })
        },
    )
}

fn admission(tenants: Vec<TenantId>) -> impl Strategy<Value = Vec<AdmissionRule>> {
    let mark = ("[a-z]{1,8}", prop::option::of("[A-Za-z0-9]{1,8}")).prop_map(|(key, value)| Mark { key, value });
    let marks = prop::collection::vec(mark, 1..3);
    let require = prop_oneof![
        Just(Requirement::RunAsNonRoot),
        Just(Requirement::PodSecurity(PodSecurityLevel::Baseline)),
        Just(Requirement::PodSecurity(PodSecurityLevel::Restricted)),
        prop::collection::btree_set("[a-z.]{1,8}/[ #]?", 1..3)
            .prop_map(|all| Requirement::Registries(all.into_iter().collect())),
        marks.clone().prop_map(Requirement::Labels),
        (marks, any::<bool>())
            .prop_map(|(tags, public_access_block)| Requirement::Bucket { tags, public_access_block }),
    ];
    let count = tenants.len();
    let some = prop::sample::subsequence(tenants, 0..=count);
    let rule = (some, prop::collection::btree_map("[a-z]{1,8}", "[A-Za-z0-9]{1,8}", 0..2), require);
    prop::collection::vec(rule, 0..3).prop_map(|rules| {
        let rule = |(index, (tenants, pods, require))| {
            let of_pods = !matches!(require, Requirement::Bucket { .. });
            let pods = if of_pods { pods } else { BTreeMap::new() };
            AdmissionRule { id: RuleId::new(format!("rule-{index}")), tenants, pods, require }
        };
        rules.into_iter().enumerate().map(rule).collect()
    })
}

fn tenancies() -> impl Strategy<Value = Tenancy> {
    let tenants = (party(PartyKind::Tenant, 1), party(PartyKind::Tenant, 2), party(PartyKind::Shared, 3));
    let operators = prop::option::of(principals(4).prop_map(|principals| Operators { principals }));
    (".*[^\\s].*", tenants, any::<bool>(), audit(), operators)
        .prop_map(|(name, (a, b, shared), with_shared, audit, operators)| {
            let parties = if with_shared { vec![a, b, shared] } else { vec![a, b] };
            let cloud = CloudPromise::default();
            Tenancy { name, parties, flows: Vec::new(), admission: Vec::new(), audit, operators, cloud }
        })
        .prop_flat_map(|tenancy| {
            let flows = prop::collection::vec(flow(tenancy.parties.clone()), 0..4);
            let ids = tenancy.parties.iter().filter(|party| party.kind == PartyKind::Tenant);
            let rules = admission(ids.map(|party| party.id.clone()).collect());
            (Just(tenancy), flows, rules).prop_map(|(tenancy, flows, admission)| Tenancy {
                flows: flows.into_iter().flatten().collect(),
                admission,
                ..tenancy
            })
        })
}

static SCHEMA: LazyLock<jsonschema::Validator> =
    LazyLock::new(|| jsonschema::validator_for(&tenancy::schema()).unwrap());

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back_equal_and_valid(tenancy in tenancies(), notes in prop::collection::vec(".*", 0..3)) {
        let text = tenancy::render(&tenancy, &[], &notes);
        let back = tenancy::read("written.yaml", text.as_bytes());
        prop_assert_eq!(back.map_err(|error| format!("{error}\n{text}")), Ok(tenancy));
        let json: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        let errors: Vec<_> = SCHEMA.iter_errors(&json).map(|error| error.to_string()).collect();
        prop_assert!(errors.is_empty(), "{:?}\n{}", errors, text);
    }

    #[test]
    fn proposed_flows_are_read_once_their_comment_signs_are_gone(tenancy in tenancies()) {
        let flows = tenancy.flows.clone();
        let tenancy = Tenancy { flows: Vec::new(), ..tenancy };
        prop_assume!(!flows.is_empty());
        let text = tenancy::render(&tenancy, &flows, &[]);
        prop_assert_eq!(&read(&text), &tenancy, "proposed flows must not be in force");
        let (head, proposals) = text.split_once("before it.\n").unwrap();
        let confirmed: Vec<_> = proposals.lines().map(|line| &line[2..]).collect();
        prop_assert_eq!(read(&format!("{head}before it.\n{}\n", confirmed.join("\n"))).flows, flows);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&bytes);
    }

    #[test]
    fn no_damage_to_a_good_file_makes_the_reader_panic(
        at in 0..STORY.len(), cut in 0..80_usize, put in "[\\PC\\n\\t:{}\\[\\]&*!|>'\"%@`-]{0,6}"
    ) {
        let mut bytes = STORY.to_vec();
        bytes.splice(at..(at + cut).min(STORY.len()), put.bytes());
        check(&bytes);
    }
}

/// Whatever is read, an error points into the file and can be shown.
fn check(bytes: &[u8]) {
    let Err(error) = tenancy::read("tenancy.yaml", bytes) else { return };
    let length = String::from_utf8_lossy(bytes).len();
    for problem in error.problems() {
        assert!(problem.to_string().starts_with("tenancy.yaml:"));
        for label in problem.labels().into_iter().flatten() {
            assert!(label.offset() + label.len() <= length.max(1), "{problem}");
        }
    }
    let mut page = String::new();
    let theme = miette::GraphicalTheme::unicode_nocolor();
    miette::GraphicalReportHandler::new_themed(theme).render_report(&mut page, &error).unwrap();
}
