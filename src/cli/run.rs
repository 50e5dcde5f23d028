//! `tenantproof run`.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use super::audit::AuditArgs;
use super::selection::SelectionArgs;
use super::{ClusterArgs, inputs, style_of};
use crate::families::{Limits, Record, Told};
use crate::report::files::Folder;
use crate::report::terminal::{self, Progress};
use crate::report::{Consumer, ReportError};
use crate::run::{Event, RunError, RunOptions, RunRecord, RunStatus, Selection, SuiteInfo, TenancyInfo, Warning};
use crate::semantics::iam::estate::OrganizationPolicies;
use crate::suite::Suite;
use crate::tenancy::Tenancy;

/// The probe's image of this version.
const PROBE_IMAGE: &str = concat!("tenantproof/probe:", env!("CARGO_PKG_VERSION"));

/// The exit code of a run that proved nothing.
const NOT_PROVED: u8 = 3;

/// Prove the tenancy on a cluster, and write the reports.
///
/// What it makes: one Lease in each namespace of the tenancy, which is the lock between runs and the
/// owner of everything else; for each class of pods that policies and flows can tell apart one probe
/// on each of two nodes, and one Service; a PriorityClass. All of it is removed at the end, on Ctrl-C,
/// and after a kill by the next run.
#[derive(Debug, clap::Args)]
pub(super) struct RunArgs {
    /// The tenancy file: who shares the cluster, and which flows were promised.
    #[arg(value_name = "TENANCY", default_value = "tenancy.yaml")]
    tenancy: PathBuf,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// The folder for run.json, junit.xml and summary.md.
    #[arg(short, long, value_name = "DIR", default_value = "reports/out")]
    pub(super) out: PathBuf,
    /// A suite of your own, in place of the built-in one of its family; may be given several times.
    #[arg(long, value_name = "FILE")]
    suite: Vec<PathBuf>,
    /// The image that the probes run: it holds the program tenantproof-probe and nothing else.
    #[arg(long, value_name = "IMAGE", env = "TENANTPROOF_PROBE_IMAGE", default_value = PROBE_IMAGE)]
    probe_image: String,
    /// An existing PriorityClass for the probes, where the run may not make one of its own.
    #[arg(long, value_name = "NAME")]
    priority_class: Option<String>,
    /// On how many nodes each class of pods gets a probe; two show connections between nodes.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    nodes: u8,
    /// Attempts at each target, each a new connection; one that gets through outweighs all others.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=20))]
    attempts: u8,
    /// Treat the cluster as one in production, even where it says that it may be thrown away: what would
    /// take from a tenant is a dry-run, or arithmetic.
    #[arg(long)]
    prod: bool,
    #[command(flatten)]
    told: ToldArgs,
    #[command(flatten)]
    audit: AuditArgs,
    /// The name of the EKS cluster that is judged: its access entries and their policies, which no RBAC object shows, are
    /// read of the EKS API and judged, with the credentials and the region that every AWS tool finds. Refused where it is
    /// not the cluster of the context; docs/aws.md says what is asked.
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "NAME", value_parser = eks_cluster)]
    eks_cluster: Option<String>,
    /// The AWS account, in twelve digits, that the credentials must be of: with those of another the run ends before
    /// anything is asked or made.
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "ID", value_parser = account)]
    expect_account: Option<String>,
    /// A file of JSON with the policies of the organization on the account, which AWS tells to few:
    /// {"scps": [LEVEL, ...], "rcps": [LEVEL, ...]}, a level a list of {"name", "document"}, the root first.
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "FILE", requires = "eks_cluster")]
    organization: Option<PathBuf>,
    /// Milliseconds after which an attempt is a timeout.
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(50..=30_000))]
    timeout: u32,
    /// Seconds to wait for another run in the same namespaces to end.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    wait_for_claim: u64,
    /// Seconds after which a probe ends by itself, whatever becomes of the run.
    #[arg(long, value_name = "SECONDS", default_value_t = 900, value_parser = clap::value_parser!(u32).range(60..=86_400))]
    probe_deadline: u32,
    #[command(flatten)]
    selection: SelectionArgs,
    /// No progress and no page; the exit code and the reports tell.
    #[arg(short, long)]
    pub(super) quiet: bool,
}

