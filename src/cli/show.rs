//! The commands that only print.

use std::fmt::{Display, Write as _};
use std::io::{BufWriter, StdinLock, StdoutLock, Write as _};
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use miette::IntoDiagnostic as _;

use super::ask::{AskError, Summary};
use super::{Cli, ask, explain as sheet, inputs, permissions, style_of};
use crate::families::FAMILIES;
use crate::model::Nearest;
use crate::run::RunRecord;
use crate::semantics::network::Profile;
use crate::suite::{Check, Suite};

/// Explain one case of a run: verdict, three columns, control cases, attempts, cause and remedy.
#[derive(Debug, clap::Args)]
pub(super) struct ExplainArgs {
    /// The case's id, as the reports show it.
    case: String,
    /// The record of the run.
    #[arg(long, value_name = "FILE", default_value = "reports/out/run.json")]
    run: PathBuf,
    /// The suite of your own that the run used.
    #[arg(long, value_name = "FILE")]
    suite: Vec<PathBuf>,
}

/// List the checks: what each proves and does not prove, its controls and remedy.
#[derive(Debug, clap::Args)]
pub(super) struct ChecksArgs {
    /// Only this check, whole.
    check: Option<String>,
    /// A suite of your own, in place of the built-in one of its family.
    #[arg(long, value_name = "FILE")]
    suite: Vec<PathBuf>,
}

/// List the families with their checks, and what each asks of the API server.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// A suite of your own, in place of the built-in one of its family.
    #[arg(long, value_name = "FILE")]
    suite: Vec<PathBuf>,
}

