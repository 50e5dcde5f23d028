//! What can go wrong between the runner and AWS, in a sentence and with a remedy.

use std::error::Error;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_cloudwatchlogs::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use miette::Diagnostic;

use super::permissions::Action;
use crate::semantics::iam::estate::Part;

/// The most that is told of a service's own words, in characters.
const WORDS: usize = 300;
/// A run of so many letters and digits is no word, and is not repeated.
const NO_WORD: usize = 64;

/// A call of an AWS service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The operation, and what allows it.
    pub action: &'static Action,
    /// What it is about; empty where the operation says it all.
    pub about: String,
    /// Where it is asked.
    pub region: String,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { action: Action { service, operation, .. }, about, region } = self;
        write!(f, "{operation} of {service} in {region}")?;
        if about.is_empty() { Ok(()) } else { write!(f, " on {about}") }
    }
}

/// What kind of trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No region is set.
    NoRegion,
    /// No credentials were found anywhere.
    NoCredentials,
    /// There is a way to credentials, and it gave none.
    CredentialsNotGiven,
    /// The credentials have expired.
    Expired,
    /// AWS does not know the credentials, or their signature does not fit.
    NotRecognised,
    /// The credentials may not do this.
    NotAllowed,
    /// There is no such resource there.
    NotFound,
    /// Too many calls were made.
    Throttled,
    /// No answer came.
    Unreachable,
    /// The service could not serve it.
    Unavailable,
    /// Anything else that the service answered.
    Refused,
}

/// An error of the AWS side, with its remedy. It never holds a credential.
#[derive(Debug)]
pub struct AwsError(Box<Failed>);

#[derive(Debug)]
struct Failed {
    trouble: Trouble,
    call: Option<Call>,
    /// The error's own code: `AccessDeniedException`.
    code: String,
    request_id: String,
    /// More about it, where there is more and it can be told.
    why: String,
}

impl AwsError {
    pub(super) fn no_region() -> Self {
        let (code, request_id, why) = Default::default();
        Self(Box::new(Failed { trouble: Trouble::NoRegion, call: None, code, request_id, why }))
    }

    /// Explains an error of the SDK.
    #[must_use]
    pub fn explain<E>(call: Call, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let request_id = error.request_id().unwrap_or_default().to_owned();
        let failed =
            |trouble, code: &str, why| Failed { trouble, call: Some(call), code: code.to_owned(), request_id, why };
        Self(Box::new(match error {
            SdkError::ServiceError(answer) => {
                let (meta, status) = (answer.err().meta(), answer.raw().status().as_u16());
                let code = meta.code().unwrap_or_default();
                let trouble = Trouble::of(code, status);
                let why = if trouble.is_about_credentials() { "" } else { meta.message().unwrap_or_default() };
                failed(trouble, code, told(why))
            }
            SdkError::ResponseError(answer) => {
                let why = format!("an answer with status {} that can't be understood", answer.raw().status().as_u16());
                failed(Trouble::Unavailable, "", why)
            }
            SdkError::TimeoutError(_) => failed(Trouble::Unreachable, "", "no answer in time".to_owned()),
            other => match credentials(other) {
                Some((trouble, why)) => failed(trouble, "", why),
                None => failed(Trouble::Unreachable, "", told(&innermost(other))),
            },
        }))
    }

    /// An answer that lacks what every answer has.
    pub(super) fn incomplete(call: Call) -> Self {
        let (code, request_id) = Default::default();
        let why = "an answer that can't be understood".to_owned();
        Self(Box::new(Failed { trouble: Trouble::Unavailable, call: Some(call), code, request_id, why }))
    }

    /// What kind of trouble it is.
    #[must_use]
    pub const fn trouble(&self) -> Trouble {
        self.0.trouble
    }

    /// Whether the same call may be served a moment later.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self.0.trouble, Trouble::Throttled | Trouble::Unreachable | Trouble::Unavailable)
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failed { trouble, call, code, request_id, why } = &*self.0;
        if let Some(call) = call {
            write!(f, "{call} ")?;
        }
        f.write_str(trouble.in_words())?;
        if !why.is_empty() {
            write!(f, ": {why}")?;
        }
        match (code.is_empty(), request_id.is_empty()) {
            (true, true) => Ok(()),
            (false, true) => write!(f, " ({code})"),
            (true, false) => write!(f, " (request {request_id})"),
            (false, false) => write!(f, " ({code}, request {request_id})"),
        }
    }
}

impl Error for AwsError {}

impl Diagnostic for AwsError {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.0.trouble.id()))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.0.trouble.remedy(self.0.call.as_ref())))
    }
}

