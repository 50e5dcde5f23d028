//! The evaluator against a second one that shares nothing with it, on generated worlds.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError};
use serde_json::Value;
use tenantproof::semantics::manifests::{Manifests, SourceFile};
use tenantproof::semantics::rbac::{
    Action, Answer, Because, Decision, RbacObjects, Reached, Request, ResourceRequest, Rules, Scope, Subject, Survey,
    Verb,
};

use super::naive;
use super::worlds::{Kind, World, world};

/// The objects of a world, read as manifests are.
pub(crate) fn objects(world: &World) -> RbacObjects {
    let bytes = serde_json::to_vec(&world.list()).unwrap();
    Manifests::read([SourceFile { name: "world.json".to_owned(), bytes }]).expect("no RBAC object is an error").rbac
}

/// Who asks.
pub(crate) fn subject(question: &Value) -> Subject {
    let subject = &question["subject"];
    let text = |field: &str| subject[field].as_str().unwrap_or_default();
    let groups = subject["groups"].as_array().into_iter().flatten().map(|group| group.as_str().unwrap().to_owned());
    match text("kind") {
        "ServiceAccount" => Subject::service_account(text("namespace"), text("name")),
        "User" => Subject::user(text("name"), groups),
        _ => Subject::group(text("name"), groups),
    }
}

/// What is asked.
pub(crate) fn request(question: &Value) -> Request<'_> {
    let text = |field: &str| question[field].as_str().unwrap_or_default();
    let verb = Verb::new(text("verb"));
    match question["nonResourceURL"].as_str() {
        Some(path) => Request::NonResource { verb, path },
        None => Request::Resource(ResourceRequest {
            verb,
            api_group: text("apiGroup"),
            resource: text("resource"),
            subresource: text("subresource"),
            scope: Scope::of(text("namespace")),
            name: text("name"),
        }),
    }
}

/// Our answers to all questions of a world.
pub(crate) fn answers(world: &World) -> Vec<Decision> {
    let rules = Rules::compile(&objects(world));
    world.questions.iter().map(|question| rules.decide(&subject(question), &request(question))).collect()
}

fn compare(world: &World) -> Result<(), TestCaseError> {
    let rules = Rules::compile(&objects(world));
    for question in &world.questions {
        let decision = rules.decide(&subject(question), &request(question));
        let possible = naive::possible(world, question);
        let asked = format!("{question}: {} ({}), possible: {possible:?}", decision.answer, decision.because());
        match decision.answer {
            Answer::Allowed => prop_assert_eq!(&possible, &BTreeSet::from([true]), "{}", asked),
            Answer::Denied => prop_assert_eq!(&possible, &BTreeSet::from([false]), "{}", asked),
            Answer::Unknown => prop_assert_eq!(possible.len(), 2, "{}", asked),
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(Config { cases: 128, failure_persistence: None, ..Config::default() })]

    #[test]
    fn agrees_where_everything_is_known(world in world(Kind::Plain, 60)) {
        compare(&world)?;
    }

    #[test]
    fn knows_exactly_what_can_be_known(world in world(Kind::Wild, 60)) {
        compare(&world)?;
    }

    /// What is granted to a subject, rule by rule, is what is decided for it.
    #[test]
    fn what_is_granted_is_what_is_allowed(world in world(Kind::Wild, 30)) {
        let rules = Rules::compile(&objects(&world));
        for question in &world.questions {
            let (subject, request) = (subject(question), request(question));
            let decision = rules.decide(&subject, &request);
            let standing = rules.standing(subject);
            let here = |scope: Scope<'_>| match (scope, &request) {
                (Scope::Cluster, _) => true,
                (scope, Request::Resource(request)) => scope == request.scope,
                (Scope::Namespace(_), Request::NonResource { .. }) => false,
            };
            let matching: Vec<_> = standing
                .granted()
                .filter(|granted| here(granted.scope) && granted.rule.is_none_or(|rule| rule.allows(&request)))
                .collect();
            let certain = matching.iter().find(|granted| granted.doubt.is_none());
            let expected = match (certain, matching.is_empty()) {
                (Some(_), _) => Answer::Allowed,
                (None, false) => Answer::Unknown,
                (None, true) => Answer::Denied,
            };
            prop_assert_eq!(decision.answer, expected, "{}: {}", question, decision.because());
            if let (Because::Rule(grant), Some(certain)) = (&decision.because, certain) {
                prop_assert_eq!(Some(grant), certain.grant.as_ref(), "the first is the one that is told");
            }
        }
    }

    /// What a survey says of many actions at once is what is decided for each.
    #[test]
    fn a_survey_says_what_is_decided(world in world(Kind::Wild, 30)) {
        let rules = Rules::compile(&objects(&world));
        let unnamed = world.questions.iter().filter(|question| question["nonResourceURL"].is_null());
        let asked: Vec<(&Value, ResourceRequest<'_>)> = unnamed
            .filter_map(|question| match request(question) {
                Request::Resource(request) => Some((question, ResourceRequest { name: "", ..request })),
                Request::NonResource { .. } => None,
            })
            .collect();
        let actions = asked.iter().map(|(_, request)| Action {
            verb: request.verb.as_str().to_owned(),
            api_group: request.api_group.to_owned(),
            resource: request.resource.to_owned(),
            subresource: request.subresource.to_owned(),
        });
        let survey = Survey::new(&rules, actions.collect());
        for (index, (question, request)) in asked.iter().enumerate() {
            let reached = survey.of(subject(question)).reached(index, request.scope);
            let named = ["x", "y", "*"].map(|name| ResourceRequest { name, ..*request });
            let answers = |request: &ResourceRequest<'_>| rules.decide(&subject(question), &Request::Resource(*request)).answer;
            let expected = match (answers(request), named.iter().map(answers).max_by_key(|answer| match answer {
                Answer::Allowed => 2,
                Answer::Unknown => 1,
                Answer::Denied => 0,
            })) {
                (Answer::Allowed, _) => Reached::Everything,
                (_, Some(Answer::Allowed)) => Reached::Named,
                (Answer::Unknown, _) | (_, Some(Answer::Unknown)) => Reached::Unknown,
                _ => Reached::Nothing,
            };
            prop_assert_eq!(reached, expected, "{}", question);
        }
    }

    /// RBAC only ever adds: without one of its bindings, nothing is allowed that was not.
    #[test]
    fn a_binding_less_allows_no_more(world in world(Kind::Plain, 30)) {
        let before = answers(&world);
        let mut less = world.clone();
        less.role_bindings.pop();
        for (before, after) in before.iter().zip(answers(&less)) {
            prop_assert!(before.answer == Answer::Allowed || after.answer == Answer::Denied);
        }
    }
}
