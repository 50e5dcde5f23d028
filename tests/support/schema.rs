//! Committed JSON Schemas: each is the one that the program prints.

use serde_json::Value;

/// Holds the schema in `reports/schemas/` against the one that is printed.
pub(crate) fn assert_committed(name: &str, schema: &Value) {
    let path = format!("{}/reports/schemas/{name}", env!("CARGO_MANIFEST_DIR"));
    let printed = format!("{}\n", serde_json::to_string_pretty(schema).unwrap());
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &printed).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(committed == printed, "{path} is not up to date: run this test with UPDATE_SCHEMAS=1 and commit it");
}