impl Trouble {
    /// What an answer's code says; its status where the code is none that is known.
    fn of(code: &str, status: u16) -> Self {
        // `com.amazonaws.logs#ThrottlingException` and `ThrottlingException:http://…` are the same.
        let code = code.rsplit('#').next().unwrap_or_default();
        let code = code.split(':').next().unwrap_or_default();
        match (code.trim_end_matches("Exception"), status) {
            ("ExpiredToken" | "RequestExpired" | "TokenRefreshRequired", _) => Self::Expired,
            (
                "UnrecognizedClient"
                | "InvalidClientTokenId"
                | "InvalidAccessKeyId"
                | "InvalidSignature"
                | "SignatureDoesNotMatch"
                | "IncompleteSignature"
                | "MissingAuthenticationToken"
                | "InvalidToken"
                | "AuthFailure"
                // The words of these two are about clocks, and so is the remedy.
                | "RequestTimeTooSkewed"
                | "RequestInTheFuture",
                _,
            ) => Self::NotRecognised,
            ("AccessDenied" | "UnauthorizedOperation" | "NotAuthorized" | "Unauthorized", _) => Self::NotAllowed,
            ("ResourceNotFound" | "NotFound", _) => Self::NotFound,
            (
                "Throttling"
                | "Throttled"
                | "TooManyRequests"
                | "RequestLimitExceeded"
                | "RequestThrottled"
                | "SlowDown",
                _,
            )
            | (_, 429) => Self::Throttled,
            (_, 500..) => Self::Unavailable,
            (_, 401 | 403) => Self::NotAllowed,
            (_, 404) => Self::NotFound,
            _ => Self::Refused,
        }
    }

    /// Whether the service's words may repeat what was sent: a signature that does not fit is explained with the whole
    /// request, the session's token in it.
    const fn is_about_credentials(self) -> bool {
        matches!(self, Self::Expired | Self::NotRecognised)
    }

    /// Whether nothing else that is asked with these credentials would be answered.
    #[must_use]
    pub const fn is_of_the_run(self) -> bool {
        matches!(
            self,
            Self::NoRegion | Self::NoCredentials | Self::CredentialsNotGiven | Self::Expired | Self::NotRecognised
        )
    }

    /// In words, after the call.
    const fn in_words(self) -> &'static str {
        match self {
            Self::NoRegion => "no AWS region is set",
            Self::NoCredentials => "was not asked: no AWS credentials were found",
            Self::CredentialsNotGiven => "was not asked: no AWS credentials could be had",
            Self::Expired => "was refused: the AWS credentials have expired",
            Self::NotRecognised => "was refused: AWS does not recognise the credentials",
            Self::NotAllowed => "is not allowed",
            Self::NotFound => "found no such thing",
            Self::Throttled => "was throttled",
            Self::Unreachable => "did not come through",
            Self::Unavailable => "was not served",
            Self::Refused => "was refused",
        }
    }

    const fn id(self) -> &'static str {
        match self {
            Self::NoRegion => "tenantproof::aws_region",
            Self::NoCredentials | Self::CredentialsNotGiven | Self::Expired | Self::NotRecognised => {
                "tenantproof::aws_credentials"
            }
            Self::NotAllowed => "tenantproof::aws_forbidden",
            Self::NotFound => "tenantproof::aws_not_found",
            Self::Throttled => "tenantproof::aws_throttled",
            Self::Unreachable | Self::Unavailable => "tenantproof::aws_unreachable",
            Self::Refused => "tenantproof::aws",
        }
    }

    /// What helps.
    fn remedy(self, call: Option<&Call>) -> String {
        let (region, action) = call.map_or(("", ""), |call| (call.region.as_str(), call.action.action));
        match self {
            Self::NoRegion => {
                "name the cluster's region with AWS_REGION, or a profile that has one with AWS_PROFILE".to_owned()
            }
            Self::NoCredentials => "log in, or name a profile with AWS_PROFILE; inside a cluster, give the service \
                                    account a role by EKS Pod Identity or IRSA"
                .to_owned(),
            Self::CredentialsNotGiven | Self::Expired => {
                "`aws sts get-caller-identity` tries the same; log in again (`aws sso login` with IAM Identity Center)"
                    .to_owned()
            }
            Self::NotRecognised => format!(
                "`aws sts get-caller-identity` tries the same; the key may be gone, its session's token missing, this \
                 machine's clock wrong, or the region {region} not enabled for the account"
            ),
            Self::NotAllowed => {
                format!("let the role do {action}; `tenantproof permissions --aws` prints the least policy")
            }
            Self::NotFound => format!("look at its name, the account, and whether it lies in {region} (AWS_REGION)"),
            Self::Throttled => "other callers use up the account's rate; run again when they are done".to_owned(),
            Self::Unreachable | Self::Unavailable => format!(
                "look at the way to {region}: name resolution, proxies (HTTPS_PROXY, NO_PROXY), a VPC endpoint, \
                 AWS_ENDPOINT_URL"
            ),
            Self::Refused => "the code and the request's id tell AWS support what happened".to_owned(),
        }
    }
}

