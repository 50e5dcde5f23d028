//! `run.json`: the record itself, from which every other report can be written again.

use serde_json::{Value, json};

use super::RenderError;
use crate::run::RunRecord;

/// The record as `run.json` holds it: pretty, in the order of [`RunRecord`], with a last newline.
///
/// # Errors
///
/// When the record has a part that JSON can't say.
pub fn render(record: &RunRecord) -> Result<String, RenderError> {
    let mut text =
        serde_json::to_string_pretty(record).map_err(|why| RenderError { format: "JSON", why: why.to_string() })?;
    text.push('\n');
    Ok(text)
}

/// The JSON Schema of `run.json` (draft 2020-12), as `reports/schemas/run.schema.json` holds it.
#[must_use]
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(RunRecord).to_value();
    if let Some(Value::Object(version)) = schema.pointer_mut("/properties/schema") {
        version.insert("const".to_owned(), json!(RunRecord::new().schema));
    }
    schema
}
