//! What keeps a run from beginning.

use miette::Diagnostic;
use thiserror::Error;

use crate::cluster::ClusterError;
use crate::model::Counts;
use crate::plan::ResolveError;

/// Why a run did not begin. Nothing was made on the cluster.
#[derive(Debug, Error, Diagnostic)]
pub enum RunError {
    /// The cluster.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Cluster(#[from] ClusterError),
    /// AWS.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    #[diagnostic(transparent)]
    Aws(#[from] crate::aws::AwsError),
    /// The EKS cluster that was named is not the one that is connected to.
    #[error("{cluster} is at {endpoint}, and context `{context}` leads to another cluster, at {server}")]
    #[diagnostic(
        code(tenantproof::other_cluster),
        help(
            "name the context of that cluster with --context (`aws eks update-kubeconfig` makes one), or the EKS cluster \
             of this context with --eks-cluster; AWS_REGION says in which region it is looked for"
        )
    )]
    OtherCluster {
        /// The cluster, as the EKS API has it.
        cluster: String,
        /// The address of its API server.
        endpoint: String,
        /// The context that was used.
        context: String,
        /// The address to which it leads.
        server: String,
    },
    /// The credentials are of another account than was expected.
    #[error("the AWS credentials are of account {found} ({arn}), and account {expected} is expected")]
    #[diagnostic(
        code(tenantproof::other_account),
        help(
            "log in to account {expected}, or name a profile of it with AWS_PROFILE; nothing was asked but who the caller is"
        )
    )]
    OtherAccount {
        /// The account that was expected.
        expected: String,
        /// The account that the credentials are of.
        found: String,
        /// Who the caller is.
        arn: String,
    },
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
    /// Fences are taken down on clusters alone that may be thrown away.
    #[error("the cluster of context `{context}` does not say that it may be thrown away")]
    #[diagnostic(
        code(tenantproof::not_throwaway),
        help(
            "every fence of it would be taken down in turn. If it may be: `kubectl label namespace kube-system \
             tenantproof.dev/throwaway=true`, or --force {context}"
        )
    )]
    NotThrowaway {
        /// Its context.
        context: String,
    },
    /// Promises are broken, or not proved, before any fence is taken down.
    #[error(
        "before any fence is taken down the run ends with {code}: {} of its cases fail and {} are inconclusive{}",
        .counts.fail, .counts.inconclusive, .first.as_ref().map_or(String::new(), |first| format!("; the first: {first}"))
    )]
    #[diagnostic(code(tenantproof::not_whole), help("`tenantproof run` says what is wrong; mend that first"))]
    NotWhole {
        /// The run's exit code.
        code: u8,
        /// What its cases came to.
        counts: Counts,
        /// What the first finding says; a fault may be gone when the run is made again.
        first: Option<String>,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes: {0}")]
    #[diagnostic(code(tenantproof::no_randomness))]
    NoRandomness(String),
}

impl RunError {
    /// The exit code of a run that did not begin: 3 where it was interrupted, otherwise 2.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Interrupted => 3,
            _ => 2,
        }
    }
}

fn list(errors: &[ResolveError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
