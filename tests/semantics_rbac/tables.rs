//! A table for each rule of `docs/semantics.md`.

use rstest::rstest;
use tenantproof::semantics::Unreadable;
use tenantproof::semantics::manifests::{Manifests, SourceFile};
use tenantproof::semantics::rbac::escalation::{Catalogue, DANGERS};
use tenantproof::semantics::rbac::{
    Answer, Decision, Doubt, RbacObjects, ReadFrom, Request, ResourceRequest, Rules, Scope, Subject, Verb,
};

const HEAD: &str = "apiVersion: rbac.authorization.k8s.io/v1\n";

fn read(text: &str) -> Manifests {
    let documents: Vec<String> = text
        .split("---\n")
        .map(|document| if document.contains("apiVersion") { document.to_owned() } else { format!("{HEAD}{document}") })
        .collect();
    let bytes = documents.join("\n---\n").into_bytes();
    Manifests::read([SourceFile { name: "x.yaml".to_owned(), bytes }]).unwrap_or_else(|error| panic!("{error}"))
}

/// `VERB RESOURCE[.GROUP][/SUBRESOURCE][#NAME][@NAMESPACE]`, or `VERB /PATH`.
fn request(asked: &str) -> Request<'_> {
    let (verb, object) = asked.split_once(' ').unwrap();
    let verb = Verb::new(verb);
    if object.starts_with('/') {
        return Request::NonResource { verb, path: object };
    }
    let (object, namespace) = object.split_once('@').unwrap_or((object, ""));
    let (object, name) = object.split_once('#').unwrap_or((object, ""));
    let (object, subresource) = object.split_once('/').unwrap_or((object, ""));
    let (resource, api_group) = object.split_once('.').unwrap_or((object, ""));
    let scope = Scope::of(namespace);
    Request::Resource(ResourceRequest { verb, api_group, resource, subresource, scope, name })
}

/// `sa:NAMESPACE/NAME`, `group:NAME` or `NAME[+GROUP...]`.
fn subject(who: &str) -> Subject {
    if let Some((namespace, name)) = who.strip_prefix("sa:").and_then(|who| who.split_once('/')) {
        return Subject::service_account(namespace, name);
    }
    if let Some(name) = who.strip_prefix("group:") {
        return Subject::group(name, []);
    }
    let mut parts = who.split('+').map(str::to_owned);
    let name = parts.next().unwrap();
    Subject::user(&name, parts)
}

fn decide(objects: &RbacObjects, who: &str, asked: &str) -> Decision {
    Rules::compile(objects).decide(&subject(who), &request(asked))
}

fn answer(text: &str, who: &str, asked: &str) -> Answer {
    decide(&read(text).rbac, who, asked).answer
}

