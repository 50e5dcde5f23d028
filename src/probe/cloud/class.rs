//! What a service's answer means, by its own code and words.

use super::place::Service;
use super::secret;
use crate::probe::wire::cloud::{Class, Denial, Layer};

/// Two clocks that are further apart, in seconds, are why a signature is not accepted.
const SKEW_MAX: u64 = 300;

/// What an error means, by its status, code and words. Whether it is the service's at all was looked at before.
pub(super) fn of_error(service: Service, status: u16, code: &str, words: &str, hidden: &[&str]) -> Class {
    match code {
        "AccessDenied" | "AccessDeniedException" => of_refusal(service, words, hidden),
        // What was asked for may be done: it would have been, but for the condition that no item meets.
        "DryRunOperationException" | "ConditionalCheckFailedException" => Class::Allowed,
        "NoSuchBucket"
        | "NoSuchKey"
        | "NoSuchUpload"
        | "NoSuchVersion"
        | "NotFoundException"
        | "ResourceNotFoundException" => Class::NotFound,
        "PermanentRedirect" | "TemporaryRedirect" | "Redirect" | "IllegalLocationConstraintException" => {
            Class::OtherRegion
        }
        "AuthorizationHeaderMalformed" if words.contains("region") => Class::OtherRegion,
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" | "RequestExpired" => Class::Expired,
        "RequestTimeTooSkewed" | "RequestInTheFuture" => Class::ClockSkew,
        "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "AuthorizationHeaderMalformed"
        | "AuthorizationQueryParametersError"
        | "XAmzContentSHA256Mismatch" => {
            let is_late = ["Signature expired", "Signature not yet current"].iter().any(|late| words.contains(late));
            if is_late { Class::ClockSkew } else { Class::BadSignature }
        }
        "InvalidAccessKeyId"
        | "InvalidToken"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidSecurity"
        | "NotSignedUp"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException" => Class::UnknownCredentials,
        _ if is_busy(status, code) => Class::Busy,
        _ => Class::Rejected,
    }
}

/// Whether the same request may do better later.
pub(super) fn is_busy(status: u16, code: &str) -> bool {
    const CODES: [&str; 14] = [
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "PriorRequestNotComplete",
        "BandwidthLimitExceeded",
        "RequestTimeout",
        "InternalError",
        "ServiceUnavailable",
    ];
    status == 429 || status >= 500 || CODES.contains(&code)
}

/// A signature that is not accepted while the clocks disagree is not accepted for that.
pub(super) fn with_clock(class: Class, skew_s: Option<i64>) -> Class {
    match (class, skew_s) {
        (Class::BadSignature, Some(skew)) if skew.unsigned_abs() >= SKEW_MAX => Class::ClockSkew,
        (class, _) => class,
    }
}

/// S3 says `AccessDenied` of much that is no matter of policies.
fn of_refusal(service: Service, words: &str, hidden: &[&str]) -> Class {
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| words.contains(phrase));
    if has(&["Request has expired", "Policy expired"]) {
        return Class::Expired;
    }
    if has(&["Request is not yet valid", "Request is not valid yet"]) {
        return Class::ClockSkew;
    }
    let form = [
        "headers present in the request which were not signed",
        "Query-string authentication",
        "AWS authentication requires",
    ];
    if has(&form) {
        return Class::BadSignature;
    }
    let denial = denial(words, hidden);
    let is_keys = denial.action.as_ref().is_some_and(|action| action.starts_with("kms:"));
    if service == Service::S3 && is_keys { Class::KeyDenied(denial) } else { Class::Denied(denial) }
}

