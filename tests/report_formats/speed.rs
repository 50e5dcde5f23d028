use std::time::{Duration, Instant};

use tenantproof::cli::explain::explain;
use tenantproof::report::{Style, json, junit, summary, terminal};
use tenantproof::run::RunRecord;

use crate::story::Story;

/// A run with so many judged cases, each with its own id and observations.
fn record(cases: usize) -> RunRecord {
    let mut record = Story { judged: cases, ..Story::hundred() }.record();
    record.unjudged.clear();
    let one = std::mem::take(&mut record.results);
    for (number, result) in one.iter().cycle().take(cases).enumerate() {
        let mut copy = result.clone();
        copy.case.id = format!("{}#{number}", copy.case.id).as_str().into();
        record.results.push(copy);
    }
    record
}

fn time(name: &str, record: &RunRecord, write: impl Fn(&RunRecord) -> usize) -> Duration {
    let since = Instant::now();
    let bytes = write(record);
    let took = since.elapsed();
    eprintln!("{} cases, {name}: {bytes} bytes in {took:.2?}", record.results.len());
    took
}

fn all(record: &RunRecord) -> Duration {
    time("run.json", record, |record| json::render(record).unwrap().len())
        + time("junit.xml", record, |record| junit::render(record).unwrap().len())
        + time("summary.md", record, |record| summary::render(record).len())
        + time("terminal", record, |record| terminal::page(record, &Style::PLAIN, None).len())
        + time("explain", record, |record| {
            explain(record, "no such case", None, &Style::PLAIN).unwrap_err().nearest.len()
        })
}

/// Ten times the cases take about ten times as long; comparing cases with each other would take a
/// hundred times. A bound in seconds would fail on a busy machine.
#[test]
fn time_grows_with_the_cases_and_not_with_their_pairs() {
    let few = all(&record(1_500));
    let many = all(&record(15_000));
    assert!(many < few * 40, "{few:?} for 1,500 cases, {many:?} for 15,000");
}

/// For people: `cargo test --release --test report_formats -- --ignored --nocapture`.
#[test]
#[ignore = "only measures"]
fn a_hundred_thousand_cases() {
    eprintln!("all: {:.2?}", all(&record(100_000)));
}
