//! Who refused a request, by the wire form of what came back. What no policy says proves nothing.

use crate::semantics::admission::{Engine, Policy};

/// Who refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Author {
    /// Policies, by name.
    Policies(Vec<Policy>),
    /// The kind is not served.
    NotServed,
    /// The runner itself may not ask for it.
    Runner(String),
    /// Anybody else, named.
    Other(String),
}

/// What stands before a refusal where a controller tells of it.
const BY_CONTROLLERS: [&str; 2] = ["Error creating: ", " failed error: "];

/// Reads a refusal. `code` is 0 where a controller told of it.
pub(super) fn author(code: u16, message: &str) -> Author {
    let told = BY_CONTROLLERS.iter().find_map(|words| message.split_once(words).map(|(_, said)| said));
    let message = if code == 0 { told.unwrap_or(message) } else { message };
    if let Some(rest) = message.strip_prefix("admission webhook \"")
        && let Some((webhook, rest)) = rest.split_once("\" denied the request: ")
    {
        return of_webhook(webhook, rest);
    }
    let said = message.split_once(" is forbidden: ").map_or(message, |(_, said)| said);
    if let Some(rest) = said.strip_prefix("ValidatingAdmissionPolicy '")
        && let Some((name, rest)) = rest.split_once("' with binding '")
        && let Some((_, rest)) = rest.split_once('\'')
        && rest.starts_with(" denied request")
    {
        return Author::Policies(vec![Policy::new(Engine::ValidatingAdmissionPolicy, name)]);
    }
    if matches!(code, 0 | 403)
        && let Some(rest) = said.strip_prefix("violates PodSecurity \"")
        && let Some((level, _)) = rest.split_once('"')
    {
        let level = level.split(':').next().unwrap_or(level);
        return Author::Policies(vec![Policy::new(Engine::PodSecurity, level)]);
    }
    if code == 404 {
        return Author::NotServed;
    }
    if code == 403 && said.starts_with("User \"") && said.contains(" cannot ") {
        return Author::Runner(said.to_owned());
    }
    Author::Other(other(code, said))
}

fn of_webhook(webhook: &str, said: &str) -> Author {
    let policies = |engine, names: Vec<String>| {
        if names.is_empty() {
            return Author::Other(format!("admission webhook {webhook} ({said})"));
        }
        Author::Policies(names.into_iter().map(|name| Policy::new(engine, name)).collect())
    };
    if webhook == "validation.gatekeeper.sh" {
        // Each constraint has a line of its own: `[name] message`.
        let name = |line: &str| Some(line.strip_prefix('[')?.split_once("] ")?.0.to_owned());
        return policies(Engine::Gatekeeper, said.lines().filter_map(name).collect());
    }
    if webhook.contains(".kyverno.svc") {
        return policies(Engine::Kyverno, of_kyverno(said));
    }
    Author::Other(format!("admission webhook {webhook}"))
}

/// `Policy NAME failed: …` of a `ValidatingPolicy`, or, behind `blocked due to the following policies`, a line `NAME:`
/// for each policy, its rules indented below it.
fn of_kyverno(said: &str) -> Vec<String> {
    let mut names = Vec::new();
    if let Some((_, listed)) = said.split_once("due to the following policies") {
        for line in listed.lines().filter(|line| !line.starts_with([' ', '\t'])) {
            if let Some(name) = line.strip_suffix(':').filter(|name| !name.contains(' ')) {
                names.push(name.to_owned());
            }
        }
    }
    for line in said.lines() {
        if let Some((name, _)) = line.strip_prefix("Policy ").and_then(|rest| rest.split_once(" failed: ")) {
            names.push(name.to_owned());
        }
    }
    names
}

fn other(code: u16, said: &str) -> String {
    for (words, who) in [
        ("exceeded quota: ", "ResourceQuota"),
        ("failed quota: ", "ResourceQuota"),
        ("status unknown for quota: ", "ResourceQuota"),
    ] {
        if let Some(rest) = said.strip_prefix(words) {
            return format!("{who} {} ({said})", rest.split([',', ':']).next().unwrap_or_default());
        }
    }
    if said.contains(" usage per ") || said.contains(" limit to request ratio per ") {
        return format!("a LimitRange ({said})");
    }
    if let Some((_, rest)) = said.split_once("admission webhook \"") {
        return format!("admission webhook {} ({said})", rest.split('"').next().unwrap_or_default());
    }
    format!("the API server ({code}: {said})")
}

