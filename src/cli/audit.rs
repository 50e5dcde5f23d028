//! Where the API server's record of requests can be read, as the command line has it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use miette::Diagnostic;
use thiserror::Error;

use super::inputs;
use crate::cluster::audit::{AuditLog, AuditSource, Identity, Webhook};
use crate::families::{GivenPolicy, Record};
use crate::semantics::audit::{Policy, PolicyError, PolicyOrigin};

/// What opening a log before the run is marked with: nothing has it.
const UNMARKED: &str = "tenantproof-audit-before-the-run";

/// Where the API server's record of requests can be read, and what it is told to keep.
#[derive(Clone, Debug, Default, clap::Args)]
#[allow(clippy::struct_field_names, reason = "they are the names of the options")]
pub(super) struct AuditArgs {
    /// The audit log of an API server, as a file that this machine can read; what it is rotated into beside it is
    /// read too. Give one for each API server. Without any source of audit records nothing is looked for on record.
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    audit_log: Vec<PathBuf>,
    /// The log group of CloudWatch Logs to which EKS sends the audit logs of its API servers, such as
    /// /aws/eks/CLUSTER/cluster. It is read with the credentials that every AWS tool finds; docs/aws.md says what is asked.
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "LOG-GROUP", value_parser = log_group, help_heading = HEADING)]
    audit_cloudwatch: Vec<String>,
    /// Listen here for what API servers post to their audit webhook backend, such as 0.0.0.0:9443. With http:// in front it
    /// is listened for without TLS, and whoever is on the way can read and change what is sent.
    #[arg(long, value_name = "ADDRESS", help_heading = HEADING)]
    audit_webhook: Option<WebhookAddress>,
    /// The certificate by which the API servers know the webhook, with those between it and its authority: PEM.
    #[arg(long, value_name = "FILE", requires_all = ["audit_webhook", "audit_webhook_key"], help_heading = HEADING)]
    audit_webhook_cert: Option<PathBuf>,
    /// The key of that certificate: PEM.
    #[arg(long, value_name = "FILE", requires = "audit_webhook_cert", help_heading = HEADING)]
    audit_webhook_key: Option<PathBuf>,
    /// The file of the bearer token that every post to the webhook must bring. Without it events are taken from everybody
    /// who reaches the address.
    #[arg(long, value_name = "FILE", requires = "audit_webhook", help_heading = HEADING)]
    audit_webhook_token_file: Option<PathBuf>,
    /// The audit policy that the API servers run: its text is judged, and held against what is on record.
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    audit_policy: Option<PathBuf>,
    /// Seconds that a record is waited for after the last request. Without it as long as was promised; for the webhook
    /// one minute and for CloudWatch Logs five at least.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=7200), help_heading = HEADING)]
    audit_wait: Option<u64>,
}

const HEADING: &str = "Audit records";

/// Where the webhook is listened for, and whether without TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct WebhookAddress {
    address: SocketAddr,
    plain: bool,
}

impl FromStr for WebhookAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (plain, rest) = match (text.strip_prefix("http://"), text.strip_prefix("https://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => (false, text),
        };
        match rest.trim_end_matches('/').parse() {
            Ok(address) => Ok(Self { address, plain }),
            Err(_) => {
                Err("an address of this machine and a port are wanted, such as 0.0.0.0:9443 or [::]:9443".to_owned())
            }
        }
    }
}

/// A name as AWS has it: letters, digits and `_-/.#`, 512 of them at most.
#[cfg(feature = "aws")]
fn log_group(text: &str) -> Result<String, String> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_-/.#".contains(&byte);
    if text.is_empty() || text.len() > 512 || !text.bytes().all(letter) {
        return Err("a log group's name is wanted, such as /aws/eks/CLUSTER/cluster".to_owned());
    }
    Ok(text.to_owned())
}