/// Who refused, as the words of the error tell it (IAM User Guide, "Troubleshoot access denied error messages").
fn denial(words: &str, hidden: &[&str]) -> Denial {
    let explicit = after(words, "with an explicit deny in ");
    let implicit = after(words, "because no ");
    let layer = match (explicit, implicit) {
        (Some(rest), _) => layer(rest.trim_start_matches("an ").trim_start_matches("a ").trim_start_matches("the ")),
        (None, Some(rest)) => layer(rest),
        (None, None) if words.contains("in S3 Block Public Access") => Layer::BlockPublicAccess,
        (None, None) => Layer::Untold,
    };
    let action = after(words, "is not authorized to perform: ").and_then(|rest| {
        let action = rest.split([' ', '\n', ',']).next()?;
        let is = |letter: char| letter.is_ascii_alphanumeric() || letter == ':' || letter == '-';
        secret::word(action, is, 80, hidden).filter(|action| action.contains(':'))
    });
    Denial { layer, explicit: explicit.is_some(), action }
}

fn after<'a>(words: &'a str, phrase: &str) -> Option<&'a str> {
    words.split_once(phrase).map(|(_, rest)| rest)
}

fn layer(rest: &str) -> Layer {
    const LAYERS: [(&str, Layer); 8] = [
        ("identity-based policy", Layer::Identity),
        ("resource-based policy", Layer::Resource),
        ("service control policy", Layer::ServiceControl),
        ("resource control policy", Layer::ResourceControl),
        ("permissions boundary", Layer::Boundary),
        ("session policy", Layer::Session),
        ("vpc endpoint policy", Layer::VpcEndpoint),
        ("role trust policy", Layer::RoleTrust),
    ];
    let rest = rest.to_ascii_lowercase();
    LAYERS.iter().find(|(name, _)| rest.starts_with(name)).map_or(Layer::Untold, |(_, layer)| *layer)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const USER: &str =
        "User: arn:aws:sts::111122223333:assumed-role/tenant-1/eks-lab-web-1 is not authorized to perform:";

    fn refused(service: Service, words: &str) -> Class {
        of_error(service, 403, "AccessDenied", words, &[])
    }

    /// The words of each layer, as the IAM and S3 user guides have them.
    #[rstest]
    #[case("because no identity-based policy allows the s3:GetObject action", Layer::Identity, false)]
    #[case("with an explicit deny in an identity-based policy", Layer::Identity, true)]
    #[case(
        "with an explicit deny in an identity-based policy: arn:aws:iam::111122223333:policy/p",
        Layer::Identity,
        true
    )]
    #[case("because no resource-based policy allows the s3:GetObject action", Layer::Resource, false)]
    #[case("with an explicit deny in a resource-based policy", Layer::Resource, true)]
    #[case("because no service control policy allows the s3:GetObject action", Layer::ServiceControl, false)]
    #[case("with an explicit deny in a service control policy", Layer::ServiceControl, true)]
    #[case("with an explicit deny in a resource control policy", Layer::ResourceControl, true)]
    #[case("because no permissions boundary allows the s3:GetObject action", Layer::Boundary, false)]
    #[case("with an explicit deny in a permissions boundary", Layer::Boundary, true)]
    #[case("because no session policy allows the s3:GetObject action", Layer::Session, false)]
    #[case("with an explicit deny in a session policy", Layer::Session, true)]
    #[case("because no VPC endpoint policy allows the s3:GetObject action", Layer::VpcEndpoint, false)]
    #[case("with an explicit deny in a VPC endpoint policy", Layer::VpcEndpoint, true)]
    #[case("with an explicit deny in the role trust policy", Layer::RoleTrust, true)]
    #[case(
        "because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access",
        Layer::BlockPublicAccess,
        false
    )]
    #[case(
        "because the resource does not exist in this Region, no resource-based policies allow access, or a \
            resource-based policy explicitly denies access",
        Layer::Untold,
        false
    )]
    #[case("", Layer::Untold, false)]
    fn the_words_tell_the_layer(#[case] words: &str, #[case] layer: Layer, #[case] explicit: bool) {
        let words = format!("{USER} s3:GetObject on resource: \"arn:aws:s3:::tenant-2/k\" {words}");
        let action = Some("s3:GetObject".to_owned());
        assert_eq!(refused(Service::S3, &words), Class::Denied(Denial { layer, explicit, action }));
    }

    #[test]
    fn a_caller_of_another_account_is_told_nothing() {
        let denial = Denial { layer: Layer::Untold, explicit: false, action: None };
        assert_eq!(refused(Service::S3, "Access Denied"), Class::Denied(denial));
    }

    #[test]
    fn a_key_that_refuses_is_not_the_bucket() {
        let words =
            format!("{USER} kms:GenerateDataKey on this resource because no identity-based policy allows the action");
        let denial = Denial { layer: Layer::Identity, explicit: false, action: Some("kms:GenerateDataKey".to_owned()) };
        assert_eq!(refused(Service::S3, &words), Class::KeyDenied(denial.clone()));
        assert!(!refused(Service::S3, &words).is_denial());
        assert_eq!(refused(Service::Kms, &words), Class::Denied(denial), "KMS itself was asked");
    }

    /// S3 gives these the code of a denial.
    #[rstest]
    #[case("Request has expired", Class::Expired)]
    #[case("Request is not yet valid", Class::ClockSkew)]
    #[case("There were headers present in the request which were not signed", Class::BadSignature)]
    #[case("AWS authentication requires a valid Date or x-amz-date header", Class::BadSignature)]
    fn not_every_refusal_is_for_want_of_permission(#[case] words: &str, #[case] class: Class) {
        assert_eq!(refused(Service::S3, words), class);
    }

    #[rstest]
    #[case(404, "NoSuchBucket", Class::NotFound)]
    #[case(404, "NoSuchKey", Class::NotFound)]
    #[case(400, "ResourceNotFoundException", Class::NotFound)]
    #[case(301, "PermanentRedirect", Class::OtherRegion)]
    #[case(503, "SlowDown", Class::Busy)]
    #[case(400, "ThrottlingException", Class::Busy)]
    #[case(500, "AnythingAtAll", Class::Busy)]
    #[case(400, "ExpiredToken", Class::Expired)]
    #[case(403, "RequestTimeTooSkewed", Class::ClockSkew)]
    #[case(403, "SignatureDoesNotMatch", Class::BadSignature)]
    #[case(403, "InvalidAccessKeyId", Class::UnknownCredentials)]
    #[case(400, "UnrecognizedClientException", Class::UnknownCredentials)]
    #[case(400, "DryRunOperationException", Class::Allowed)]
    #[case(400, "ConditionalCheckFailedException", Class::Allowed)]
    #[case(400, "KMS.DisabledException", Class::Rejected)]
    #[case(405, "MethodNotAllowed", Class::Rejected)]
    #[case(403, "AccountProblem", Class::Rejected)]
    fn codes_have_their_classes(#[case] status: u16, #[case] code: &str, #[case] class: Class) {
        assert_eq!(of_error(Service::S3, status, code, "", &[]), class);
    }

    #[test]
    fn an_old_signature_and_a_wrong_clock_are_skew() {
        let words = "Signature expired: 20150830T123600Z is now earlier than 20261127T070000Z";
        assert_eq!(of_error(Service::Sts, 403, "SignatureDoesNotMatch", words, &[]), Class::ClockSkew);
        assert_eq!(with_clock(Class::BadSignature, Some(-400)), Class::ClockSkew);
        assert_eq!(with_clock(Class::BadSignature, Some(4)), Class::BadSignature);
        assert_eq!(with_clock(Class::Allowed, Some(4000)), Class::Allowed);
    }

    #[test]
    fn an_action_that_is_a_secret_is_not_told() {
        let words = format!("{USER} wJalr:XUtnFEMIK7MDENG on resource");
        let class = of_error(Service::S3, 403, "AccessDenied", &words, &["wJalr:XUtnFEMIK7MDENG"]);
        assert_eq!(class, Class::Denied(Denial { layer: Layer::Untold, explicit: false, action: None }));
    }
}
