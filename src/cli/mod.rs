//! The command line: one module for each command.

pub mod ask;
mod audit;
pub mod explain;
mod folder;
mod init;
mod inputs;
mod mutate;
mod permissions;
mod run;
mod selection;
mod show;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::report::Style;
use crate::report::style::Palette;
use crate::report::visible::Charset;
use crate::semantics::network::Profile;

/// Proves, with packets and requests, that the tenants of a shared Kubernetes cluster are isolated
/// from one another.
///
/// A run puts probe pods beside the tenants' workloads, tries what one tenant must not be able to do
/// to another and what it must still be able to do, and writes a verdict with its evidence. Probes
/// never become Ready, wear only the labels that policies read, need no exec and leave nothing behind.
///
/// Start with `tenantproof init > tenancy.yaml`, read what it wrote, then `tenantproof run tenancy.yaml`.
#[derive(Debug, Parser)]
#[command(
    name = "tenantproof",
    version,
    propagate_version = true,
    after_help = "Exit codes: 0 conforms · 1 a promise is broken · 2 usage or configuration · 3 could not be proved",
    max_term_width = 100
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Say more about what is going on, on standard error; twice for every request.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prove the tenancy on a cluster, and write the reports.
    Run(run::RunArgs),
    /// Write a tenancy file from a cluster's labels and policies.
    Init(init::InitArgs),
    /// Answer questions from manifests alone, without a cluster.
    #[command(subcommand)]
    Ask(Ask),
    /// Explain one case of a run, down to its observations.
    Explain(show::ExplainArgs),
    /// Take down every fence of a throwaway cluster in turn, and see whether the suites notice.
    Mutate(mutate::MutateArgs),
    /// List the families with their checks, and what each asks of the API server.
    List(show::ListArgs),
    /// List the checks: what each proves and does not prove, its controls and remedy.
    Checks(show::ChecksArgs),
    /// Print the JSON Schema of a file that tenantproof reads or writes.
    Schema(show::SchemaArgs),
    /// Print what a run needs: the ClusterRole, and with `--aws` the policy of IAM.
    Permissions(permissions::PermissionsArgs),
    /// Print completions for a shell.
    Completions {
        /// The shell that is to complete the command line.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
enum Ask {
    /// Would NetworkPolicies let a connection pass?
    ///
    /// Reads one question a line from standard input, such as
    /// {"src": "shop/web-0", "dst": "pay/api-0", "protocol": "TCP", "port": 8080}
    /// and writes one answer a line, in the same order: "allowed", "denied" or "unknown", with the
    /// policy and rule that decide.
    Network {
        /// The folder with the manifests: any layout, YAML or JSON, lists and several documents a file.
        dir: std::path::PathBuf,
        /// What the cluster's CNI does where the specification leaves it open.
        #[arg(long, value_enum, default_value_t = AskProfile::Spec)]
        cni: AskProfile,
    },
    /// Would RBAC allow a request to the API server?
    ///
    /// Reads one question a line from standard input, such as
    /// {"id": "1", "subject": {"kind": "ServiceAccount", "namespace": "shop", "name": "web"},
    /// "verb": "get", "apiGroup": "", "resource": "pods", "subresource": "log", "namespace": "pay", "name": ""}
    /// and writes one answer a line, in the same order: "allowed" is true, false or "unknown", with the
    /// subject, binding, role and rule that decide, or what is in the way of telling.
    ///
    /// A subject is a ServiceAccount, a User, whose "groups" are a list of names, or a Group, of which any
    /// member asks. The groups that the API server adds are added: system:authenticated, and
    /// system:serviceaccounts with that of the namespace. A namespace of "" is the whole cluster, a name of
    /// "" none in particular. For a path such as /metrics, "nonResourceURL" takes the place of the last
    /// five fields.
    ///
    /// RBAC alone is asked: aggregated ClusterRoles are filled in first, and a role that no manifest has
    /// grants nothing. What can't be understood makes "unknown" what it could touch; so does a role that
    /// API servers make themselves, such as view, if it is bound and not among the manifests.
    Rbac {
        /// The folder with the manifests: any layout, YAML or JSON, lists and several documents a file.
        dir: std::path::PathBuf,
    },
    #[allow(clippy::doc_markdown, reason = "it is shown as help, and lines of JSON are in it")]
    /// Would AWS IAM allow a request?
    ///
    /// Reads one case a line from standard input, the policies in it, such as
    /// {"id": "1", "request": {"principal": {"type": "AssumedRole",
    /// "arn": "arn:aws:sts::111122223333:assumed-role/app/s", "role": "arn:aws:iam::111122223333:role/app"},
    /// "action": "s3:GetObject", "resource": "arn:aws:s3:::shop/a", "resourceAccount": "111122223333",
    /// "context": {"aws:PrincipalTag/kubernetes-namespace": "shop"}},
    /// "policies": {"identity": [{"name": "app", "document": {…}}], "boundary": null, "session": null,
    /// "scps": [[{"name": "FullAWSAccess", "document": {…}}]], "rcps": [], "resource": {…}}}
    /// and writes one answer a line, in the same order: "verdict" is "allowed", "explicitDeny",
    /// "implicitDeny" or "unknown", and "because" names the statement or policy that decides.
    ///
    /// A principal is an AssumedRole, a User (with an "arn") or a Service (with "service"). Levels of
    /// "scps" and "rcps" begin at the organization's root. "resource" is the resource's own policy: a
    /// bucket's, a key's, a role's trust policy. The context is complete: a key that is not in it has no
    /// value. What is not understood makes "unknown" what it could touch, and nothing else.
    Iam,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum AskProfile {
    /// What the specification and its conformance tests say.
    Spec,
    /// As Cilium does: an ipBlock never selects a pod.
    Cilium,
}

impl From<AskProfile> for Profile {
    fn from(profile: AskProfile) -> Self {
        match profile {
            AskProfile::Spec => Self::Spec,
            AskProfile::Cilium => Self::Cilium,
        }
    }
}

/// Where the API server is found.
#[derive(Debug, clap::Args)]
struct ClusterArgs {
    /// The kubeconfig [default: KUBECONFIG, ~/.kube/config, or the pod's own service account].
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<std::path::PathBuf>,
    /// The context of the kubeconfig [default: the current one].
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

impl From<ClusterArgs> for crate::cluster::ConnectOptions {
    fn from(args: ClusterArgs) -> Self {
        Self { kubeconfig: args.kubeconfig, context: args.context }
    }
}

/// The exit code for usage and configuration.
const USAGE: u8 = 2;

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let errors = style_of(&std::io::stderr());
    let _ = miette::set_hook(Box::new(move |_| {
        let theme = match (errors.palette == Palette::Plain, errors.charset == Charset::Ascii) {
            (true, true) => miette::GraphicalTheme::none(),
            (true, false) => miette::GraphicalTheme::unicode_nocolor(),
            (false, true) => miette::GraphicalTheme::ascii(),
            (false, false) => miette::GraphicalTheme::unicode(),
        };
        // Ids and paths are copied from errors: only spaces end a line.
        let handler = miette::MietteHandlerOpts::new()
            .graphical_theme(theme)
            .width(Style::COLUMNS)
            .break_words(false)
            .word_separator(textwrap::WordSeparator::AsciiSpace)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        Box::new(handler.build())
    }));
    log(cli.verbose);
    let outcome = match cli.command {
        Command::Run(args) => run::run(args),
        Command::Init(args) => init::init(args),
        Command::Ask(Ask::Network { dir, cni }) => show::ask_network(&dir, cni.into()),
        Command::Ask(Ask::Rbac { dir }) => show::ask_rbac(&dir),
        Command::Ask(Ask::Iam) => show::ask_iam(),
        Command::Explain(args) => show::explain(&args),
        Command::Mutate(args) => mutate::mutate(args),
        Command::List(args) => show::list(&args),
        Command::Checks(args) => show::checks(&args),
        Command::Schema(args) => show::schema(&args),
        Command::Permissions(args) => show::print(&permissions::printed(&args)),
        Command::Completions { shell } => show::completions(shell),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(report) => {
            anstream::eprintln!("{report:?}");
            ExitCode::from(USAGE)
        }
    }
}

/// What a command that speaks to a cluster runs on.
fn runtime() -> miette::Result<tokio::runtime::Runtime> {
    use miette::{IntoDiagnostic as _, WrapErr as _};
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.into_diagnostic().wrap_err("the runtime does not start")
}

fn style_of(stream: &impl IsTerminal) -> Style {
    Style::detect(|name| std::env::var(name).ok(), stream.is_terminal())
}

fn log(verbose: u8) {
    let filter = match (std::env::var("TENANTPROOF_LOG"), verbose) {
        (Ok(filter), 0) => filter,
        (_, 0) => return,
        (_, 1) => "tenantproof=debug".to_owned(),
        _ => "tenantproof=trace,kube_client=debug".to_owned(),
    };
    let filter = tracing_subscriber::EnvFilter::new(filter);
    let colours = style_of(&std::io::stderr()).palette != Palette::Plain;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    let _ = log.finish().with(filter_fn(is_told)).try_init();
}

/// Whether something may be logged, whoever asks for it: below a warning the AWS SDK tells requests with all their headers,
/// the session's token among them.
fn is_told(about: &Metadata<'_>) -> bool {
    !about.target().starts_with("aws") || *about.level() <= Level::WARN
}