/// The webhook that could not be called; `None` where that was not the reason.
pub(super) fn away(why: &str) -> Option<&str> {
    let (_, rest) = why.split_once("failed calling webhook \"")?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Author, author, away};
    use crate::semantics::admission::{Engine, Policy};

    #[rstest]
    #[case::gatekeeper(
        403,
        "admission webhook \"validation.gatekeeper.sh\" denied the request: [phi-non-root] container <c> may run as root",
        &[(Engine::Gatekeeper, "phi-non-root")]
    )]
    #[case::two_constraints(
        403,
        "admission webhook \"validation.gatekeeper.sh\" denied the request: [one] no\n[two] never",
        &[(Engine::Gatekeeper, "one"), (Engine::Gatekeeper, "two")]
    )]
    #[case::kyverno(
        400,
        "admission webhook \"validate.kyverno.svc-fail\" denied the request: \n\nresource Pod/a/p was blocked due to the \
         following policies \n\nphi-non-root:\n  run-as-non-root: 'validation error: no. rule run-as-non-root failed at \
         path /spec/'\nregistries:\n  from: 'validation failure: x'\n",
        &[(Engine::Kyverno, "phi-non-root"), (Engine::Kyverno, "registries")]
    )]
    #[case::kyverno_cel(
        400,
        "admission webhook \"vpol.validate.kyverno.svc-fail\" denied the request: Policy check-labels failed: no label",
        &[(Engine::Kyverno, "check-labels")]
    )]
    #[case::built_in(
        422,
        "pods \"p\" is forbidden: ValidatingAdmissionPolicy 'labels' with binding 'labels-tenants' denied request: no",
        &[(Engine::ValidatingAdmissionPolicy, "labels")]
    )]
    #[case::pod_security(
        403,
        "pods \"p\" is forbidden: violates PodSecurity \"restricted:latest\": runAsNonRoot != true (pod or container)",
        &[(Engine::PodSecurity, "restricted")]
    )]
    #[case::by_a_replica_set(
        0,
        "Error creating: pods \"p-1\" is forbidden: violates PodSecurity \"baseline:v1.34\": privileged",
        &[(Engine::PodSecurity, "baseline")]
    )]
    #[case::by_a_job(
        0,
        "Error creating: admission webhook \"validation.gatekeeper.sh\" denied the request: [phi] no",
        &[(Engine::Gatekeeper, "phi")]
    )]
    #[case::by_a_stateful_set(
        0,
        "create Pod p-0 in StatefulSet p failed error: pods \"p-0\" is forbidden: ValidatingAdmissionPolicy 'l' with \
         binding 'b' denied request: no",
        &[(Engine::ValidatingAdmissionPolicy, "l")]
    )]
    fn policies_are_named(#[case] code: u16, #[case] message: &str, #[case] expected: &[(Engine, &str)]) {
        let expected = expected.iter().map(|(engine, name)| Policy::new(*engine, *name)).collect();
        assert_eq!(author(code, message), Author::Policies(expected));
    }

    #[rstest]
    #[case::quota(
        403,
        "pods \"p\" is forbidden: exceeded quota: share, requested: pods=1, used: pods=2, limited: pods=2",
        "ResourceQuota share"
    )]
    #[case::by_a_controller(
        0,
        "Error creating: pods \"p\" is forbidden: exceeded quota: share, requested: pods=1, used: pods=2, limited: pods=2",
        "ResourceQuota share"
    )]
    #[case::limits(
        403,
        "pods \"p\" is forbidden: minimum cpu usage per Container is 1, but request is 1m",
        "a LimitRange"
    )]
    #[case::schema(422, "Pod \"p\" is invalid: spec.containers: Required value", "the API server (422")]
    #[case::another_webhook(
        403,
        "admission webhook \"x.example.com\" denied the request: no",
        "admission webhook x.example.com"
    )]
    #[case::no_dry_run(
        400,
        "admission webhook \"x.example.com\" does not support dry run",
        "admission webhook x.example.com"
    )]
    #[case::gatekeeper_without_a_constraint(
        403,
        "admission webhook \"validation.gatekeeper.sh\" denied the request: not ready",
        "admission webhook validation.gatekeeper.sh (not ready)"
    )]
    #[case::a_constraints_words_from_elsewhere(
        403,
        "admission webhook \"mutation.example.com\" denied the request: [phi-non-root] no",
        "admission webhook mutation.example.com"
    )]
    #[case::a_policys_words_within(
        422,
        "Pod \"p\" is invalid: metadata.annotations: ValidatingAdmissionPolicy 'x' with binding 'y' denied request: no",
        "the API server (422"
    )]
    fn anybody_else_is_named(#[case] code: u16, #[case] message: &str, #[case] begins: &str) {
        let Author::Other(who) = author(code, message) else { panic!("{:?}", author(code, message)) };
        assert!(who.starts_with(begins), "{who}");
    }

    #[rstest]
    #[case(404, "the server could not find the requested resource", Author::NotServed)]
    #[case(
        403,
        "buckets.s3.services.k8s.aws is forbidden: User \"u\" cannot create resource \"buckets\"",
        Author::Runner("User \"u\" cannot create resource \"buckets\"".to_owned())
    )]
    fn what_was_not_asked_of_any_policy(#[case] code: u16, #[case] message: &str, #[case] expected: Author) {
        assert_eq!(author(code, message), expected);
    }

    #[rstest]
    #[case(
        "Internal error occurred: failed calling webhook \"validation.gatekeeper.sh\": failed to call webhook: Post \
         \"https://x\": context deadline exceeded",
        Some("validation.gatekeeper.sh")
    )]
    #[case("etcdserver: request timed out", None)]
    fn a_webhook_that_is_away_is_named(#[case] why: &str, #[case] expected: Option<&str>) {
        assert_eq!(away(why), expected);
    }
}
