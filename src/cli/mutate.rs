//! `tenantproof mutate`.

use miette::IntoDiagnostic as _;

use super::run::{self, RunArgs};
use super::style_of;
use crate::report::files::{Folder, MUTATION_JSON};
use crate::report::mutation;
use crate::run::mutate::{Mutation, Progress, mutate as take_down};

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
    let folder = Folder::create(&out)?;
    // What an earlier one left must not be taken for this one's, and a killed one leaves what it saw.
    write(&folder, &Mutation::new())?;
    let style = style_of(&std::io::stderr());
    let told = |progress: Progress<'_>| {
        if !quiet {
            anstream::eprintln!("{}", mutation::progress(&progress, &style));
        }
        if let Progress::Ended(_, so_far) = progress {
            // Tried again at the end, where a failure is told.
            let _ = write(&folder, so_far);
        }
    };
    let ended = super::runtime()?.block_on(take_down(&options, force.as_deref(), told, run::interrupted()));
    let mutation = match ended {
        Ok(mutation) => mutation,
        Err(error) => {
            let code = error.exit_code();
            anstream::eprintln!("{:?}", miette::Report::new(error));
            return Ok(code);
        }
    };
    write(&folder, &mutation)?;
    if !quiet {
        let path = out.join(MUTATION_JSON);
        super::show::print(&mutation::page(&mutation, &style_of(&std::io::stdout()), Some(&path)))?;
    }
    Ok(mutation.exit_code())
}

fn write(folder: &Folder, mutation: &Mutation) -> miette::Result<()> {
    let text = mutation::json(mutation).into_diagnostic()?;
    Ok(folder.put(MUTATION_JSON, &text)?)
}