/// What a run does only where it is told to, and how much it asks.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct ToldArgs {
    /// Read the Secrets of the tenancy's namespaces too, to look for the keys of clouds and services in them;
    /// no value is ever shown or kept. Without it no Secret is asked for.
    #[arg(long)]
    read_secrets: bool,
    /// Ask for tokens of the tenants' service accounts, ten minutes each, and make requests with them that must be
    /// refused: dry-runs, and reads of what does not exist. No token is ever shown or kept. Without it none is asked for.
    #[arg(long)]
    request_tokens: bool,
    /// The most access reviews that the API server is asked for, and as many requests with tenants' tokens at most; 12000,
    /// or 3000 on a cluster that does not say that it may be thrown away.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_reviews: Option<u32>,
}

impl From<ToldArgs> for Told {
    fn from(args: ToldArgs) -> Self {
        let ToldArgs { read_secrets, request_tokens, max_reviews } = args;
        Self { read_secrets, request_tokens, most_reviews: max_reviews.and_then(|most| usize::try_from(most).ok()) }
    }
}

/// A name as EKS has it: 1 to 100 letters, digits, `-` and `_`, with a letter or digit at its beginning.
#[cfg(feature = "aws")]
fn eks_cluster(text: &str) -> Result<String, String> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_name = (1..=100).contains(&text.len())
        && text.bytes().all(known)
        && text.starts_with(|first: char| first.is_ascii_alphanumeric());
    match text.rsplit_once(":cluster/") {
        _ if is_name => Ok(text.to_owned()),
        Some((arn, name)) if arn.starts_with("arn:") => {
            Err(format!("the cluster's name is wanted, without its ARN: {name}"))
        }
        _ => Err("the name of an EKS cluster is wanted: letters, digits, `-` and `_`".to_owned()),
    }
}

/// The twelve digits of an account.
#[cfg(feature = "aws")]
fn account(text: &str) -> Result<String, String> {
    let account = crate::semantics::iam::AccountId::parse(text);
    account.map(|account| account.to_string()).ok_or_else(|| "an account has twelve digits".to_owned())
}

/// Runs; the exit code is the record's.
pub(super) fn run(args: RunArgs) -> miette::Result<u8> {
    let inputs = match read_inputs(&args) {
        Ok(inputs) => inputs,
        Err(error) => {
            // Reports of an earlier run must not be taken for this one's.
            if Folder::has_reports(&args.out) {
                Folder::create(&args.out)?
                    .write(&not_begun(&TenancyInfo::default(), Some((&error.to_string(), None))))?;
            }
            return Err(error);
        }
    };
    let folder = Folder::create(&args.out)?;
    folder.write(&not_begun(&inputs.tenancy_info, None))?;
    let quiet = args.quiet;
    let out = args.out.clone();
    let options = options(args, inputs);
    let mut audience = Audience { consumers: Vec::new(), failures: Vec::new() };
    if !quiet {
        let style = style_of(&std::io::stderr());
        audience.consumers.push(if std::io::stderr().is_terminal() {
            Box::new(Progress::on_stderr(style))
        } else {
            Box::new(Progress::in_lines(style, std::io::stderr()))
        });
    }
    audience.consumers.push(Box::new(folder.clone()));

    let runtime = super::runtime()?;
    let ran = runtime.block_on(crate::run::run(&options, |event, record| audience.tell(event, record), interrupted()));
    let record = match ran {
        Ok(record) => record,
        Err(error) => {
            use miette::Diagnostic as _;
            let help = error.help().map(|help| help.to_string());
            let mut record = not_begun(&options.tenancy_info, Some((&error.to_string(), help)));
            if matches!(error, RunError::Interrupted) {
                record.status = RunStatus::Interrupted;
            }
            let code = error.exit_code();
            let written = folder.write(&record);
            anstream::eprintln!("{:?}", miette::Report::new(error));
            if let Err(failure) = written {
                anstream::eprintln!("{:?}", miette::Report::new(failure));
            }
            return Ok(code);
        }
    };
    if !quiet {
        let style = style_of(&std::io::stdout());
        super::show::print(&terminal::page(&record, &style, Some(&out)))?;
    }
    let code = record.exit_code();
    match audience.into_failure() {
        None => Ok(code),
        Some(failure) => {
            anstream::eprintln!("{:?}", miette::Report::new(failure));
            // A run whose evidence was lost is not proved, whatever it saw.
            Ok(code.max(NOT_PROVED))
        }
    }
}

