//! What keeps a run from beginning.

use miette::Diagnostic;
use thiserror::Error;

use crate::cluster::ClusterError;
use crate::plan::ResolveError;

/// Why a run did not begin. Nothing was made on the cluster.
#[derive(Debug, Error, Diagnostic)]
pub enum RunError {
    /// The cluster.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Cluster(#[from] ClusterError),
    /// The tenancy and the cluster's namespaces do not fit together.
    #[error("the tenancy does not fit the cluster: {}", list(.0))]
    #[diagnostic(
        code(tenantproof::namespaces),
        help("correct the namespaces in the tenancy file, or name another context with --context")
    )]
    Namespaces(Vec<ResolveError>),
    /// No node can run a probe.
    #[error("no node can run a probe: each is unready, unschedulable, tainted or not Linux")]
    #[diagnostic(code(tenantproof::no_node), help("`kubectl get nodes` shows their states"))]
    NoNode,
    /// Ctrl-C or SIGTERM came while the cluster was still being read.
    #[error("interrupted before anything was made on the cluster")]
    #[diagnostic(code(tenantproof::interrupted))]
    Interrupted,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes: {0}")]
    #[diagnostic(code(tenantproof::no_randomness))]
    NoRandomness(String),
}

fn list(errors: &[ResolveError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
