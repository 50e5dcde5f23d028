//! The page at the end of a run.

use std::path::Path;

use super::layout::{cut, width, wrapped};
use super::table;
use crate::model::{Family, Verdict};
use crate::report::causes::{Cause, by_cause};
use crate::report::style::Style;
use crate::report::tally::{by_family, not_tried, of_run};
use crate::report::wording::{self, count};
use crate::run::{RunRecord, RunStatus};

/// How many lines a page fills where it can; findings that would not fit are counted instead.
const LINES: usize = 40;
/// Findings that are shown however long the page gets.
const FEWEST: usize = 3;
/// The column at which what a line says begins.
const INDENT: usize = 14;

/// The page that a run ends with: what was judged, who can reach whom, what broke and why.
///
/// `reports` is the folder in which the reports lie, where they were written.
#[must_use]
pub fn page(record: &RunRecord, style: &Style, reports: Option<&Path>) -> String {
    let mut page = Page { record, style, lines: Vec::new() };
    page.header();
    page.matrix();
    page.families();
    page.coverage();
    page.warnings();
    let last = last_line(record, style, reports);
    page.findings(last.len() + 1);
    page.lines.push(String::new());
    page.lines.extend(last);
    let mut text = page.lines.join("\n");
    text.push('\n');
    text
}

struct Page<'a> {
    record: &'a RunRecord,
    style: &'a Style,
    lines: Vec<String>,
}

