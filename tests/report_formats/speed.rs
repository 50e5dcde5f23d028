use std::time::{Duration, Instant};

use tenantproof::cli::explain::explain;
use tenantproof::report::{Style, json, junit, summary, terminal};

use crate::story::Story;

/// A hundred thousand cases in every format: seconds, not minutes, even in a debug build on a busy
/// machine. Each format that compared cases with each other would take hours.
#[test]
fn a_hundred_thousand_cases_take_seconds() {
    let mut record = Story { judged: 60_000, ..Story::hundred() }.record();
    let one = record.results.clone();
    let mut number = 0_usize;
    while record.results.len() < 100_000 {
        for result in one.iter().take(100_000 - record.results.len()) {
            let mut copy = result.clone();
            number += 1;
            copy.case.id = format!("{}#{number}", copy.case.id).as_str().into();
            record.counts.add(copy.judgement.verdict);
            record.results.push(copy);
        }
    }
    let mut total = Duration::ZERO;
    let mut timed = |name: &str, size: usize, since: Instant| {
        eprintln!("{name}: {size} bytes in {:.2?}", since.elapsed());
        total += since.elapsed();
    };
    let since = Instant::now();
    timed("run.json", json::render(&record).unwrap().len(), since);
    let since = Instant::now();
    timed("junit.xml", junit::render(&record).unwrap().len(), since);
    let since = Instant::now();
    timed("summary.md", summary::render(&record).len(), since);
    let since = Instant::now();
    timed("terminal", terminal::page(&record, &Style::PLAIN, None).len(), since);
    let since = Instant::now();
    timed("explain", explain(&record, "no such case", None, &Style::PLAIN).unwrap_err().nearest.len(), since);
    assert!(total < Duration::from_mins(1), "{total:?}");
}