/// An audit policy that no API server takes.
#[derive(Debug, Error, Diagnostic)]
#[error("the audit policy {path} can't be used: {why}")]
#[diagnostic(code(tenantproof::audit_policy), help("name the file that `--audit-policy-file` of the API server names"))]
struct UnusablePolicy {
    path: String,
    why: PolicyError,
}

/// A webhook of which it is not said how it is to be known, or that it need not be.
#[derive(Debug, Error, Diagnostic)]
enum UnusableWebhook {
    #[error("the audit webhook at {0} has no certificate")]
    #[diagnostic(
        code(tenantproof::audit_webhook),
        help("give --audit-webhook-cert and --audit-webhook-key, or ask for no TLS: --audit-webhook http://{0}")
    )]
    NoCertificate(SocketAddr),
    #[error("the audit webhook at {0} is asked for without TLS, and has a certificate")]
    #[diagnostic(code(tenantproof::audit_webhook), help("leave http:// out: --audit-webhook {0}"))]
    TwoMinds(SocketAddr),
}

impl AuditArgs {
    /// Reads what can be read of it, and opens each source once, so that one that can't be read is told before anything is
    /// done.
    pub(super) fn record(&self) -> miette::Result<Record> {
        let logs = self.sources()?;
        if !logs.is_empty() {
            let runtime = super::runtime()?;
            // Its end is the end of whoever listened: the address is free for the run.
            runtime.block_on(AuditLog::open(&logs, UNMARKED))?;
        }
        let policy = self.given_policy()?.or(self.published_policy());
        Ok(Record { logs, policy, wait: self.audit_wait.map(Duration::from_secs) })
    }

    fn sources(&self) -> Result<Vec<AuditSource>, UnusableWebhook> {
        let mut sources: Vec<AuditSource> = self.audit_log.iter().cloned().map(AuditSource::File).collect();
        sources.extend(self.webhook()?.map(AuditSource::Webhook));
        #[cfg(feature = "aws")]
        sources.extend(self.audit_cloudwatch.iter().cloned().map(AuditSource::CloudWatch));
        Ok(sources)
    }

    fn webhook(&self) -> Result<Option<Webhook>, UnusableWebhook> {
        let Some(WebhookAddress { address, plain }) = self.audit_webhook else { return Ok(None) };
        let identity = match (&self.audit_webhook_cert, &self.audit_webhook_key) {
            (Some(_), Some(_)) if plain => return Err(UnusableWebhook::TwoMinds(address)),
            (Some(certificate), Some(key)) => Some(Identity { certificate: certificate.clone(), key: key.clone() }),
            _ if plain => None,
            _ => return Err(UnusableWebhook::NoCertificate(address)),
        };
        Ok(Some(Webhook { address, identity, token: self.audit_webhook_token_file.clone() }))
    }

    fn given_policy(&self) -> miette::Result<Option<GivenPolicy>> {
        let Some(path) = &self.audit_policy else { return Ok(None) };
        let bytes = inputs::read(path, "name the file that `--audit-policy-file` of the API server names")?;
        let policy = Policy::read(&String::from_utf8_lossy(&bytes));
        let policy = policy.map_err(|why| UnusablePolicy { path: path.display().to_string(), why })?;
        Ok(Some(GivenPolicy { policy, origin: PolicyOrigin::Given }))
    }

    /// The policy of EKS, where every record comes from groups that EKS makes.
    #[cfg(feature = "aws")]
    fn published_policy(&self) -> Option<GivenPolicy> {
        let groups = &self.audit_cloudwatch;
        let alone = self.audit_log.is_empty() && self.audit_webhook.is_none() && !groups.is_empty();
        let of_eks = alone && groups.iter().all(|group| AuditSource::is_group_of_eks(group));
        let policy = Policy::of_eks().ok().filter(|_| of_eks)?;
        Some(GivenPolicy { policy, origin: PolicyOrigin::EksPublished })
    }

