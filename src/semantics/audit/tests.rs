//! First match, patterns, stages; and the same by a naive reading of the specification.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use rstest::rstest;

use super::{Decision, Event, GroupResources, Policy, PolicyError, Question, Rule, Stage, Target};
use crate::model::AuditLevel;

fn policy(rules: &str) -> Policy {
    Policy::read(&format!("apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n{rules}"))
        .unwrap()
}

fn of<'a>(verb: &'a str, resource: &'a str, subresource: &'a str, name: &'a str) -> Question<'a> {
    let target = Target::Resource { namespace: "a", group: "", resource, subresource, name };
    Question { user: Some("ann"), groups: &[], verb, target }
}

fn level(rule: &str, question: &Question<'_>) -> (AuditLevel, Option<usize>) {
    let Decision { level, rule, .. } = policy(rule).decide(question);
    (level, rule)
}

#[rstest]
#[case::resource("[pods]", "pods", "", true)]
#[case::no_subresource("[pods]", "pods", "log", false)]
#[case::this_subresource("[pods/log]", "pods", "log", true)]
#[case::not_the_resource("[pods/log]", "pods", "", false)]
#[case::all_of_it("['pods/*']", "pods", "log", true)]
#[case::itself_too("['pods/*']", "pods", "", true)]
#[case::of_every("['*/status']", "pods", "status", true)]
#[case::not_another("['*/status']", "pods", "log", false)]
#[case::everything("['*']", "secrets", "", true)]
#[case::every_subresource("['*']", "pods", "exec", true)]
#[case::empty_is_all("[]", "secrets", "", true)]
fn resources_match(#[case] pattern: &str, #[case] resource: &str, #[case] sub: &str, #[case] matches: bool) {
    let rule = format!("- {{level: Metadata, resources: [{{group: '', resources: {pattern}}}]}}\n");
    assert_eq!(level(&rule, &of("get", resource, sub, "")).1.is_some(), matches);
}

#[rstest]
#[case::first("- level: Request\n- level: None\n", AuditLevel::Request, Some(1))]
#[case::exempt_user("- {level: None, users: [ann]}\n- level: Request\n", AuditLevel::None, Some(1))]
#[case::another_user("- {level: None, users: [bob]}\n- level: Request\n", AuditLevel::Request, Some(2))]
#[case::group("- {level: None, userGroups: [x]}\n- level: Request\n", AuditLevel::Request, Some(2))]
#[case::verb("- {level: None, verbs: [list]}\n- level: Request\n", AuditLevel::Request, Some(2))]
#[case::namespace("- {level: None, namespaces: [a]}\n- level: Request\n", AuditLevel::None, Some(1))]
#[case::of_no_namespace("- {level: None, namespaces: ['']}\n- level: Request\n", AuditLevel::Request, Some(2))]
#[case::path("- {level: None, nonResourceURLs: ['*']}\n- level: Request\n", AuditLevel::Request, Some(2))]
#[case::other_group("- {level: None, resources: [{group: apps}]}\n- level: Request\n", AuditLevel::Request, Some(2))]
#[case::named(
    "- {level: None, resources: [{resources: [pods], resourceNames: [p]}]}\n- level: Request\n",
    AuditLevel::None,
    Some(1)
)]
#[case::nothing_matches("- {level: Request, users: [bob]}\n", AuditLevel::None, None)]
fn the_first_rule_that_matches_decides(#[case] rules: &str, #[case] expected: AuditLevel, #[case] rule: Option<usize>) {
    assert_eq!(level(rules, &of("get", "pods", "", "p")), (expected, rule));
}

#[rstest]
#[case("*", true)]
#[case("/healthz", false)]
#[case("/healthz*", true)]
#[case("/healthz/ping", true)]
#[case("/healthz/*", true)]
#[case("/livez*", false)]
fn paths_match(#[case] pattern: &str, #[case] matches: bool) {
    let question = Question { user: None, groups: &[], verb: "get", target: Target::Path("/healthz/ping") };
    let rule = format!("- {{level: Metadata, nonResourceURLs: ['{pattern}']}}\n");
    assert_eq!(level(&rule, &question).1.is_some(), matches);
}

#[test]
fn stages_are_left_out_by_the_policy_and_by_the_rule() {
    let decided = policy("- {level: Metadata, omitStages: [Panic]}\n").decide(&of("get", "pods", "", ""));
    assert_eq!(decided.omits, [Stage::RequestReceived, Stage::Panic].into());
}

#[rstest]
#[case::not_yaml("a: [", "it is no audit policy")]
#[case::level("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Everything}]", "it is no audit policy")]
#[case::another_kind("apiVersion: v1\nkind: Pod\n", "it is a `Pod` of `v1`")]
#[case::old_version("apiVersion: audit.k8s.io/v1beta1\nkind: Policy\nrules: [{level: None}]", "expected a `Policy` of")]
#[case::no_rules("apiVersion: audit.k8s.io/v1\nkind: Policy\n", "it has no rules")]
#[case::both(
    "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, namespaces: [a], nonResourceURLs: ['/x']}]",
    "rule 1 names resources and paths"
)]
#[case::names_alone(
    "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None}, {level: None, resources: [{resourceNames: [a]}]}]",
    "rule 2 names objects without"
)]
#[case::group_with_version(
    "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, resources: [{group: apps/v1}]}]",
    "rule 1 has an API group that is none"
)]
#[case::star_inside(
    "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, nonResourceURLs: ['/a*b']}]",
    "rule 1 has a path"
)]
fn what_an_api_server_does_not_take_is_refused(#[case] text: &str, #[case] words: &str) {
    let error: PolicyError = Policy::read(text).unwrap_err();
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn an_event_keeps_whether_bodies_are_there_and_never_the_bodies() {
    let line = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"1","stage":"ResponseComplete","requestURI":"/x","verb":"create","user":{"username":"u","groups":["g"]},"requestObject":{"value":"hidden"},"responseObject":null}"#;
    let event = Event::read(line).unwrap();
    assert!(event.request_object && !event.response_object);
    let kept = serde_json::to_string(&event).unwrap();
    assert!(!kept.contains("hidden"), "{kept}");
    assert_eq!(Event::read(&kept).unwrap(), event, "what was kept reads as it was");
}

