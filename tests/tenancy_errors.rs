//! Bad tenancy files: each gets an error that names file, line and column, what was expected, and
//! the remedy. The snapshots are what a person sees.

#![cfg(test)]

#[path = "support/page.rs"]
mod page;

use std::fmt::Write;

use miette::Diagnostic;
use page::page;
use rstest::rstest;
use tenantproof::tenancy::{self, Tenancy, TenancyError};

fn read(bytes: &[u8]) -> Result<Tenancy, TenancyError> {
    tenancy::read("tenancy.yaml", bytes)
}

fn input(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/inputs/tenancy/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[rstest]
fn a_bad_file_gets_an_error_that_teaches(
    #[values(
        "a-list",
        "a-word",
        "admission",
        "admission-shape",
        "alias-bomb",
        "ambiguous-peer",
        "amounts",
        "audit",
        "cloud",
        "duplicate-key",
        "duplicates",
        "empty",
        "empty-selector",
        "end-port",
        "flow-inside",
        "indentation",
        "invalid-names",
        "key-of-two-words",
        "missing-fields",
        "namespace-claimed-twice",
        "no-tenants",
        "not-utf8",
        "nothing",
        "odd-yaml",
        "one-tenant",
        "only-comments",
        "ports",
        "principals",
        "protocol",
        "several-documents",
        "tab",
        "too-deep",
        "unclosed-quote",
        "unknown-alias",
        "unknown-field",
        "unknown-party",
        "unknown-role",
        "wrong-type",
        "wrong-version"
    )]
    name: &str,
) {
    let bytes = input(name);
    let error = read(&bytes).expect_err("the file is bad");
    let lines = String::from_utf8_lossy(&bytes).lines().count().max(1);
    for problem in error.problems() {
        let text = problem.to_string();
        let place: Vec<_> = text.splitn(4, ':').collect();
        assert_eq!(place[0], "tenancy.yaml", "{text}");
        let (line, column): (usize, usize) = (place[1].parse().unwrap(), place[2].parse().unwrap());
        assert!((1..=lines + 1).contains(&line) && column >= 1, "{text}");
        assert!(problem.code().is_some(), "{text}");
    }
    assert!(error.to_string().starts_with("tenancy.yaml:"), "{error}");
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(format!("tenancy_errors__{name}"), page(&error));
    });
}

#[test]
fn a_huge_file_is_not_even_parsed() {
    let bytes = vec![b'#'; tenancy::MAX_BYTES + 1];
    let error = read(&bytes).expect_err("the file is too large");
    assert_eq!(error.to_string(), "tenancy.yaml:1:1: the file has 4194305 bytes; at most 4194304 are read");
}

#[test]
fn a_large_file_within_the_limit_is_read() {
    let mut text = String::from("apiVersion: tenantproof.dev/v1\nkind: Tenancy\nname: many\ntenants:\n");
    for number in 0..2_000 {
        writeln!(text, "- id: tenant-{number}\n  namespaces: [tenant-{number}]").unwrap();
    }
    let tenancy = read(text.as_bytes()).expect("two thousand tenants are read");
    assert_eq!(tenancy.parties.len(), 2_000);
}

#[rstest]
#[case::namespaces("namspaces", "namespaces")]
#[case::names_the_case("Internal", "internal")]
#[case::a_beginning("role", "roles")]
fn an_unknown_field_gets_the_nearest_word(#[case] written: &str, #[case] meant: &str) {
    let text = format!(
        "apiVersion: tenantproof.dev/v1\nkind: Tenancy\nname: x\ntenants:\n- id: a\n  {written}: []\n- id: b\n  namespaces: [b]\n"
    );
    let error = read(text.as_bytes()).expect_err("the field is unknown");
    let said = format!("tenancy.yaml:6:3: `{written}` is not a field of `tenants[0]`; did you mean `{meant}`?");
    assert!(error.problems().any(|problem| problem.to_string().starts_with(&said)), "{error}");
}
