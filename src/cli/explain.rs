//! `tenantproof explain`: all that is known of one case.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::model::Verdict;
use crate::plan::Case;
use crate::report::Style;
use crate::report::observed::Observed;
use crate::report::sheet;
use crate::report::visible::{Charset, visible, visible_in};
use crate::report::wording;
use crate::run::{CaseResult, RunRecord};
use crate::suite::{Access, Check};

/// No case of the run has this id.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("no case of run {run} has the id {id:?}")]
#[diagnostic(code(tenantproof::explain::unknown_case), help("{}", remedy(.nearest)))]
pub struct UnknownCase {
    /// The run that was looked through.
    pub run: String,
    /// The id that was asked for.
    pub id: String,
    /// The ids that resemble it most, best first.
    pub nearest: Vec<String>,
}

fn remedy(nearest: &[String]) -> String {
    if nearest.is_empty() {
        return "This run has no cases: its plan was never made.".to_owned();
    }
    format!("The ids of a run are in its run.json and junit.xml. Nearest:\n{}", nearest.join("\n"))
}

/// All about one case: its verdict with what it rests on, down to the observations.
///
/// `id` may also be the id as a page shows it, with escapes. `check` is the check that the case
/// makes concrete, where its suite is at hand.
///
/// # Errors
///
/// When no case has this id: names the nearest ones.
pub fn explain(record: &RunRecord, id: &str, check: Option<&Check>, style: &Style) -> Result<String, UnknownCase> {
    let is = |case: &Case| {
        let known = case.id.as_str();
        known == id || visible(known) == id || visible_in(known, Charset::Ascii) == id
    };
    let mut sheet = Sheet { text: String::new(), style };
    if let Some(result) = record.results.iter().find(|result| is(&result.case)) {
        sheet.judged(record, result);
    } else if let Some(case) = record.unjudged.iter().find(|case| is(case)) {
        sheet.unjudged(record, case);
    } else {
        return Err(unknown(record, id));
    }
    if let Some(check) = check {
        sheet.check(check);
    }
    Ok(sheet.text)
}

struct Sheet<'a> {
    text: String,
    style: &'a Style,
}

impl Sheet<'_> {
    fn judged(&mut self, record: &RunRecord, result: &CaseResult) {
        let judgement = &result.judgement;
        let glyph = self.style.glyph(judgement.verdict);
        let verdict = format!("{glyph} {}: ", judgement.verdict.word());
        let verdict = self.style.loud(judgement.verdict, &verdict) + &self.style.shown(&judgement.reason);
        self.title(&result.case, &verdict);
        for (label, text) in sheet::lines(result) {
            self.say(label, &text);
        }
        self.about(record, &result.case);
        let observed = Observed::of(record);
        for key in &result.evidence {
            let shown = self.style.shown(key).into_owned();
            self.part(&format!("observation {shown}"));
            match observed.find(&result.case.family, key) {
                Some(value) => self.json(value),
                None => self.line("missing from the observations of this run: the verdict can't be retraced"),
            }
        }
        if result.evidence.is_empty() {
            self.part("observations");
            self.line("none: this verdict rests on no observation");
        }
    }

    fn unjudged(&mut self, record: &RunRecord, case: &Case) {
        let glyph = self.style.glyph(Verdict::Inconclusive);
        let verdict = self.style.loud(Verdict::Inconclusive, &format!("{glyph} never judged: "));
        let why = wording::unfinished(record).unwrap_or_else(|| "the run ended without a verdict for it.".to_owned());
        self.title(case, &(verdict + &why));
        self.about(record, case);
    }

    fn title(&mut self, case: &Case, verdict: &str) {
        let title = self.style.shown(&case.title).into_owned();
        self.line(&title);
        self.line(verdict);
        self.line("");
    }

    fn about(&mut self, record: &RunRecord, case: &Case) {
        let expect = match case.expect {
            Access::Allowed => "allowed",
            Access::Denied => "denied",
        };
        self.say("case", case.id.as_str());
        self.say("check", case.check.as_str());
        self.say("from", case.from.as_str());
        self.say("to", &format!("{}, expected to be {expect}", case.to));
        let run = &record.run;
        self.say("run", &format!("{}, {}, on cluster {}", run.id, wording::moment(&run.started), record.cluster.uid));
        self.part("asked");
        self.json(&case.ask);
    }

    fn check(&mut self, check: &Check) {
        let id = self.style.shown(check.id.as_str()).into_owned();
        self.part(&format!("check {id}"));
        self.say("title", &check.title);
        self.say("proves", &check.proves);
        self.say("but not", &check.does_not_prove);
        self.say("positive", &check.control_cases.positive);
        self.say("negative", &check.control_cases.negative);
        self.say("remedy", &check.remedy);
        for control in &check.controls {
            self.say("supports", &format!("{} {} (not: {})", control.framework, control.id, control.limits));
        }
    }

    fn part(&mut self, title: &str) {
        self.line("");
        let title = self.style.quiet(title);
        self.line(&title);
    }

    fn say(&mut self, label: &str, text: &str) {
        let gap = " ".repeat(10_usize.saturating_sub(label.len()));
        let line = format!("{}{gap}{}", self.style.quiet(label), self.style.shown(text));
        self.line(&line);
    }

    /// JSON with one entry a line where it has several, so that attempts read as a list.
    fn json(&mut self, value: &serde_json::Value) {
        let text = compact(&with_times(value), 2, self.style.columns);
        let lines: Vec<String> = text.lines().map(|line| format!("  {}", self.style.shown(line))).collect();
        self.line(&lines.join("\n"));
    }

    fn line(&mut self, line: &str) {
        // Writing to a String can't fail.
        let _ = writeln!(self.text, "{line}");
    }
}