#[rstest]
#[case::cut_short(r#"{"level":"Metadata","stage":"Resp"#)]
#[case::truncated_by_cloudwatch(r#"{"level":"Metadata","stage":"ResponseComplete","verb":"get" [Truncated...]"#)]
#[case::legacy("2026-11-24T14:00:00Z AUDIT: id=\"x\"")]
#[case::another_level(r#"{"level":"All","stage":"ResponseComplete"}"#)]
fn a_line_that_is_no_event_is_said(#[case] line: &str) {
    Event::read(line).unwrap_err();
}

/// The same by the specification's words, as plainly as may be.
fn naively(
    policy: &Policy,
    user: &str,
    groups: &[String],
    verb: &str,
    (namespace, group, resource, sub, name): Named,
) -> Option<usize> {
    let whole = if sub.is_empty() { resource.to_owned() } else { format!("{resource}/{sub}") };
    for (index, rule) in policy.rules.iter().enumerate() {
        let mut fits = rule.users.is_empty() || rule.users.iter().any(|one| one == user);
        fits &= rule.user_groups.is_empty() || rule.user_groups.iter().any(|one| groups.contains(one));
        fits &= rule.verbs.is_empty() || rule.verbs.iter().any(|one| one == verb);
        fits &= rule.non_resource_urls.is_empty();
        fits &= rule.namespaces.is_empty() || rule.namespaces.iter().any(|one| one == namespace);
        let mut of_it = rule.resources.is_empty();
        for one in &rule.resources {
            if one.group != group {
                continue;
            }
            of_it |= one.resources.is_empty();
            for pattern in &one.resources {
                let named = one.resource_names.is_empty() || one.resource_names.iter().any(|known| known == name);
                let mut like = vec!["*".to_owned(), whole.clone(), format!("{resource}/*")];
                if !sub.is_empty() {
                    like.push(format!("*/{sub}"));
                }
                of_it |= named && like.contains(pattern);
            }
        }
        if fits && of_it {
            return Some(index + 1);
        }
    }
    None
}

type Named = (&'static str, &'static str, &'static str, &'static str, &'static str);

fn some(words: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    subsequence(words, 0..=2.min(words.len())).prop_map(|words| words.into_iter().map(str::to_owned).collect())
}

prop_compose! {
    fn group_resources()(
        group in select(&["", "apps"][..]),
        resources in some(&["pods", "pods/log", "pods/*", "*/log", "*", "secrets"]),
        names in some(&["p", "q"]),
    ) -> GroupResources {
        let names = if resources.is_empty() { Vec::new() } else { names };
        GroupResources { group: group.to_owned(), resources, resource_names: names }
    }
}

prop_compose! {
    fn rule()(
        level in select(&[AuditLevel::None, AuditLevel::Metadata, AuditLevel::RequestResponse][..]),
        users in some(&["ann", "bob"]),
        user_groups in some(&["x", "y"]),
        verbs in some(&["get", "create"]),
        namespaces in some(&["a", "b", ""]),
        resources in prop::collection::vec(group_resources(), 0..3),
        paths in prop::bool::weighted(0.1),
    ) -> Rule {
        let of_resources = !namespaces.is_empty() || !resources.is_empty();
        let non_resource_urls = if paths && !of_resources { vec!["*".to_owned()] } else { Vec::new() };
        Rule { level, users, user_groups, verbs, resources, namespaces, non_resource_urls, omit_stages: [].into() }
    }
}

proptest! {
    #[test]
    fn a_policy_decides_as_a_naive_reading_does(
        rules in prop::collection::vec(rule(), 1..5),
        user in select(&["ann", "bob", "eve"][..]),
        groups in some(&["x", "y", "z"]),
        verb in select(&["get", "create", "list"][..]),
        namespace in select(&["a", "b", ""][..]),
        group in select(&["", "apps"][..]),
        resource in select(&["pods", "secrets"][..]),
        sub in select(&["", "log", "exec"][..]),
        name in select(&["", "p"][..]),
    ) {
        let policy = Policy { rules, omit_stages: [].into() };
        let target = Target::Resource { namespace, group, resource, subresource: sub, name };
        let decided = policy.decide(&Question { user: Some(user), groups: &groups, verb, target });
        let expected = naively(&policy, user, &groups, verb, (namespace, group, resource, sub, name));
        prop_assert_eq!(decided.rule, expected);
        let level = expected.map_or(AuditLevel::None, |rule| policy.rules[rule - 1].level);
        prop_assert_eq!(decided.level, level);
    }

    #[test]
    fn no_line_makes_the_reader_fall(line in "\\PC{0,200}") {
        let _ = Event::read(&line);
    }
}
