use std::fs;
use std::path::Path;

use rstest::rstest;
use tenantproof::report::json;
use tenantproof::run::RunRecord;

use crate::story::Story;

#[rstest]
#[case::nothing(RunRecord::new())]
#[case::conforming(Story::conforming().record())]
#[case::leaking(Story::leaking().record())]
#[case::killed(Story::killed().record())]
#[case::hostile(Story::hostile().record())]
fn is_valid_and_can_be_read_back(#[case] record: RunRecord) {
    let text = json::render(&record).unwrap();
    assert!(text.ends_with("}\n"));
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let schema = jsonschema::validator_for(&json::schema()).unwrap();
    let errors: Vec<_> = schema.iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let again: RunRecord = serde_json::from_str(&text).unwrap();
    assert_eq!(json::render(&again).unwrap(), text);
}

#[test]
fn the_schema_refuses_another_version() {
    let mut value = serde_json::to_value(Story::conforming().record()).unwrap();
    value["schema"] = "tenantproof.dev/run/v2".into();
    assert!(!jsonschema::validator_for(&json::schema()).unwrap().is_valid(&value));
}

#[test]
fn samples_are_valid_under_the_committed_schema() {
    let reports = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports");
    let read = |path: &Path| serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let schema = jsonschema::validator_for(&read(&reports.join("schemas/run.schema.json"))).unwrap();
    let mut seen = 0;
    for folder in fs::read_dir(reports.join("samples")).unwrap() {
        let file = folder.unwrap().path().join("run.json");
        assert!(schema.is_valid(&read(&file)), "{}", file.display());
        seen += 1;
    }
    assert!(seen > 0);
}