/// Print the JSON Schema of a file that tenantproof reads or writes.
#[derive(Debug, clap::Args)]
pub(super) struct SchemaArgs {
    /// The file that the schema describes.
    #[arg(default_value = "tenancy")]
    of: SchemaOf,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum SchemaOf {
    /// The tenancy file.
    Tenancy,
    /// A suite.
    Suite,
    /// The record of a run, run.json.
    Run,
}

/// Prints a text to standard output, with colours only where they belong. A reader that has gone
/// away (a closed pipe) is no error.
pub(super) fn print(text: &str) -> miette::Result<u8> {
    let mut out = anstream::stdout().lock();
    let newline = if text.ends_with('\n') { "" } else { "\n" };
    match write!(out, "{text}{newline}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(unwritten(&error)),
        _ => Ok(0),
    }
}

fn unwritten(error: &std::io::Error) -> miette::Report {
    miette::miette!(
        help = "free space where it is redirected to, or redirect it elsewhere",
        "standard output can't be written: {error}"
    )
}

/// `tenantproof explain`.
pub(super) fn explain(args: &ExplainArgs) -> miette::Result<u8> {
    let bytes = inputs::read(&args.run, "`tenantproof run` writes it; --run names another")?;
    let record: RunRecord = serde_json::from_slice(&bytes).map_err(|error| {
        miette::miette!(
            help = "`tenantproof run` writes one, run.json; --run names another",
            "{} is no record of a run: {error}",
            args.run.display()
        )
    })?;
    let suites = inputs::suites(&args.suite)?;
    let result = record.results.iter().map(|result| &result.case).chain(&record.unjudged);
    let case = result.clone().find(|case| case.id.as_str() == args.case);
    let check = case.and_then(|case| suites.iter().find_map(|(suite, _)| suite.check(&case.check)));
    let style = style_of(&std::io::stdout());
    print(&sheet::explain(&record, &args.case, check, &style)?)
}

/// `tenantproof checks`.
pub(super) fn checks(args: &ChecksArgs) -> miette::Result<u8> {
    let suites = inputs::suites(&args.suite)?;
    let checks = || suites.iter().flat_map(|(suite, _)| suite.checks.iter());
    let Some(wanted) = &args.check else {
        return print(&suites.iter().map(|(suite, _)| checks_of(suite)).collect::<Vec<_>>().join("\n"));
    };
    if let Some(check) = checks().find(|check| check.id.as_str() == wanted) {
        return print(&whole(check));
    }
    let nearest = Nearest::of(wanted, checks().map(|check| check.id.as_str()));
    let question = nearest.question();
    miette::bail!(help = "`tenantproof checks` lists them", "there is no check `{wanted}`{question}")
}

/// `tenantproof list`.
pub(super) fn list(args: &ListArgs) -> miette::Result<u8> {
    let suites = inputs::suites(&args.suite)?;
    let mut text = String::new();
    for family in FAMILIES {
        let Some((suite, info)) = suites.iter().find(|(suite, _)| suite.family.as_str() == family.name) else {
            continue;
        };
        // Writing to a String can't fail.
        let _ = writeln!(text, "{} — {} (suite {}, {})", family.name, family.about, suite.version, info.source);
        for check in &suite.checks {
            let _ = writeln!(text, "  {:<34} {}", check.id, check.title);
        }
        for rule in permissions::of(family, true) {
            let resources: Vec<String> = rule
                .resources
                .iter()
                .map(|one| if rule.group.is_empty() { (*one).to_owned() } else { format!("{one}.{}", rule.group) })
                .collect();
            let _ = writeln!(text, "  needs {} {}: {}", rule.verbs.join(", "), resources.join(", "), rule.why);
        }
        text.push('\n');
    }
    let _ =
        writeln!(text, "Every run needs what `tenantproof permissions` prints; --family, --check and --tenant select.");
    print(&text)
}

fn checks_of(suite: &Suite) -> String {
    let mut text = format!("{} (suite version {})\n", suite.family, suite.version);
    for check in &suite.checks {
        // Writing to a String can't fail.
        let _ = writeln!(text, "  {:<34} {}", check.id, check.title);
    }
    text
}

fn whole(check: &Check) -> String {
    let mut text = format!("{} — {}\n", check.id, check.title);
    let parts = [
        ("Proves", &check.proves),
        ("Does not prove", &check.does_not_prove),
        ("Control case that must succeed", &check.control_cases.positive),
        ("Control case that must be denied", &check.control_cases.negative),
        ("Remedy", &check.remedy),
        ("In production", &check.production),
    ];
    for (name, part) in parts {
        let _ = write!(text, "\n{name}\n  {}\n", part.trim().replace('\n', "\n  "));
    }
    text.push_str("\nSupports evidence for, and never satisfies\n");
    for control in &check.controls {
        let _ = writeln!(text, "  {} {}: {}", control.framework, control.id, control.limits.trim());
    }
    text
}

/// `tenantproof schema`.
pub(super) fn schema(args: &SchemaArgs) -> miette::Result<u8> {
    let schema = match args.of {
        SchemaOf::Tenancy => crate::tenancy::schema(),
        SchemaOf::Suite => crate::families::suites().schema().clone(),
        SchemaOf::Run => crate::report::json::schema(),
    };
    print(&serde_json::to_string_pretty(&schema).into_diagnostic()?)
}

/// `tenantproof completions`.
pub(super) fn completions(shell: clap_complete::Shell) -> miette::Result<u8> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tenantproof", &mut text);
    print(&String::from_utf8_lossy(&text))
}

/// `tenantproof ask network`.
pub(super) fn ask_network(dir: &Path, profile: Profile) -> miette::Result<u8> {
    answered(|questions, answers| ask::network_as(dir, profile, questions, answers), |all| &all.not_understood)
}

/// `tenantproof ask rbac`.
pub(super) fn ask_rbac(dir: &Path) -> miette::Result<u8> {
    answered(|questions, answers| ask::rbac(dir, questions, answers), |all| &all.not_understood)
}

/// `tenantproof ask iam`.
pub(super) fn ask_iam() -> miette::Result<u8> {
    answered(ask::iam, |all| all)
}

/// Answers what comes in, and says what a reader should know beside the answers.
fn answered<A, U: Display>(
    answer: impl FnOnce(StdinLock<'static>, BufWriter<StdoutLock<'static>>) -> Result<Summary<A>, AskError>,
    not_understood: impl FnOnce(&A) -> &Vec<U>,
) -> miette::Result<u8> {
    let answers = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let summary = match answer(std::io::stdin().lock(), answers) {
        // Whoever read the answers has seen enough.
        Err(AskError::Answers(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(0),
        Err(AskError::Answers(error)) => return Err(unwritten(&error)),
        outcome => outcome?,
    };
    for note in &summary.notes {
        anstream::eprintln!("note: {note}");
    }
    for unknown in not_understood(&summary.accounting) {
        anstream::eprintln!("not understood: {unknown}; what it could touch is answered `unknown`");
    }
    Ok(summary.exit_code())
}