/// What came of asking for a part of something: a part that is not there is `Absent`, one that can't be read says why.
///
/// # Errors
/// What would keep every other part from being read, too.
pub(super) fn part<T>(asked: Result<T, AwsError>) -> Result<Part<T>, AwsError> {
    match asked {
        Ok(read) => Ok(Part::Read(read)),
        Err(error) if error.trouble() == Trouble::NotFound => Ok(Part::Absent),
        Err(error) if error.trouble().is_of_the_run() => Err(error),
        Err(error) => Ok(Part::Unread(error.to_string())),
    }
}

/// What an error says of the credentials that were to be used, if it is about them. A process or a server that gives
/// credentials may put them into what it says when it fails, so only what is known is told of it.
fn credentials(error: &(dyn Error + 'static)) -> Option<(Trouble, String)> {
    let found = causes(error).find_map(|cause| cause.downcast_ref::<CredentialsError>())?;
    let trouble = match found {
        CredentialsError::CredentialsNotLoaded(_) => Trouble::NoCredentials,
        _ => Trouble::CredentialsNotGiven,
    };
    let texts: String = causes(found).map(|cause| format!("{cause} ")).collect();
    let known = [
        ("could not be found", "a profile that is named does not exist"),
        ("ExpiredToken", "what they are had with has expired"),
        ("expired", "what they are had with has expired"),
        ("InvalidIdentityToken", "the token of the service account is not accepted"),
        ("AccessDenied", "the role may not be assumed"),
        ("timed out", "no answer in time"),
    ];
    let why = known.into_iter().find(|(word, _)| texts.contains(word)).map_or("", |(_, why)| why);
    Some((trouble, why.to_owned()))
}

type Cause<'e> = &'e (dyn Error + 'static);

fn causes(error: Cause<'_>) -> impl Iterator<Item = Cause<'_>> {
    fn next<'e>(error: &Cause<'e>) -> Option<Cause<'e>> {
        (**error).source()
    }
    std::iter::successors(Some(error), next)
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

/// A service's own words as they are told: the first line, not too much of it, and no run of letters and digits that
/// only a key or a token has.
fn told(words: &str) -> String {
    let line: String = words.lines().next().unwrap_or_default().chars().take(WORDS).collect();
    let in_run = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
    let mut rest = line.as_str();
    let mut told = String::new();
    while let Some(start) = rest.find(in_run) {
        let run = rest[start..].find(|c| !in_run(c)).unwrap_or(rest.len() - start);
        told.push_str(&rest[..start]);
        told.push_str(if run < NO_WORD { &rest[start..start + run] } else { "(withheld)" });
        rest = &rest[start + run..];
    }
    told.push_str(rest);
    told
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Trouble, told};

    #[rstest]
    #[case("AccessDeniedException", 400, Trouble::NotAllowed)]
    #[case("AccessDenied", 403, Trouble::NotAllowed)]
    #[case("com.amazonaws.logs#ThrottlingException", 400, Trouble::Throttled)]
    #[case("TooManyRequestsException", 429, Trouble::Throttled)]
    #[case("ExpiredTokenException", 400, Trouble::Expired)]
    #[case("UnrecognizedClientException", 400, Trouble::NotRecognised)]
    #[case("InvalidSignatureException", 403, Trouble::NotRecognised)]
    #[case("ResourceNotFoundException", 400, Trouble::NotFound)]
    #[case("", 404, Trouble::NotFound)]
    #[case("ServiceUnavailableException", 503, Trouble::Unavailable)]
    #[case("", 502, Trouble::Unavailable)]
    #[case("RequestTimeTooSkewed", 403, Trouble::NotRecognised)]
    #[case("NoSuchBucketPolicy", 404, Trouble::NotFound)]
    #[case("NoSuchEntity", 404, Trouble::NotFound)]
    #[case("SlowDown", 503, Trouble::Throttled)]
    #[case("PermanentRedirect", 301, Trouble::Refused)]
    #[case("InvalidParameterException", 400, Trouble::Refused)]
    fn what_an_answer_means_is_told_by_its_code(#[case] code: &str, #[case] status: u16, #[case] expected: Trouble) {
        assert_eq!(Trouble::of(code, status), expected);
    }

    #[test]
    fn a_service_that_repeats_a_token_is_not_repeated() {
        let token = "a1B2".repeat(32);
        let said = told(&format!("The request had x-amz-security-token:{token}, which is wrong\nand more"));
        assert_eq!(said, "The request had x-amz-security-token:(withheld), which is wrong");
        let arn =
            "User: arn:aws:sts::111122223333:assumed-role/reader/ci is not authorized to perform: logs:FilterLogEvents";
        assert_eq!(told(arn), arn);
    }
}
