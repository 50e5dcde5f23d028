//! Finding a cluster and saying who we are on it.

use std::path::PathBuf;
use std::time::Duration;

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::PostParams;
use kube::client::ClientBuilder;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Api, Client, Config};
use tokio::time::{Instant, timeout_at};

use super::error::{ClusterError, in_words};
use super::outage::OutageLayer;
use crate::model::Nearest;

/// How long the API server may take for its first answers, all of them together.
const FIRST_ANSWER: Duration = Duration::from_secs(10);

/// How to find the cluster.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    /// The kubeconfig; otherwise `KUBECONFIG`, `~/.kube/config`, or the pod's own service account.
    pub kubeconfig: Option<PathBuf>,
    /// The context; otherwise the current one.
    pub context: Option<String>,
}

/// A cluster that answered.
#[derive(Clone)]
pub struct Connection {
    /// The client.
    pub client: Client,
    /// A client of the same API server that has no credential at all: what is asked by it is asked by nobody, or by
    /// whoever owns the token that a request brings.
    pub nobody: Client,
    /// The context's name; `in-cluster` inside a pod.
    pub context: String,
    /// The API server's address.
    pub server: String,
    /// The certificates by which it is known, each in DER; none where those of this machine are used, or any is taken.
    pub authorities: Vec<Vec<u8>>,
    /// The server's version, such as `v1.34.4`.
    pub version: String,
    /// The user as whom the API server knows us.
    pub user: String,
}

/// Connects, and asks for version and identity, so that every later error is about something else.
///
/// # Errors
/// [`ClusterError`] that tells a missing kubeconfig, an unknown context, a server that does not
/// answer and one that refuses the credentials apart.
pub async fn connect(options: &ConnectOptions) -> Result<Connection, ClusterError> {
    let (mut config, context) = load(options).await?;
    config.connect_timeout = Some(Duration::from_secs(5));
    config.read_timeout = Some(Duration::from_secs(30));
    config.reset_reader_on_write = true;
    let server = config.cluster_url.to_string();
    let authorities = config.root_cert.clone().unwrap_or_default();
    let build = |config: Config| {
        let builder = ClientBuilder::try_from(config)
            .map_err(|error| ClusterError::BadKubeconfig { path: describe_source(options), why: in_words(&error) })?;
        Ok::<Client, ClusterError>(builder.with_layer(&OutageLayer).build())
    };
    let nobody = build(without_credential(config.clone()))?;
    let client = build(config)?;
    let mute = |_| ClusterError::Unreachable {
        server: server.clone(),
        why: format!("something accepts connections and says nothing for {} s", FIRST_ANSWER.as_secs()),
    };
    let last = Instant::now() + FIRST_ANSWER;
    let version = timeout_at(last, client.apiserver_version()).await.map_err(mute)?;
    let version = version.map_err(|error| refused(&server, &error))?.git_version;
    let reviews: Api<SelfSubjectReview> = Api::all(client.clone());
    let (plainly, review) = (PostParams::default(), SelfSubjectReview::default());
    let user = match timeout_at(last, reviews.create(&plainly, &review)).await.map_err(mute)? {
        Ok(review) => {
            review.status.and_then(|s| s.user_info).and_then(|u| u.username).unwrap_or_else(|| "unknown".to_owned())
        }
        Err(kube::Error::Api(status)) if status.code == 401 => {
            return Err(ClusterError::Unauthorized { server, why: status.message.clone() });
        }
        Err(error) => {
            tracing::debug!(%error, "the API server did not say who we are");
            "unknown".to_owned()
        }
    };
    Ok(Connection { client, nobody, context, server, authorities, version, user })
}

/// The way to the same API server, without certificate, token, password, program or another's name.
fn without_credential(mut config: Config) -> Config {
    config.auth_info = AuthInfo::default();
    config.headers = Vec::new();
    config
}

