//! The tenancy file's JSON Schema: the committed copy is the one that the program prints, samples
//! are valid under it, and it agrees with the reader about what is not.

#![cfg(test)]

#[path = "support/schema.rs"]
mod schema;

use rstest::rstest;
use tenantproof::document::NameRule;
use tenantproof::tenancy;

fn json(path: &str) -> serde_json::Value {
    let bytes = std::fs::read(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    serde_saphyr::from_slice(&bytes).unwrap()
}

#[test]
fn the_committed_schema_is_the_one_that_is_printed() {
    schema::assert_committed("tenancy.schema.json", &tenancy::schema());
}

#[test]
fn the_sample_is_valid() {
    let validator = jsonschema::validator_for(&tenancy::schema()).unwrap();
    let sample = json("kind-configs/story/tenancy.yaml");
    let errors: Vec<_> = validator.iter_errors(&sample).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn every_field_says_what_it_means() {
    let schema = tenancy::schema();
    let definitions = schema["$defs"].as_object().unwrap().values().chain([&schema]);
    for definition in definitions {
        for (field, form) in definition["properties"].as_object().into_iter().flatten() {
            assert!(form["description"].as_str().is_some_and(|text| text.ends_with('.')), "{field}: {form}");
        }
    }
}

#[rstest]
fn what_has_the_wrong_shape_for_the_reader_has_it_for_the_schema(
    #[values(
        "a-list",
        "a-word",
        "empty-selector",
        "invalid-names",
        "missing-fields",
        "no-tenants",
        "nothing",
        "ports",
        "protocol",
        "unknown-field",
        "wrong-type",
        "wrong-version"
    )]
    name: &str,
) {
    let validator = jsonschema::validator_for(&tenancy::schema()).unwrap();
    assert!(!validator.is_valid(&json(&format!("tests/inputs/tenancy/{name}.yaml"))));
}

#[rstest]
#[case::plain("tenant-1")]
#[case::capital("Tenant")]
#[case::underscore("a_b")]
#[case::point("a.b")]
#[case::digits("007")]
#[case::empty("")]
#[case::dash_first("-a")]
#[case::dash_last("a-")]
#[case::blank("a b")]
#[case::umlaut("ä")]
#[case::longest("a23456789012345678901234567890123456789012345678901234567890123")]
#[case::too_long("a234567890123456789012345678901234567890123456789012345678901234")]
fn schema_and_reader_agree_about_names(#[case] name: &str) {
    let validator = jsonschema::validator_for(&tenancy::schema()).unwrap();
    let tenancy = |id: &str, namespace: &str| {
        serde_json::json!({
            "apiVersion": "tenantproof.dev/v1", "kind": "Tenancy", "name": "names",
            "tenants": [{"id": id, "namespaces": [namespace]}, {"id": "other", "namespaces": ["other"]}],
        })
    };
    for (written, accepted) in [
        (tenancy(name, "some"), NameRule::Id.accepts(name)),
        (tenancy("some", name), NameRule::Namespace.accepts(name)),
    ] {
        assert_eq!(validator.is_valid(&written), accepted, "{written}");
        assert_eq!(tenancy::read("names.json", written.to_string().as_bytes()).is_ok(), accepted, "{written}");
    }
}
