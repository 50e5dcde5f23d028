//! What came of taking down every fence: one line each, and what was never noticed.

use std::fmt::Write as _;
use std::path::Path;

use super::Style;
use super::wording::{count, seconds};
use crate::model::{TenantId, Verdict};
use crate::run::mutate::{MutantResult, Mutation, Outcome, Progress};

/// The report as JSON.
///
/// # Errors
/// Where it can't be made.
pub fn json(mutation: &Mutation) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(mutation)? + "\n")
}

/// One step of the way, as a line.
#[must_use]
pub fn progress(progress: &Progress<'_>, style: &Style) -> String {
    match progress {
        Progress::Restored(what) => format!("{} was still broken by an earlier run: put back", style.shown(what)),
        Progress::Baseline => format!("with every fence standing {}", style.ellipsis()),
        Progress::Mutant(number, total, mutant) => {
            format!("[{number}/{total}] {} {}", style.shown(&mutant.description), style.ellipsis())
        }
        Progress::Ended(result, _) => format!("  {}", outcome(result, style)),
    }
}

/// The page at the end. `file` is where the whole was written.
#[must_use]
pub fn page(mutation: &Mutation, style: &Style, file: Option<&Path>) -> String {
    let mut text = String::new();
    let mut say = |line: &str| {
        // Writing to a String can't fail.
        let _ = writeln!(text, "{line}");
    };
    // What was found was told on the way, and is in the file.
    for result in mutation.mutants.iter().filter(|one| matches!(one.outcome, Outcome::Survived | Outcome::Unsure)) {
        say(&format!("{}  {}", style.shown(&result.mutant.description), outcome(result, style)));
    }
    for check in &mutation.never_noticed {
        say(&format!("{check} noticed none of them: nothing here shows that it can fail"));
    }
    for remark in &mutation.remarks {
        say(&style.shown(remark));
    }
    let (found, survived) = (mutation.count(Outcome::Found), mutation.count(Outcome::Survived));
    let (unsure, harmless) = (mutation.count(Outcome::Unsure), mutation.count(Outcome::Harmless));
    let made = found + survived + unsure;
    let (verdict, word) = match mutation.exit_code() {
        0 => (Verdict::Pass, "all found"),
        1 => (Verdict::Fail, "some survived"),
        _ => (Verdict::Inconclusive, "not known"),
    };
    let unfinished = if mutation.finished.is_some() { "" } else { "UNFINISHED, " };
    let file = file.map_or_else(String::new, |file| format!("; report: {}", style.shown(&file.display().to_string())));
    say(&style.loud(
        verdict,
        &format!(
            "{} {unfinished}{word}: {found} of {} found, {survived} survived, {unsure} not known, {harmless} harmless by \
             computation; exit {}{file}",
            style.glyph(verdict),
            count(made, "mutant", "mutants"),
            mutation.exit_code(),
        ),
    ));
    text
}

fn outcome(result: &MutantResult, style: &Style) -> String {
    let (verdict, word) = match result.outcome {
        Outcome::Found => (Verdict::Pass, "found"),
        Outcome::Survived => (Verdict::Fail, "SURVIVED"),
        Outcome::Unsure => (Verdict::Inconclusive, "not known"),
        Outcome::Harmless => (Verdict::Skipped, "harmless"),
    };
    let detail = match result.outcome {
        Outcome::Found => {
            let name = |(from, to): &(TenantId, TenantId)| {
                if from == to { from.to_string() } else { format!("{from} to {to}") }
            };
            let pairs: Vec<String> = result.pairs.iter().map(name).collect();
            let checks: Vec<&str> = result.by.iter().map(crate::model::CheckId::as_str).collect();
            format!("by {}: {} ({})", checks.join(", "), pairs.join(", "), seconds(result.seconds))
        }
        _ => result.because.clone(),
    };
    format!("{} {}", style.verdict(verdict, &format!("{} {word}", style.glyph(verdict))), style.shown(&detail))
}