const READERS: &str = "kind: Role
metadata: {name: reader, namespace: a}
rules:
- {verbs: [get, list], apiGroups: [''], resources: [pods, pods/log]}
- {verbs: ['*'], apiGroups: [''], resources: [secrets], resourceNames: [db]}
---
kind: RoleBinding
metadata: {name: readers, namespace: a}
roleRef: {kind: Role, name: reader, apiGroup: rbac.authorization.k8s.io}
subjects:
- {kind: ServiceAccount, name: app}
- {kind: ServiceAccount, name: other, namespace: b}
- {kind: User, name: ann}
- {kind: Group, name: dev}
---
kind: ClusterRole
metadata: {name: nodes}
rules:
- {verbs: [get], apiGroups: ['', metrics.k8s.io], resources: [nodes, '*/stats']}
- {verbs: [get], nonResourceURLs: [/metrics, /healthz/*]}
---
kind: ClusterRoleBinding
metadata: {name: nodes}
roleRef: {kind: ClusterRole, name: nodes}
subjects:
- {kind: Group, name: 'system:serviceaccounts:b'}
- {kind: User, name: ann}
---
kind: RoleBinding
metadata: {name: nodes, namespace: a}
roleRef: {kind: ClusterRole, name: nodes}
subjects: [{kind: Group, name: 'system:unauthenticated'}]
";

#[rstest]
#[case::own_namespace("sa:a/app", "get pods@a", true)]
#[case::an_account_without_a_namespace_is_of_the_bindings("sa:b/app", "get pods@a", false)]
#[case::an_account_of_another_namespace("sa:b/other", "list pods@a", true)]
#[case::not_in_another_namespace("sa:a/app", "get pods@b", false)]
#[case::not_in_the_whole_cluster("sa:a/app", "list pods", false)]
#[case::a_user_named_as_an_account_is_it("system:serviceaccount:a:app", "get pods@a", true)]
#[case::a_user("ann", "get pods/log@a", true)]
#[case::a_member("bob+dev", "get pods@a", true)]
#[case::any_member("group:dev", "get pods@a", true)]
#[case::a_user_with_the_name_of_a_group("dev", "get pods@a", false)]
#[case::a_group_with_the_name_of_a_user("group:ann", "get pods@a", false)]
#[case::another_verb("ann", "watch pods@a", false)]
#[case::another_group("ann", "get pods.apps@a", false)]
#[case::another_subresource("ann", "get pods/exec@a", false)]
#[case::named("ann", "delete secrets#db@a", true)]
#[case::named_otherwise("ann", "get secrets#web@a", false)]
#[case::a_list_has_no_name("ann", "list secrets@a", false)]
#[case::unless_a_field_selector_gives_one("ann", "list secrets#db@a", true)]
#[case::what_is_created_has_no_name("ann", "create secrets@a", false)]
#[case::nor_has_what_is_deleted_together("ann", "deletecollection secrets@a", false)]
#[case::the_group_of_a_namespaces_accounts("sa:b/any", "get nodes", true)]
#[case::and_not_of_another("sa:a/any", "get nodes", false)]
#[case::a_cluster_role_for_the_cluster_holds_in_namespaces("ann", "get pods.metrics.k8s.io/stats@z", true)]
#[case::any_resources_subresource("ann", "get nodes/stats", true)]
#[case::a_path("ann", "get /metrics", true)]
#[case::a_path_below("ann", "get /healthz/ping", true)]
#[case::another_path("ann", "get /metrics/more", false)]
#[case::a_role_binding_grants_no_paths("system:anonymous", "get /metrics", false)]
#[case::nor_what_is_cluster_scoped("system:anonymous", "get nodes", false)]
#[case::but_in_its_namespace("system:anonymous", "get nodes@a", true)]
#[case::who_is_not_authenticated("bob+system:unauthenticated", "get nodes@a", true)]
#[case::masters("bob+system:masters", "delete nodes", true)]
#[case::any_master("group:system:masters", "get /anything", true)]
fn who_may_what(#[case] who: &str, #[case] asked: &str, #[case] allowed: bool) {
    let expected = if allowed { Answer::Allowed } else { Answer::Denied };
    let decision = decide(&read(READERS).rbac, who, asked);
    assert_eq!(decision.answer, expected, "{}", decision.because());
}

const AGGREGATED: &str = "kind: ClusterRole
metadata: {name: monitoring}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {to-monitoring: 'true'}}, {matchExpressions: [{key: extra, operator: Exists}]}]}
rules: [{verbs: [delete], apiGroups: [''], resources: [overwritten]}]
---
kind: ClusterRole
metadata: {name: endpoints, labels: {to-monitoring: 'true'}}
rules: [{verbs: [get], apiGroups: [''], resources: [endpoints]}]
---
kind: ClusterRole
metadata: {name: more, labels: {to-monitoring: 'true', extra: ''}}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {to-more: 'true'}}]}
---
kind: ClusterRole
metadata: {name: deep, labels: {to-more: 'true'}}
rules: [{verbs: [get], apiGroups: [''], resources: [endpoints]}, {verbs: [get], apiGroups: [''], resources: [deep]}]
---
kind: ClusterRole
metadata: {name: aside, labels: {to-monitoring: 'false'}}
rules: [{verbs: [get], apiGroups: [''], resources: [aside]}]
---
kind: ClusterRoleBinding
metadata: {name: m}
roleRef: {kind: ClusterRole, name: monitoring}
subjects: [{kind: User, name: ann}]
";

#[rstest]
#[case::selected("get endpoints", Answer::Allowed)]
#[case::by_way_of_another("get deep", Answer::Allowed)]
#[case::its_own_are_overwritten("delete overwritten", Answer::Denied)]
#[case::not_selected("get aside", Answer::Denied)]
fn aggregation(#[case] asked: &str, #[case] expected: Answer) {
    let mut objects = read(AGGREGATED).rbac;
    assert_eq!(decide(&objects, "ann", asked).answer, expected);
    // What a cluster says of its own roles is taken as it is.
    objects.read_from = ReadFrom::Cluster;
    let own = asked == "delete overwritten";
    assert_eq!(decide(&objects, "ann", asked).answer, if own { Answer::Allowed } else { Answer::Denied });
}

const BINDINGS: &str = "kind: ClusterRoleBinding
metadata: {name: c}
roleRef: {kind: ClusterRole, name: ROLE}
subjects: [{kind: User, name: ann}]
---
kind: RoleBinding
metadata: {name: r, namespace: a}
roleRef: {kind: Role, name: ROLE}
subjects: [{kind: User, name: bob}]
---
kind: RoleBinding
metadata: {name: ok, namespace: a}
roleRef: {kind: ClusterRole, name: ok}
subjects: [{kind: User, name: bob}]
---
kind: ClusterRole
metadata: {name: ok}
rules: [{verbs: [get], apiGroups: [''], resources: [pods]}]
";

/// What is missing, is not there; what is not understood may be anything, and nothing else is touched by it.
#[rstest]
#[case::missing("", "gone", "ann get pods", Answer::Denied)]
#[case::missing_hinders_no_other("", "gone", "bob get pods@a", Answer::Allowed)]
#[case::of_the_api_server("", "view", "ann get pods", Answer::Unknown)]
#[case::of_the_api_server_is_no_role("", "view", "bob watch pods@a", Answer::Denied)]
#[case::everybodys_admin("", "cluster-admin", "ann get pods", Answer::Allowed)]
#[case::everybodys_admin_and_paths("", "cluster-admin", "ann get /metrics", Answer::Allowed)]
#[case::a_role_that_cant_be_read(
    "kind: Role\nmetadata: {name: x, namespace: a}\nrules: [{verbs: get}]\n",
    "x",
    "bob watch pods@a",
    Answer::Unknown
)]
#[case::but_what_is_known_is(
    "kind: Role\nmetadata: {name: x, namespace: a}\nrules: [{verbs: get}]\n",
    "x",
    "bob get pods@a",
    Answer::Allowed
)]
#[case::only_its_namespace(
    "kind: Role\nmetadata: {name: x, namespace: a}\nrules: [{verbs: get}]\n",
    "x",
    "bob get pods@b",
    Answer::Denied
)]
#[case::only_its_subjects(
    "kind: Role\nmetadata: {name: x, namespace: a}\nrules: [{verbs: get}]\n",
    "x",
    "eve get pods@a",
    Answer::Denied
)]
#[case::a_template(
    "kind: Role\nmetadata: {name: '{{ .x }}', namespace: a}\nrules: []\n",
    "x",
    "bob watch pods@a",
    Answer::Unknown
)]
#[case::a_template_among_annotations(
    "kind: Role\nmetadata: {name: x, namespace: a, annotations: {a: '{{'}}\nrules: []\n",
    "x",
    "bob watch pods@a",
    Answer::Denied
)]
#[case::a_binding_that_cant_be_read(
    "kind: RoleBinding\nmetadata: {name: y, namespace: a}\nsubjects: 7\n",
    "x",
    "eve get pods@a",
    Answer::Unknown
)]
#[case::elsewhere(
    "kind: RoleBinding\nmetadata: {name: y, namespace: a}\nsubjects: 7\n",
    "x",
    "eve get pods@b",
    Answer::Denied
)]
#[case::cluster_wide(
    "kind: RoleBinding\nmetadata: {name: y, namespace: a}\nsubjects: 7\n",
    "x",
    "eve get pods",
    Answer::Denied
)]
#[case::a_cluster_binding_that_cant_be_read(
    "kind: ClusterRoleBinding\nmetadata: {name: y}\nsubjects: 7\n",
    "x",
    "eve get /metrics",
    Answer::Unknown
)]
#[case::without_a_name("kind: ClusterRoleBinding\nsubjects: []\n", "x", "eve get pods@b", Answer::Unknown)]
#[case::a_stray_field(
    "kind: Role\nmetadata: {name: x, namespace: a}\nrules: [{verbs: [watch], apiGroups: [''], resources: [pods], resourceName: [y]}]\n",
    "x",
    "bob watch pods@a",
    Answer::Unknown
)]
#[case::which_grants_nothing_else(
    "kind: Role\nmetadata: {name: x, namespace: a}\nrules: [{verbs: [watch], apiGroups: [''], resources: [pods], resourceName: [y]}]\n",
    "x",
    "bob delete pods@a",
    Answer::Denied
)]
#[case::paths_in_a_role(
    "kind: Role\nmetadata: {name: x, namespace: a}\nrules: [{verbs: [get], nonResourceURLs: ['*']}]\n",
    "x",
    "bob get /metrics",
    Answer::Denied
)]
#[case::an_old_version(
    "apiVersion: rbac.authorization.k8s.io/v1beta1\nkind: Role\nmetadata: {name: x, namespace: a}\nrules: [{verbs: [watch], apiGroups: [''], resources: [pods]}]\n",
    "x",
    "bob watch pods@a",
    Answer::Unknown
)]
#[case::twice_and_alike(
    "kind: Role\nmetadata: {name: x, namespace: a}\nrules: [{verbs: [watch], apiGroups: [''], resources: [pods]}]\n---\nkind: Role\nmetadata: {name: x, namespace: a}\nrules: [{verbs: [watch], apiGroups: [''], resources: [pods]}]\n",
    "x",
    "bob watch pods@a",
    Answer::Allowed
)]
#[case::twice_and_differently(
    "kind: Role\nmetadata: {name: x, namespace: a}\nrules: [{verbs: [watch], apiGroups: [''], resources: [pods]}]\n---\nkind: Role\nmetadata: {name: x, namespace: a}\nrules: []\n",
    "x",
    "bob watch pods@a",
    Answer::Unknown
)]
#[case::a_cluster_role_that_cant_be_read(
    "kind: ClusterRole\nmetadata: {name: x}\nrules: 1\n",
    "x",
    "ann watch pods",
    Answer::Unknown
)]
#[case::may_be_aggregated(
    "kind: ClusterRole\nmetadata: {name: y}\nrules: 1\n---\nkind: ClusterRole\nmetadata: {name: x}\naggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}\n",
    "x",
    "ann watch pods",
    Answer::Unknown
)]
#[case::a_controllers(
    "apiVersion: rbacmanager.reactiveops.io/v1beta1\nkind: RBACDefinition\nmetadata: {name: y}\n",
    "x",
    "eve get pods",
    Answer::Unknown
)]
#[case::a_controllers_of_a_namespace(
    "apiVersion: authorization.openshift.io/v1\nkind: RoleBinding\nmetadata: {name: y, namespace: a}\n",
    "x",
    "eve get pods@b",
    Answer::Denied
)]
fn what_is_not_known(#[case] more: &str, #[case] role: &str, #[case] asked: &str, #[case] expected: Answer) {
    let text = format!("{}---\n{more}", BINDINGS.replace("ROLE", role));
    let text = text.strip_suffix("---\n").unwrap_or(&text);
    let (who, asked) = asked.split_once(' ').unwrap();
    let decision = decide(&read(text).rbac, who, asked);
    assert_eq!(decision.answer, expected, "{}", decision.because());
    if expected == Answer::Unknown {
        assert!(Doubt::RULES.iter().any(|rule| decision.because().contains(rule)), "{}", decision.because());
    }
}

/// What a cluster did not let us list.
#[rstest]
#[case::roles("roles", Some("a"), "bob watch pods@a", Answer::Unknown)]
#[case::roles_elsewhere("roles", Some("b"), "bob watch pods@a", Answer::Denied)]
#[case::all_roles("roles", None, "bob watch pods@a", Answer::Unknown)]
#[case::roles_and_who_is_bound_to_none("roles", None, "eve watch pods@a", Answer::Denied)]
#[case::cluster_roles("clusterroles", None, "ann watch pods", Answer::Unknown)]
#[case::bindings("rolebindings", Some("a"), "eve get pods@a", Answer::Unknown)]
#[case::bindings_elsewhere("rolebindings", Some("b"), "eve get pods@a", Answer::Denied)]
#[case::all_bindings("rolebindings", None, "eve get pods@a", Answer::Unknown)]
#[case::all_bindings_of_namespaces("rolebindings", None, "eve get pods", Answer::Denied)]
#[case::cluster_bindings("clusterrolebindings", None, "eve get pods", Answer::Unknown)]
fn what_could_not_be_listed(
    #[case] resource: &str,
    #[case] namespace: Option<&str>,
    #[case] asked: &str,
    #[case] expected: Answer,
) {
    let mut objects = read(&BINDINGS.replace("ROLE", "x")).rbac;
    objects.read_from = ReadFrom::Cluster;
    objects.unreadable.push(Unreadable {
        resource: format!("{resource}.rbac.authorization.k8s.io"),
        namespace: namespace.map(str::to_owned),
        why: "forbidden".to_owned(),
    });
    let (who, asked) = asked.split_once(' ').unwrap();
    let decision = decide(&objects, who, asked);
    assert_eq!(decision.answer, expected, "{}", decision.because());
    assert_eq!(Rules::compile(&objects).accounting().not_understood.len(), 1);
}

#[test]
fn roles_that_aggregate_one_another_leave_their_own_rules_in_doubt() {
    let cycle = "kind: ClusterRole
metadata: {name: x, labels: {to-y: 'true'}}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {to-x: 'true'}}]}
rules: [{verbs: [get], apiGroups: [''], resources: [x]}]
---
kind: ClusterRole
metadata: {name: y, labels: {to-x: 'true'}}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {to-y: 'true'}}]}
---
kind: ClusterRole
metadata: {name: z, labels: {to-y: 'true'}}
rules: [{verbs: [get], apiGroups: [''], resources: [z]}]
---
kind: ClusterRoleBinding
metadata: {name: c}
roleRef: {kind: ClusterRole, name: x}
subjects: [{kind: User, name: ann}]
";
    assert_eq!(answer(cycle, "ann", "get z"), Answer::Allowed);
    assert_eq!(answer(cycle, "ann", "get x"), Answer::Unknown);
    assert_eq!(answer(cycle, "ann", "get w"), Answer::Denied);
}

#[test]
fn every_reason_is_a_sentence() {
    let text = format!("{READERS}---\n{AGGREGATED}---\n{}", BINDINGS.replace("ROLE", "view"));
    let text = format!(
        "{text}---\nkind: RoleBinding\nmetadata: {{name: q, namespace: q}}\nroleRef: {{kind: Role, name: gone}}\nsubjects: [{{kind: User, name: eve}}, {{kind: Robot, name: r}}]\n---\nkind: Role\nmetadata: {{name: torn, namespace: t}}\nrules: [{{verbs: get}}]\n---\nkind: RoleBinding\nmetadata: {{name: torn, namespace: t}}\nroleRef: {{kind: Role, name: torn}}\nsubjects: [{{kind: Group, name: 'system:authenticated'}}]\n"
    );
    let manifests = read(&text);
    let rules = Rules::compile(&manifests.rbac);
    let asked = [
        ("sa:a/app", "get pods@a"),
        ("sa:b/x", "get nodes"),
        ("ann", "get deep"),
        ("ann", "get other@a"),
        ("bob", "get pods@a"),
        ("eve", "get pods@q"),
        ("eve", "get pods@t"),
        ("eve", "get pods@b"),
        ("eve+system:masters", "get pods@b"),
    ];
    let told: Vec<String> = asked
        .iter()
        .map(|(who, asked)| format!("{who} {asked}: {}", rules.decide(&subject(who), &request(asked)).because()))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
    insta::assert_debug_snapshot!(rules.accounting());
}

#[rstest]
#[case::impersonate(
    "{verbs: [impersonate], apiGroups: [''], resources: [users], resourceNames: [root]}",
    "impersonate: impersonate users in cluster: Named"
)]
#[case::extra(
    "{verbs: ['*'], apiGroups: [authentication.k8s.io], resources: [userextras/team]}",
    "impersonate-attributes: impersonate userextras/team in cluster: Everything"
)]
#[case::tokens(
    "{verbs: [create], apiGroups: [''], resources: ['*/token']}",
    "issue-tokens: create serviceaccounts/token in cluster: Everything"
)]
#[case::harmless("{verbs: [get, list], apiGroups: [''], resources: [pods, pods/log, nodes]}", "")]
#[case::labels(
    "{verbs: [patch], apiGroups: [''], resources: [namespaces]}",
    "label-namespaces: patch namespaces in cluster: Everything"
)]
fn dangerous_grants_are_found(#[case] rule: &str, #[case] expected: &str) {
    let text = format!(
        "kind: ClusterRole\nmetadata: {{name: x}}\nrules: [{rule}]\n---\nkind: ClusterRoleBinding\nmetadata: {{name: x}}\nroleRef: {{kind: ClusterRole, name: x}}\nsubjects: [{{kind: User, name: ann}}]\n"
    );
    assert_eq!(dangers(&text, &[]), expected);
}

