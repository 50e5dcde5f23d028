//! `summary.md`: what a CI comment says of a run.
//!
//! Names come from outside, and a comment is rendered where it can mention people, link and load:
//! names stand in code spans, sentences are escaped (GitHub Flavored Markdown,
//! <https://github.github.com/gfm/>).

use std::fmt::Write as _;

use super::causes::{Cause, by_cause};
use super::matrix::{Cell, Matrix};
use super::style::{Charset, Palette, Style};
use super::tally::{by_family, not_tried, of_run};
use super::visible::{shortened, visible};
use super::wording::{self, count};
use crate::model::{Family, Verdict};
use crate::run::RunRecord;

/// The longest summary, in bytes; GitHub takes 65,536 characters.
pub const LONGEST: usize = 60_000;
/// The longest sentence, in characters.
const SENTENCE: usize = 600;
/// The most parties that a table shows one by one.
const PARTIES: usize = 12;
/// Glyphs and words as on every other surface; Markdown is UTF-8 and has no colours.
const STYLE: Style = Style { palette: Palette::Plain, charset: Charset::Unicode, columns: Style::COLUMNS };

/// The run as Markdown, never longer than [`LONGEST`].
#[must_use]
pub fn render(record: &RunRecord) -> String {
    let mut text = String::new();
    head(&mut text, record);
    matrix(&mut text, record);
    let mut tail = String::new();
    not_proved(&mut tail, record);
    foot(&mut tail, record);
    findings(&mut text, record, LONGEST.saturating_sub(tail.len() + 200));
    text + &tail
}

fn head(text: &mut String, record: &RunRecord) {
    let headline = wording::headline(record);
    if let Some(warning) = wording::unfinished(record) {
        line(text, &format!("**{}**\n", prose(&warning)));
    }
    let glyph = STYLE.glyph(headline.verdict);
    line(text, &format!("### {glyph} Tenant isolation: {}\n", headline.word));
    line(text, &format!("{}\n", prose(&capitalised(&headline.sentence))));
    let (cluster, tenancy) = (&record.cluster, &record.tenancy);
    line(
        text,
        &format!(
            "Cluster {} (uid {}), Kubernetes {}, CNI {}{}; tenancy {} from {}, sha256 {}; {}.\n",
            code(if cluster.context.is_empty() { "in the cluster" } else { &cluster.context }),
            code(wording::head(&cluster.uid, 8)),
            code(&cluster.version),
            code(&cluster.cni),
            cluster.eks.as_ref().map(|eks| format!(", EKS {}", code(&eks.arn))).unwrap_or_default(),
            code(&tenancy.name),
            code(&tenancy.path),
            code(wording::head(&tenancy.sha256, 12)),
            prose(&wording::moment(&record.run.started)),
        ),
    );
}

fn matrix(text: &mut String, record: &RunRecord) {
    let family = Family::new("network");
    let Some(mut matrix) = Matrix::of(record, &family) else { return };
    if matrix.size() > PARTIES {
        let folded = matrix.by_tier(&record.tenancy.parties);
        line(text, &format!("The {} are folded by tier.\n", count(matrix.size(), "party", "parties")));
        matrix = folded;
    }
    if matrix.size() > PARTIES {
        line(text, "Even so there are too many for a table: see `run.json`.\n");
        return;
    }
    let names: Vec<String> = matrix.names.iter().map(|name| code(name)).collect();
    line(text, &format!("| network: from ↓ to → | {} |", names.join(" | ")));
    line(text, &format!("|---|{}", ":---|".repeat(names.len())));
    for (row, name) in names.iter().enumerate() {
        let cells: Vec<String> = matrix.row(row).iter().map(drawn).collect();
        line(text, &format!("| {name} | {} |", cells.join(" | ")));
    }
    line(
        text,
        "\n<sub>✓ proved, ✗ broken, ? not proved, – not tried, ◇ accepted; a cell counts its worst cases; \
         → some flow is allowed; · no case</sub>\n",
    );
}

fn drawn(cell: &Cell) -> String {
    let Some(worst) = cell.tally.worst() else { return "·".to_owned() };
    let (shown, total) = (cell.tally.shown(worst), cell.tally.tried());
    let of = if shown == total { String::new() } else { format!("/{total}") };
    let mark = if cell.allowed { " →" } else { "" };
    let text = format!("{} {shown}{of}{mark}", STYLE.glyph(worst));
    if worst == Verdict::Fail { format!("**{text}**") } else { text }
}

fn findings(text: &mut String, record: &RunRecord, room: usize) {
    let findings = by_cause(&record.findings);
    if findings.is_empty() {
        return;
    }
    let number = count(findings.len(), "cause", "causes");
    line(text, &format!("<details><summary>What is broken or not proved: {number}, worst first</summary>\n"));
    for (shown, finding) in findings.iter().enumerate() {
        let entry = entry(finding);
        if text.len() + entry.len() > room {
            let left = count(findings.len() - shown, "cause", "causes");
            line(text, &format!("\nAnd {left} more: `run.json`."));
            break;
        }
        line(text, &entry);
    }
    line(text, "\n</details>\n");
}

fn entry(finding: &Cause<'_>) -> String {
    let mut entry = format!("1. {} **{}**", STYLE.glyph(finding.verdict), prose(&finding.sentence()));
    for (label, sentence) in [("Cause", finding.cause()), ("Remedy", finding.remedy)] {
        if !sentence.is_empty() {
            let _ = write!(entry, "<br>{label}: {}", prose(sentence));
        }
    }
    let command = command(&wording::explain_command(finding.first_case));
    let _ = write!(entry, "<br>{}; the first is explained by {command}", count(finding.cases, "case", "cases"));
    entry
}

