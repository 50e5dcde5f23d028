//! The samples under `reports/samples/` are what the code writes today: run with
//! `UPDATE_SAMPLES=1` to write them anew.

use std::fs;
use std::path::Path;

use rstest::rstest;
use tenantproof::report::style::{Charset, Palette};
use tenantproof::report::{Style, json, junit, summary, terminal};
use tenantproof::run::RunRecord;

use crate::story::Story;

#[rstest]
#[case::conforming("conforming", &Story::conforming().record())]
#[case::leaking("leaking", &Story::leaking().record())]
#[case::unfinished("unfinished", &Story::killed().planned())]
fn are_what_the_code_writes(#[case] name: &str, #[case] record: &RunRecord) {
    let style = Style { palette: Palette::Plain, charset: Charset::Unicode, columns: 100 };
    compare(&format!("samples/{name}/run.json"), &json::render(record).unwrap());
    compare(&format!("samples/{name}/junit.xml"), &junit::render(record).unwrap());
    compare(&format!("samples/{name}/summary.md"), &summary::render(record));
    compare(&format!("samples/{name}/terminal.txt"), &terminal::page(record, &style, Some(Path::new("reports/out"))));
}

#[test]
fn the_schema_is_what_the_code_writes() {
    compare("schemas/run.schema.json", &(serde_json::to_string_pretty(&json::schema()).unwrap() + "\n"));
}

fn compare(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports").join(name);
    if std::env::var_os("UPDATE_SAMPLES").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "reports/{name} is not what the code writes: run this test with UPDATE_SAMPLES=1");
}