fn refused(server: &str, error: &kube::Error) -> ClusterError {
    let server = server.to_owned();
    match error {
        kube::Error::Api(status) if matches!(status.code, 401 | 403) => {
            ClusterError::Unauthorized { server, why: status.message.clone() }
        }
        other => ClusterError::Unreachable { server, why: in_words(other) },
    }
}

async fn load(options: &ConnectOptions) -> Result<(Config, String), ClusterError> {
    let kubeconfig = match &options.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let kubeconfig = match kubeconfig {
        Ok(kubeconfig) if options.kubeconfig.is_some() || !kubeconfig.contexts.is_empty() => kubeconfig,
        Ok(_) => return in_cluster(options, "it has no contexts"),
        Err(KubeconfigError::FindPath) => return in_cluster(options, "HOME is not set"),
        Err(KubeconfigError::ReadConfig(error, path)) if options.kubeconfig.is_none() => {
            return in_cluster(options, &format!("{}: {error}", path.display()));
        }
        Err(error) => {
            return Err(ClusterError::BadKubeconfig { path: describe_source(options), why: flatten(&error) });
        }
    };
    let known: Vec<&str> = kubeconfig.contexts.iter().map(|context| context.name.as_str()).collect();
    let context = match options.context.clone().or_else(|| kubeconfig.current_context.clone()) {
        Some(context) if known.contains(&context.as_str()) => context,
        Some(context) => {
            let advice = advise(&context, &known);
            return Err(ClusterError::UnknownContext { context, advice });
        }
        None => {
            let advice = format!("no context is current; name one with --context: {}", known.join(", "));
            return Err(ClusterError::UnknownContext { context: String::new(), advice });
        }
    };
    let chosen = KubeConfigOptions { context: Some(context.clone()), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(kubeconfig, &chosen)
        .await
        .map_err(|error| ClusterError::BadKubeconfig { path: describe_source(options), why: flatten(&error) })?;
    Ok((config, context))
}

fn in_cluster(options: &ConnectOptions, looked: &str) -> Result<(Config, String), ClusterError> {
    if let Some(context) = &options.context {
        return Err(ClusterError::UnknownContext { context: context.clone(), advice: looked.to_owned() });
    }
    match Config::incluster() {
        Ok(config) => Ok((config, "in-cluster".to_owned())),
        Err(_) => Err(ClusterError::NoKubeconfig { looked: looked.to_owned() }),
    }
}

fn describe_source(options: &ConnectOptions) -> String {
    options.kubeconfig.as_ref().map_or_else(
        || std::env::var("KUBECONFIG").unwrap_or_else(|_| "~/.kube/config".to_owned()),
        |path| path.display().to_string(),
    )
}

fn flatten(error: &KubeconfigError) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !words.contains(&text) {
            words.push_str(": ");
            words.push_str(&text);
        }
        cause = inner.source();
    }
    words
}

/// The nearest known context first, then all of them.
fn advise(context: &str, known: &[&str]) -> String {
    match Nearest::of(context, known.iter().copied()).word() {
        Some(nearest) => format!("did you mean `{nearest}`? It has: {}", known.join(", ")),
        None if known.is_empty() => "it has none".to_owned(),
        None => format!("it has: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use kube::Config;
    use kube::config::AuthInfo;

    use super::without_credential;

    #[test]
    fn nobody_brings_nothing_of_the_runners() {
        let mut config = Config::new("https://127.0.0.1:6443".parse().unwrap());
        config.auth_info = AuthInfo {
            username: Some("ann".to_owned()),
            client_certificate: Some("cert.pem".to_owned()),
            token_file: Some("token".to_owned()),
            impersonate: Some("bob".to_owned()),
            ..AuthInfo::default()
        };
        config.headers = vec![("x-user".parse().unwrap(), "ann".parse().unwrap())];
        config.root_cert = Some(vec![vec![1]]);
        let bare = without_credential(config);
        assert_eq!(format!("{:?}", bare.auth_info), format!("{:?}", AuthInfo::default()));
        assert!(bare.headers.is_empty());
        assert_eq!(bare.root_cert, Some(vec![vec![1]]), "the server is known by the same authority");
    }
}
