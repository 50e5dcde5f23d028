//! What can go wrong between the runner and a cluster.

use miette::Diagnostic;
use thiserror::Error;

/// An error of the Kubernetes side, with its remedy.
#[derive(Debug, Error, Diagnostic)]
pub enum ClusterError {
    /// No kubeconfig, and not inside a cluster.
    #[error("no kubeconfig was found: {looked}")]
    #[diagnostic(code(tenantproof::kubeconfig), help("name one with --kubeconfig or KUBECONFIG"))]
    NoKubeconfig {
        /// Where it was looked for.
        looked: String,
    },
    /// A kubeconfig that can't be read or understood.
    #[error("the kubeconfig {path} can't be used: {why}")]
    #[diagnostic(code(tenantproof::kubeconfig), help("`kubectl config view` shows what kubectl reads of it"))]
    BadKubeconfig {
        /// Its path.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A context that the kubeconfig doesn't have.
    #[error("the kubeconfig has no context `{context}`")]
    #[diagnostic(code(tenantproof::context), help("{advice}"))]
    UnknownContext {
        /// The context that was asked for.
        context: String,
        /// The nearest ones.
        advice: String,
    },
    /// The API server does not answer.
    #[error("the API server {server} does not answer: {why}")]
    #[diagnostic(
        code(tenantproof::unreachable),
        help("`kubectl cluster-info` tries the same; nothing was created on the cluster")
    )]
    Unreachable {
        /// Its address.
        server: String,
        /// What came back.
        why: String,
    },
    /// The API server does not know the user.
    #[error("the API server {server} does not accept the credentials: {why}")]
    #[diagnostic(code(tenantproof::unauthorized), help("log in again, or name another context with --context"))]
    Unauthorized {
        /// Its address.
        server: String,
        /// Its words.
        why: String,
    },
    /// A request that every run needs was refused.
    #[error("the API server refuses to {what}: {why}")]
    #[diagnostic(
        code(tenantproof::forbidden),
        help("`tenantproof permissions` prints the ClusterRole that a run needs; it holds no exec and no Secret")
    )]
    Forbidden {
        /// What was tried.
        what: String,
        /// The API server's words.
        why: String,
    },
    /// Another run is at work in a namespace.
    #[error("another run ({holder}) is at work in namespace {namespace}")]
    #[diagnostic(
        code(tenantproof::claimed),
        help("wait for it, or give more time with --wait-for-claim; a run that was killed is taken over after 15 s")
    )]
    Claimed {
        /// The namespace.
        namespace: String,
        /// The run that holds it.
        holder: String,
    },
    /// The Lease that guards this run's probes was taken away.
    #[error("the claim on namespace {namespace} was lost: {why}")]
    #[diagnostic(code(tenantproof::claim_lost), help("run again; what this run has made is gone with its Lease"))]
    ClaimLost {
        /// The namespace.
        namespace: String,
        /// How that was seen.
        why: String,
    },
    /// Anything else that the API server or the way to it answered.
    #[error("can't {what}: {why}")]
    #[diagnostic(code(tenantproof::api))]
    Api {
        /// What was tried.
        what: String,
        /// What came back.
        why: String,
    },
}

impl ClusterError {
    /// Explains an error of the client: what was tried, and what came back.
    #[must_use]
    pub fn explain(what: &str, error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.code == 403 => {
                Self::Forbidden { what: what.to_owned(), why: status.message.clone() }
            }
            other => Self::Api { what: what.to_owned(), why: in_words(other) },
        }
    }
}

/// The innermost causes of an error, without the client's own wrapping.
#[must_use]
pub(crate) fn in_words(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return if status.message.is_empty() {
            format!("{} {}", status.code, status.reason)
        } else {
            status.message.clone()
        };
    }
    let mut words = Vec::<String>::new();
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if !words.last().is_some_and(|last| last.contains(&text)) {
            words.push(text);
        }
        cause = error.source();
    }
    words.last().cloned().unwrap_or_else(|| error.to_string())
}