    #[cfg(not(feature = "aws"))]
    #[allow(clippy::unused_self, reason = "with the AWS side it looks at the arguments")]
    const fn published_policy(&self) -> Option<GivenPolicy> {
        None
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use rstest::rstest;

    use super::AuditArgs;
    use crate::semantics::audit::PolicyOrigin;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        audit: AuditArgs,
    }

    fn read(line: &str) -> Result<AuditArgs, String> {
        let words = ["x"].into_iter().chain(line.split_whitespace());
        Line::try_parse_from(words).map(|line| line.audit).map_err(|error| error.to_string())
    }

    #[rstest]
    #[case::with_tls(
        "--audit-webhook 0.0.0.0:9443 --audit-webhook-cert c --audit-webhook-key k",
        Some("webhook at https://0.0.0.0:9443")
    )]
    #[case::the_same(
        "--audit-webhook https://[::1]:9443 --audit-webhook-cert c --audit-webhook-key k",
        Some("webhook at https://[::1]:9443")
    )]
    #[case::without_as_asked_for("--audit-webhook http://127.0.0.1:9080", Some("webhook at http://127.0.0.1:9080"))]
    #[case::without_and_not_asked_for("--audit-webhook 127.0.0.1:9080", None)]
    #[case::without_and_with("--audit-webhook http://127.0.0.1:1 --audit-webhook-cert c --audit-webhook-key k", None)]
    fn a_webhook_is_without_tls_only_where_that_is_asked_for(#[case] line: &str, #[case] expected: Option<&str>) {
        let sources = read(line).unwrap().sources().ok();
        assert_eq!(sources.map(|sources| sources[0].describe()).as_deref(), expected);
    }

    #[rstest]
    #[case::no_port("--audit-webhook 0.0.0.0")]
    #[case::a_name("--audit-webhook localhost:9443")]
    #[case::a_certificate_alone("--audit-webhook 0.0.0.0:9443 --audit-webhook-cert c")]
    #[case::a_token_for_nothing("--audit-webhook-token-file t")]
    fn what_does_not_fit_together_is_refused(#[case] line: &str) {
        assert!(read(line).is_err());
    }

    #[cfg(feature = "aws")]
    #[rstest]
    #[case::a_group("/aws/eks/shared/cluster", true)]
    #[case::a_pattern("/aws/eks/*/cluster", false)]
    #[case::an_arn("arn:aws:logs:eu-central-1:111122223333:log-group:x", false)]
    #[case::nothing("", false)]
    fn a_log_group_is_named_as_aws_names_it(#[case] name: &str, #[case] taken: bool) {
        assert_eq!(super::log_group(name).is_ok(), taken);
    }

    #[cfg(feature = "aws")]
    #[rstest]
    #[case::a_group_of_eks("--audit-cloudwatch /aws/eks/shared/cluster", true)]
    #[case::another_group("--audit-cloudwatch /kops/audit", false)]
    #[case::one_of_each("--audit-cloudwatch /aws/eks/shared/cluster --audit-cloudwatch /kops/audit", false)]
    #[case::a_file_as_well("--audit-cloudwatch /aws/eks/shared/cluster --audit-log f", false)]
    #[case::none("", false)]
    fn the_policy_of_eks_is_that_of_eks_alone(#[case] line: &str, #[case] known: bool) {
        let published = read(line).unwrap().published_policy();
        assert_eq!(published.map(|given| given.origin), known.then_some(PolicyOrigin::EksPublished));
    }

    #[cfg(feature = "aws")]
    #[test]
    fn a_policy_that_is_given_comes_before_the_one_that_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.yaml");
        std::fs::write(&path, "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None}]\n").unwrap();
        let line = format!("--audit-cloudwatch /aws/eks/shared/cluster --audit-policy {}", path.display());
        let given = read(&line).unwrap().given_policy().unwrap().unwrap();
        assert_eq!((given.origin, given.policy.rules.len()), (PolicyOrigin::Given, 1));
    }
}