impl Page<'_> {
    fn header(&mut self) {
        let (record, style) = (self.record, self.style);
        if let Some(warning) = wording::unfinished(record) {
            for line in wrapped(&warning, style.columns) {
                self.lines.push(style.loud(Verdict::Fail, &line));
            }
        }
        let headline = wording::headline(record);
        let word = format!("{} {}:", style.glyph(headline.verdict), headline.word);
        let mut lines = wrapped(&format!("{word} {}", headline.sentence), style.columns).into_iter();
        let first = lines.next().unwrap_or_default();
        let after = first.strip_prefix(&word).unwrap_or_default().to_owned();
        self.lines.push(style.loud(headline.verdict, &word) + &after);
        self.lines.extend(lines);

        let cluster = &record.cluster;
        let context = if cluster.context.is_empty() { "in the cluster" } else { &cluster.context };
        let probed = cluster.nodes.iter().filter(|node| node.probed).count();
        self.labelled(
            "cluster",
            &format!(
                "{context} (uid {}), Kubernetes {}, CNI {}, {probed} of {} probed",
                or_unknown(wording::head(&cluster.uid, 8)),
                or_unknown(&cluster.version),
                or_unknown(&cluster.cni),
                count(cluster.nodes.len(), "node", "nodes"),
            ),
        );
        if let Some(eks) = &cluster.eks {
            self.labelled("eks", &format!("cluster {}, account {}, region {}", eks.name, eks.account, eks.region));
        }
        let tenancy = &record.tenancy;
        self.labelled(
            "tenancy",
            &format!("{}, {}, sha256 {}", tenancy.name, tenancy.path, or_unknown(wording::head(&tenancy.sha256, 12))),
        );
        let took: f64 = record.phases.iter().map(|phase| phase.seconds).sum();
        self.labelled(
            "run",
            &format!("{}, {}, took {}", record.run.id, wording::moment(&record.run.started), wording::seconds(took)),
        );
    }

    fn matrix(&mut self) {
        let lines = table::matrix(self.record, &Family::new("network"), self.style);
        if !lines.is_empty() {
            self.lines.push(String::new());
            self.lines.extend(lines);
        }
        self.lines.push(String::new());
    }

    fn families(&mut self) {
        for (family, tally) in by_family(self.record) {
            self.lines.push(table::bar(family, &tally, self.style));
        }
    }

    fn coverage(&mut self) {
        let coverage = &self.record.coverage;
        self.labelled("coverage", &wording::covered(self.record));
        self.list("not modelled", &coverage.not_understood);
        self.list("not tried", &not_tried(self.record));
    }

    fn warnings(&mut self) {
        let warnings: Vec<String> = self
            .record
            .warnings
            .iter()
            .map(|warning| match &warning.help {
                Some(help) => format!("{}; {help}", warning.message.trim_end_matches('.')),
                None => warning.message.clone(),
            })
            .collect();
        self.list("warning", &warnings);
    }

    /// A list that says how long it is and shows its beginning.
    fn list(&mut self, label: &str, entries: &[String]) {
        const SHOWN: usize = 2;
        // Some two lines; run.json has the whole.
        const LONGEST: usize = 160;
        for entry in entries.iter().take(SHOWN) {
            self.labelled(label, &cut(entry, LONGEST, self.style.ellipsis()));
        }
        if entries.len() > SHOWN {
            self.labelled(label, &format!("and {} more: run.json", entries.len() - SHOWN));
        }
    }

    fn findings(&mut self, reserved: usize) {
        let findings = by_cause(&self.record.findings);
        for (shown, finding) in findings.iter().enumerate() {
            let lines = self.finding(finding);
            let more = usize::from(shown + 1 < findings.len());
            let full = self.lines.len() + lines.len() + more + reserved > LINES;
            if full && shown >= FEWEST {
                let left = findings.len() - shown;
                self.lines.push(format!("and {} more: run.json", count(left, "cause", "causes")));
                return;
            }
            self.lines.extend(lines);
        }
    }

    fn finding(&self, finding: &Cause<'_>) -> Vec<String> {
        let style = self.style;
        let mut lines = vec![String::new()];
        let glyph = style.glyph(finding.verdict);
        let cases = count(finding.cases, "case", "cases");
        let sentence = format!("{} ({cases})", style.shown(&finding.sentence()));
        for (at, line) in wrapped(&sentence, style.columns - width(glyph) - 1).iter().enumerate() {
            let lead = if at == 0 { style.loud(finding.verdict, glyph) } else { " ".repeat(width(glyph)) };
            lines.push(format!("{lead} {}", style.loud(finding.verdict, line)));
        }
        let mut say = |label: &str, text: &str| {
            if !text.is_empty() {
                lines.extend(self.label_lines(label, text));
            }
        };
        say("  cause", finding.cause());
        say("  remedy", finding.remedy);
        // Not wrapped: a command that is broken over two lines can't be copied.
        let command = wording::explain_command(&style.shown(finding.first_case));
        lines.push(self.label("  explain") + &command);
        lines
    }

    fn label(&self, label: &str) -> String {
        let gap = " ".repeat(INDENT.saturating_sub(width(label)).max(1));
        self.style.quiet(label) + &gap
    }

    fn label_lines(&self, label: &str, text: &str) -> Vec<String> {
        let indent = INDENT.max(width(label) + 1);
        let text = self.style.shown(text);
        let lines = wrapped(&text, self.style.columns - indent);
        let lead = |at| if at == 0 { self.label(label) } else { " ".repeat(indent) };
        lines.iter().enumerate().map(|(at, line)| lead(at) + line).collect()
    }

    fn labelled(&mut self, label: &str, text: &str) {
        let lines = self.label_lines(label, text);
        self.lines.extend(lines);
    }
}

fn or_unknown(text: &str) -> &str {
    if text.is_empty() { "unknown" } else { text }
}

fn last_line(record: &RunRecord, style: &Style, reports: Option<&Path>) -> Vec<String> {
    let headline = wording::headline(record);
    let code = record.exit_code();
    let lie =
        reports.map_or_else(String::new, |folder| format!("; reports: {}", style.shown(&folder.display().to_string())));
    let state = if record.status == RunStatus::Finished { "" } else { "unfinished, " };
    let text = format!(
        "{state}{}: {}; exit {code} ({}){lie}",
        headline.word,
        wording::counts(&of_run(record)),
        wording::exit_meaning(code),
    );
    let mut lines = wrapped(&text, style.columns - 3);
    for (at, line) in lines.iter_mut().enumerate() {
        let glyph = style.glyph(headline.verdict);
        let lead = if at == 0 { format!("{glyph} ") } else { " ".repeat(width(glyph) + 1) };
        *line = style.loud(headline.verdict, &format!("{lead}{line}"));
    }
    lines
}