/// What the run is made of.
pub(super) fn options(args: RunArgs, inputs: Inputs) -> RunOptions {
    let Inputs { tenancy, tenancy_info, suites, selection, record, organization } = inputs;
    RunOptions {
        record,
        connect: args.cluster.into(),
        tenancy,
        tenancy_info,
        suites,
        selection,
        probe_image: args.probe_image,
        priority_class: args.priority_class,
        wait_for_claim: Duration::from_secs(args.wait_for_claim),
        probe_deadline: Duration::from_secs(u64::from(args.probe_deadline)),
        nodes: usize::from(args.nodes),
        restores: true,
        production: args.prod,
        told: args.told.into(),
        #[cfg(feature = "aws")]
        eks_cluster: args.eks_cluster,
        #[cfg(feature = "aws")]
        expect_account: args.expect_account,
        organization,
        limits: Limits {
            attempts: args.attempts,
            timeout: Duration::from_millis(u64::from(args.timeout)),
            ..Limits::default()
        },
    }
}

/// What is read before anything is asked of a cluster.
pub(super) struct Inputs {
    tenancy: Tenancy,
    tenancy_info: TenancyInfo,
    suites: Vec<(Suite, SuiteInfo)>,
    selection: Selection,
    record: Record,
    organization: Option<OrganizationPolicies>,
}

/// The tenancy, the suites, what of them is asked for, and where the API server's record lies.
pub(super) fn read_inputs(args: &RunArgs) -> miette::Result<Inputs> {
    let (tenancy, tenancy_info) = inputs::tenancy(&args.tenancy)?;
    let mut suites = inputs::suites(&args.suite)?;
    let selection = args.selection.clone().apply(&mut suites, &tenancy)?;
    let record = args.audit.record()?;
    #[cfg(feature = "aws")]
    let organization = args.organization.as_deref().map(inputs::organization).transpose()?;
    #[cfg(not(feature = "aws"))]
    let organization = None;
    Ok(Inputs { tenancy, tenancy_info, suites, selection, record, organization })
}

/// The record of a run that has not begun, or that could not: why, and what to do about it.
fn not_begun(tenancy: &TenancyInfo, why: Option<(&str, Option<String>)>) -> RunRecord {
    let mut record = RunRecord { tenancy: tenancy.clone(), ..RunRecord::new() };
    if let Some((message, help)) = why {
        record.status = RunStatus::Aborted;
        record.warnings.push(Warning { message: message.to_owned(), help });
    }
    record
}

/// Everybody who follows the run.
struct Audience {
    consumers: Vec<Box<dyn Consumer>>,
    failures: Vec<ReportError>,
}

impl Audience {
    fn tell(&mut self, event: &Event, record: &RunRecord) {
        if matches!(event, Event::Finished { .. }) {
            // What could not be written before is written again now: only that counts.
            self.failures.clear();
        }
        for consumer in &mut self.consumers {
            if let Err(failure) = consumer.on(event, record) {
                self.failures.push(failure);
            }
        }
    }

    fn into_failure(mut self) -> Option<ReportError> {
        self.failures.pop()
    }
}

/// Comes back at the first Ctrl-C or SIGTERM; a second one ends the program at once.
pub(super) async fn interrupted() {
    signal().await;
    anstream::eprintln!("interrupted: removing what was made; once more to leave at once");
    tokio::spawn(async {
        signal().await;
        anstream::eprintln!("left at once: the next run removes what stayed behind");
        std::process::exit(NOT_PROVED.into());
    });
}

async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
