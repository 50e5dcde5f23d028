//! The suites: the built-in ones are whole and keep their ids; bad ones get an error that teaches.

#![cfg(test)]

#[path = "support/page.rs"]
mod page;
#[path = "support/schema.rs"]
mod schema;

use std::collections::BTreeSet;

use miette::Diagnostic;
use page::page;
use rstest::rstest;
use tenantproof::families::network::{NetworkParameters, Reach, Scope};
use tenantproof::families::{self};
use tenantproof::model::Protocol;
use tenantproof::suite::{self, Access, Check, Suite};

fn built_in() -> Vec<Suite> {
    let reader = families::suites();
    families::built_in()
        .map(|(file, bytes)| reader.read(file, bytes).unwrap_or_else(|error| panic!("{error}")))
        .collect()
}

fn checks() -> Vec<Check> {
    built_in().into_iter().flat_map(|suite| suite.checks).collect()
}

#[test]
fn published_ids_never_vanish_and_each_check_is_published() {
    let published: Vec<_> = suite::published_ids().collect();
    let ids: Vec<_> = checks().into_iter().map(|check| check.id).collect();
    for id in &published {
        assert!(ids.contains(id), "{id} was published and is gone: evidence of past runs refers to it");
    }
    for id in &ids {
        assert!(published.contains(id), "{id} is new: append it to suites/published-ids.txt");
    }
    let unique: BTreeSet<_> = published.iter().collect();
    assert_eq!(unique.len(), published.len());
}

#[rstest]
#[case("network.cross-tenant.pod", Scope::CrossTenant, Access::Denied, Reach::PodIp)]
#[case("network.cross-tenant.service", Scope::CrossTenant, Access::Denied, Reach::Service)]
#[case("network.flow.pod", Scope::CrossTenant, Access::Allowed, Reach::PodIp)]
#[case("network.flow.service", Scope::CrossTenant, Access::Allowed, Reach::Service)]
#[case("network.internal.open", Scope::Internal, Access::Allowed, Reach::PodIp)]
#[case("network.internal.closed", Scope::Internal, Access::Denied, Reach::PodIp)]
fn a_published_check_keeps_its_meaning(
    #[case] id: &str,
    #[case] scope: Scope,
    #[case] expect: Access,
    #[case] by: Reach,
) {
    let check = checks().into_iter().find(|check| check.id.as_str() == id).unwrap();
    let network: NetworkParameters = serde_json::from_value(check.parameters).unwrap();
    assert_eq!((network.scope, network.expect, network.by), (scope, expect, by));
    assert_eq!(network.protocols, Protocol::ALL);
}

#[test]
fn texts_are_whole_sentences_on_one_line_and_promise_nothing_too_much() {
    for check in checks() {
        let texts = [
            &check.proves,
            &check.does_not_prove,
            &check.control_cases.positive,
            &check.control_cases.negative,
            &check.remedy,
            &check.production,
        ];
        let limits = check.controls.iter().map(|control| &control.limits);
        for text in texts.into_iter().chain(limits) {
            assert!(text.ends_with('.') && !text.contains('\n') && !text.contains("  "), "{}: {text}", check.id);
            for word in ["satisfies", "guarantee", "ensure", "!"] {
                assert!(!text.contains(word), "{}: `{word}` in {text}", check.id);
            }
        }
        assert!(!check.title.ends_with('.') && check.title.len() <= 100, "{}", check.title);
    }
}

#[test]
fn denials_support_the_controls_of_segmentation() {
    let check = checks().into_iter().find(|check| check.id.as_str() == "network.cross-tenant.pod").unwrap();
    let controls: BTreeSet<_> =
        check.controls.iter().map(|control| format!("{} {}", control.framework, control.id)).collect();
    for control in ["NIST SP 800-53 Rev 5 SC-7(21)", "PCI DSS v4.0.1 11.4.5", "ISO/IEC 27001:2022 A.8.22"] {
        assert!(controls.contains(control), "{control}");
    }
    for control in check.controls.iter().filter(|control| control.framework.starts_with("PCI")) {
        if ["11.4.5", "A1.1.4"].contains(&control.id.as_str()) {
            assert!(control.limits.contains("independent tester"), "{}", control.limits);
        }
    }
}

#[test]
fn the_committed_schema_is_the_one_that_is_printed() {
    schema::assert_committed("suite.schema.json", families::suites().schema());
}

#[test]
fn the_built_in_suites_are_valid_under_their_schema() {
    let validator = jsonschema::validator_for(families::suites().schema()).unwrap();
    for (file, bytes) in families::built_in() {
        let json: serde_json::Value = serde_saphyr::from_slice(bytes).unwrap();
        let errors: Vec<_> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{file}: {errors:?}");
    }
}

#[rstest]
fn a_bad_suite_gets_an_error_that_teaches(
    #[values(
        "a-tenancy",
        "control-twice",
        "empty",
        "empty-texts",
        "ids",
        "missing-fields",
        "no-checks",
        "no-controls",
        "no-parameters",
        "number-as-id",
        "parameters",
        "protocol-twice",
        "since-the-future",
        "title-of-two-lines",
        "unknown-family",
        "unknown-fields",
        "versions"
    )]
    name: &str,
) {
    let path = format!("{}/tests/inputs/suite/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let error = families::suites().read("own.yaml", &bytes).expect_err("the suite is bad");
    for problem in error.problems() {
        assert!(problem.to_string().starts_with("own.yaml:"), "{problem}");
        assert!(problem.code().is_some(), "{problem}");
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(format!("suite_reading__{name}"), page(&error));
    });
}

#[test]
fn the_example_of_the_documentation_is_read() {
    let page = include_str!("../docs/suites.md");
    let example = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let suite = families::suites().read("own.yaml", example.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(suite.checks.len(), 1);
}

#[test]
fn a_users_own_suite_is_read() {
    let (_, bytes) = families::built_in().next().unwrap();
    let own = String::from_utf8(bytes.to_vec()).unwrap().replace("id: network.", "id: network.own.");
    let suite = families::suites().read("own.yaml", own.as_bytes()).unwrap();
    assert!(suite.checks.iter().all(|check| check.id.as_str().starts_with("network.own.")));
}

#[test]
fn a_huge_suite_is_not_even_parsed() {
    let error =
        families::suites().read("own.yaml", &vec![b'#'; suite::MAX_BYTES + 1]).expect_err("the file is too large");
    assert!(error.to_string().starts_with("own.yaml:1:1: the file has 1048577 bytes"), "{error}");
}