fn not_proved(text: &mut String, record: &RunRecord) {
    const SHOWN: usize = 10;
    let coverage = &record.coverage;
    line(text, &format!("**Coverage.** {}\n", prose(&wording::covered(record))));
    for (label, entries) in [("Not modelled", &coverage.not_understood), ("Not tried", &not_tried(record))] {
        if entries.is_empty() {
            continue;
        }
        line(text, &format!("<details><summary>{label}: {}</summary>\n", entries.len()));
        for entry in entries.iter().take(SHOWN) {
            line(text, &format!("- {}", prose(entry)));
        }
        if entries.len() > SHOWN {
            line(text, &format!("- and {} more: `run.json`", entries.len() - SHOWN));
        }
        line(text, "\n</details>\n");
    }
    for warning in record.warnings.iter().take(SHOWN) {
        let help = warning.help.as_deref().unwrap_or_default();
        line(text, &format!("- Warning: {}. {}", prose(warning.message.trim_end_matches('.')), prose(help)));
    }
    if record.warnings.len() > SHOWN {
        line(text, &format!("- and {} more warnings: `run.json`", record.warnings.len() - SHOWN));
    }
    if !record.warnings.is_empty() {
        line(text, "");
    }
}

fn foot(text: &mut String, record: &RunRecord) {
    for (family, tally) in by_family(record) {
        line(text, &format!("- {}: {}", code(family.as_str()), wording::counts(&tally)));
    }
    let code_number = record.exit_code();
    line(
        text,
        &format!(
            "\n{}; exit code {code_number}: {}. Run {}, tenantproof {}. Whole record: `run.json`; for CI: `junit.xml`.",
            capitalised(&wording::counts(&of_run(record))),
            wording::exit_meaning(code_number),
            code(record.run.id.as_str()),
            code(&record.run.program.version),
        ),
    );
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A name in a code span: nothing in it is markup, a link or a mention.
fn code(name: &str) -> String {
    if name.is_empty() {
        return "unknown".to_owned();
    }
    let shown = shortened(name, SENTENCE);
    // These two would end the span, or the cell of a table.
    let shown = visible(&shown).replace('`', "\\u{60}").replace('|', "\\u{7c}");
    let pad = if shown.starts_with(' ') || shown.ends_with(' ') { " " } else { "" };
    format!("`{pad}{shown}{pad}`")
}

/// A command in a code span, unchanged but for what can't be seen: it is there to be copied.
fn command(command: &str) -> String {
    let shown = visible(command);
    let longest = shown.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if shown.starts_with('`') || shown.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{shown}{pad}{fence}")
}

/// A sentence, with everything in it that Markdown or HTML would take for more than letters
/// escaped. What would become a mention or a reference is parted by a zero-width space, since those
/// are looked for after escapes were resolved.
fn prose(sentence: &str) -> String {
    let shown = shortened(sentence, SENTENCE);
    let shown = visible(&shown);
    let mut escaped = String::with_capacity(shown.len() + 16);
    let mut letters = shown.chars().peekable();
    let mut before = ' ';
    while let Some(c) = letters.next() {
        let next = letters.peek().copied().unwrap_or(' ');
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '@' => escaped.push_str("@\u{200b}"),
            '#' | '!' | '~' | '%' | '$' if next.is_ascii_digit() => {
                escaped.push('\\');
                escaped.push(c);
                escaped.push('\u{200b}');
            }
            // `://` and `www.` make links of their own.
            '/' if before == ':' => escaped.push_str("\\/"),
            '.' if before == 'w' || before == 'W' => escaped.push_str("\\."),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '!' | '|' | '~' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
        before = c;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::html("<img src=x>", "&lt;img src=x&gt;")]
    #[case::markup("*a* _b_ [c](d) `e`", "\\*a\\* \\_b\\_ \\[c\\](d) \\`e\\`")]
    #[case::cell("a|b", "a\\|b")]
    #[case::mention("@everyone", "@\u{200b}everyone")]
    #[case::reference("#12 !3", "\\#\u{200b}12 \\!\u{200b}3")]
    #[case::link("https://a.b www.c.d", "https:\\//a.b www\\.c.d")]
    #[case::lines("a\n# b", "a\\\\u\\{a\\}\\# b")]
    #[case::plain("tenant-2 can be reached from basic on TCP 8080.", "tenant-2 can be reached from basic on TCP 8080.")]
    fn escapes_sentences(#[case] sentence: &str, #[case] escaped: &str) {
        assert_eq!(prose(sentence), escaped);
    }

    #[rstest]
    #[case::plain("explain a/b", "`explain a/b`")]
    #[case::backticks("explain 'a``b'", "```explain 'a``b'```")]
    #[case::at_an_end("`a", "`` `a ``")]
    fn keeps_commands_as_they_are(#[case] text: &str, #[case] span: &str) {
        assert_eq!(command(text), span);
    }

    #[rstest]
    #[case::plain("tenant-1", "`tenant-1`")]
    #[case::end_of_span("a`b", "`a\\u{60}b`")]
    #[case::end_of_cell("a|b", "`a\\u{7c}b`")]
    #[case::newline("a\n\nb", "`a\\u{a}\\u{a}b`")]
    #[case::spaces(" a ", "`  a  `")]
    #[case::empty("", "unknown")]
    fn puts_names_into_code(#[case] name: &str, #[case] span: &str) {
        assert_eq!(code(name), span);
    }
}
