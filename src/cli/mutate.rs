//! `tenantproof mutate`.

use std::path::PathBuf;

use miette::{IntoDiagnostic as _, WrapErr as _};

use super::run::{self, RunArgs};
use super::style_of;
use crate::report::mutation;
use crate::run::mutate::{Progress, mutate as take_down};

/// Take down every fence of a throwaway cluster in turn, and see whether the suites notice.
///
/// For each fence that the tenancy's namespaces have (a NetworkPolicy, a quota, a binding), and for each
/// way to break it: break it, run what concerns it, put it back. A mutant that survives is a hole in the
/// suite; a check that noticed none was never shown to be able to fail. What is broken is written down on
/// the cluster first: if this is killed, the next `mutate` or `run` puts the fence back.
///
/// It refuses a cluster whose namespace kube-system does not carry the label
/// tenantproof.dev/throwaway=true.
#[derive(Debug, clap::Args)]
pub(super) struct MutateArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Take the fences of this context down although its cluster does not say that it may be thrown away.
    #[arg(long, value_name = "CONTEXT")]
    force: Option<String>,
}

/// Takes the fences down; the exit code is the report's.
pub(super) fn mutate(args: MutateArgs) -> miette::Result<u8> {
    let MutateArgs { run: args, force } = args;
    let inputs = run::read_inputs(&args)?;
    let (quiet, out) = (args.quiet, args.out.clone());
    let options = run::options(args, inputs);
    std::fs::create_dir_all(&out).into_diagnostic().wrap_err_with(|| format!("{} can't be made", out.display()))?;
    let style = style_of(&std::io::stderr());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .into_diagnostic()
        .wrap_err("the runtime does not start")?;
    let mutation = runtime.block_on(take_down(
        &options,
        force.as_deref(),
        |progress: Progress<'_>| {
            if !quiet {
                anstream::eprintln!("{}", mutation::progress(&progress, &style));
            }
        },
        run::interrupted(),
    ))?;
    let path: PathBuf = out.join("mutation.json");
    let text = mutation::json(&mutation).into_diagnostic()?;
    std::fs::write(&path, text).into_diagnostic().wrap_err_with(|| format!("{} can't be written", path.display()))?;
    if !quiet {
        super::show::print(&mutation::page(&mutation, &style_of(&std::io::stdout()), Some(&path)))?;
    }
    Ok(mutation.exit_code())
}
