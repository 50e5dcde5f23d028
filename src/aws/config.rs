//! Where AWS is asked, by whom, and how patiently.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::error::{AwsError, Call};
use super::permissions::Action;

/// How long a connection may take to stand.
const CONNECT: Duration = Duration::from_secs(4);
/// How long one attempt may take, from its first byte to the last one of its answer.
const ATTEMPT: Duration = Duration::from_secs(15);
/// How long a call may take with all its attempts.
const CALL: Duration = Duration::from_secs(60);
/// How often a call is tried, the first time included.
const ATTEMPTS: u32 = 5;
/// The longest pause between two attempts.
const PAUSE: Duration = Duration::from_secs(8);

/// AWS as this run asks it: a region, credentials, and how long an answer is waited for.
#[derive(Clone, Debug)]
pub struct Aws {
    config: SdkConfig,
    region: String,
}

impl Aws {
    /// Reads what the SDK reads: `AWS_PROFILE`, `AWS_REGION`, `AWS_ENDPOINT_URL` (and one for each service), the shared
    /// configuration, the credentials of a pod or an instance, the proxies of the environment. Credentials are looked
    /// for when they are first needed.
    ///
    /// # Errors
    /// [`AwsError`] where no region is set.
    pub async fn load() -> Result<Self, AwsError> {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .read_timeout(ATTEMPT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(CALL)
            .build();
        let config = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(https())
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS).with_max_backoff(PAUSE))
            .load()
            .await;
        let region = config.region().map(ToString::to_string).ok_or_else(AwsError::no_region)?;
        Ok(Self { config, region })
    }

    /// What clients of the services are made of.
    #[must_use]
    pub const fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The region that is asked.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// A call, for the errors that it may bring: what it is about is such as `log group /aws/eks/shared/cluster`.
    #[must_use]
    pub fn call(&self, action: &'static Action, about: &str) -> Call {
        Call { action, about: about.to_owned(), region: self.region.clone() }
    }
}

/// HTTPS with the cryptography that the Kubernetes client has too, through the proxies that the environment names: what
/// the SDK would make itself brings cryptography of its own.
fn https() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let mut builder = Connector::builder().proxy_config(ProxyConfig::from_env());
        builder.set_connector_settings(settings.cloned());
        builder.set_sleep_impl(components.and_then(aws_sdk_eks::config::RuntimeComponents::sleep_impl));
        builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).build()
    })
}