/// The same with moments (`at_ms`, milliseconds since 1970) as a reader knows them.
fn with_times(value: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, value)| {
                    match (key.as_str(), value.as_i64().and_then(|ms| Timestamp::from_millisecond(ms).ok())) {
                        ("at_ms", Some(at)) => {
                            ("at".to_owned(), Value::from(at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()))
                        }
                        _ => (key.clone(), with_times(value)),
                    }
                })
                .collect(),
        ),
        Value::Array(list) => Value::Array(list.iter().map(with_times).collect()),
        _ => value.clone(),
    }
}

/// JSON that stays on one line where it fits, and takes one line for each entry where it doesn't.
fn compact(value: &serde_json::Value, indent: usize, columns: usize) -> String {
    use serde_json::Value;
    let flat = value.to_string();
    if flat.chars().count() + indent <= columns {
        return flat;
    }
    let pad = " ".repeat(indent);
    let inner = |value| compact(value, indent + 2, columns);
    match value {
        Value::Object(map) => {
            let entries: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{pad}{}: {}", Value::from(key.as_str()), inner(value)))
                .collect();
            format!("{{\n{}\n{}}}", entries.join(",\n"), &pad[2..])
        }
        Value::Array(list) => {
            let entries: Vec<String> = list.iter().map(|value| format!("{pad}{}", inner(value))).collect();
            format!("[\n{}\n{}]", entries.join(",\n"), &pad[2..])
        }
        _ => flat,
    }
}

fn unknown(record: &RunRecord, id: &str) -> UnknownCase {
    const NEAREST: usize = 5;
    let cases = record.results.iter().map(|result| &result.case).chain(&record.unjudged);
    // An order among very many long ids, without a threshold: a cheaper measure than `model::nearness`.
    let mut ids: Vec<(bool, f64, &str)> = cases
        .map(|case| case.id.as_str())
        .map(|known| (!id.is_empty() && known.contains(id), strsim::jaro_winkler(known, id), known))
        .collect();
    ids.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).then(a.2.cmp(b.2)));
    ids.dedup_by_key(|entry| entry.2);
    let nearest = ids.into_iter().take(NEAREST).map(|(_, _, known)| visible(known).into_owned()).collect();
    UnknownCase { run: record.run.id.to_string(), id: id.to_owned(), nearest }
}