#[test]
fn what_is_everyday_work_at_home_is_dangerous_elsewhere() {
    let text = "kind: ClusterRole\nmetadata: {name: x}\nrules: [{verbs: [create], apiGroups: [''], resources: [pods/exec, nodes/proxy]}]\n---\nkind: RoleBinding\nmetadata: {name: x, namespace: a}\nroleRef: {kind: ClusterRole, name: x}\nsubjects: [{kind: User, name: ann}]\n---\nkind: RoleBinding\nmetadata: {name: x, namespace: b}\nroleRef: {kind: ClusterRole, name: x}\nsubjects: [{kind: User, name: ann}]\n";
    assert_eq!(dangers(text, &["a"]), "exec: create pods/exec in b: Everything");
}

fn dangers(text: &str, home: &[&str]) -> String {
    let manifests = read(text);
    let rules = Rules::compile(&manifests.rbac);
    let found = Catalogue::new(&rules).of(&rules.standing(subject("ann")), home);
    let told = found.iter().map(|found| {
        let slash = if found.action.subresource.is_empty() { "" } else { "/" };
        format!(
            "{}: {} {}{slash}{} in {}: {:?}",
            found.danger.id,
            found.action.verb,
            found.action.resource,
            found.action.subresource,
            found.scope.namespace().unwrap_or("cluster"),
            found.reached
        )
    });
    told.collect::<Vec<_>>().join("\n")
}

#[test]
fn dangers_have_names_of_their_own_and_reasons() {
    let mut ids: Vec<&str> = DANGERS.iter().map(|danger| danger.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), DANGERS.len());
    assert!(DANGERS.iter().all(|danger| danger.why.len() > 30 && danger.why.ends_with('.')));
}
