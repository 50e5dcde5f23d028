//! Who refused a request, by the wire form of what came back. Another author's refusal proves nothing.

use crate::model::Quantity;
use crate::semantics::quota::{Bound, LimitType};

/// Who refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Author {
    /// A quota that has no room: its name, and what of the request exceeded it.
    Quota { name: String, exceeded: Vec<String> },
    /// A quota that asks for figures which the request lacks.
    Unspecified { name: String },
    /// A quota whose use is not known yet.
    Uncounted { name: String },
    /// LimitRanges, each with what it bounds.
    LimitRange(Vec<(Bound, String, LimitType, Quantity)>),
    /// Anybody else, named.
    Other(String),
}

/// Reads a refusal.
pub(super) fn author(code: u16, message: &str) -> Author {
    let said = message.split_once(" is forbidden: ").map_or(message, |(_, said)| said);
    if code == 403 {
        if let Some(rest) = said.strip_prefix("exceeded quota: ")
            && let Some((name, rest)) = rest.split_once(", requested: ")
        {
            let requested = rest.split_once(", used: ").map_or(rest, |(requested, _)| requested);
            let names = requested.split(',').filter_map(|one| one.split_once('=')).map(|(name, _)| name.to_owned());
            return Author::Quota { name: name.to_owned(), exceeded: names.collect() };
        }
        if let Some(rest) = said.strip_prefix("failed quota: ") {
            return Author::Unspecified { name: rest.split(':').next().unwrap_or_default().to_owned() };
        }
        if let Some(rest) = said.strip_prefix("status unknown for quota: ") {
            return Author::Uncounted { name: rest.split(',').next().unwrap_or_default().to_owned() };
        }
        let bounds = bounds(said);
        if !bounds.is_empty() {
            return Author::LimitRange(bounds);
        }
    }
    Author::Other(other(code, said))
}

/// Several refusals of LimitRanges come as one: `[maximum cpu usage per Container is 2, but limit is 3, …]`.
fn bounds(said: &str) -> Vec<(Bound, String, LimitType, Quantity)> {
    let said = said.trim_start_matches('[').trim_end_matches(']');
    let mut all = Vec::new();
    for (words, bound) in [("minimum ", Bound::Min), ("maximum ", Bound::Max)] {
        for rest in after(said, words) {
            if let Some((resource, rest)) = rest.split_once(" usage per ")
                && !resource.contains(' ')
            {
                all.extend(bounded(bound, resource, rest));
            }
        }
    }
    for (at, words) in said.match_indices(" max limit to request ratio per ") {
        let before = said.get(..at).unwrap_or_default();
        let resource = before.rsplit(' ').next().unwrap_or_default().trim_start_matches('[');
        all.extend(bounded(Bound::Ratio, resource, said.get(at + words.len()..).unwrap_or_default()));
    }
    all
}

/// What stands behind each of these words, where they begin a refusal.
fn after<'a>(said: &'a str, words: &str) -> Vec<&'a str> {
    let begins = |at: usize| at == 0 || said.get(..at).is_some_and(|before| before.ends_with(", "));
    said.match_indices(words).filter(|(at, _)| begins(*at)).filter_map(|(at, _)| said.get(at + words.len()..)).collect()
}

/// Reads `Container is 2, but …`, or `Container is 2.  No limit is specified`.
fn bounded(bound: Bound, resource: &str, rest: &str) -> Option<(Bound, String, LimitType, Quantity)> {
    let (kind, rest) = rest.split_once(" is ")?;
    let amount = rest.split([',', ' ']).next()?.trim_end_matches('.');
    Some((bound, resource.to_owned(), LimitType::of(kind)?, Quantity::parse(amount)?))
}

fn other(code: u16, said: &str) -> String {
    let quoted = |text: &str| text.split(['"', '\'']).nth(1).unwrap_or_default().to_owned();
    if said.contains("admission webhook ") {
        return format!("admission webhook {}", quoted(said));
    }
    if said.contains("violates PodSecurity") {
        return format!("Pod Security ({said})");
    }
    if said.starts_with("ValidatingAdmissionPolicy ") {
        return format!("ValidatingAdmissionPolicy {}", quoted(said));
    }
    format!("the API server ({code}: {said})")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Author, author};
    use crate::model::Quantity;
    use crate::semantics::quota::{Bound, LimitType};

    const POD: &str = "pods \"p\" is forbidden: ";

    fn bound(bound: Bound, resource: &str, kind: LimitType, amount: &str) -> (Bound, String, LimitType, Quantity) {
        (bound, resource.to_owned(), kind, Quantity::parse(amount).unwrap())
    }

    #[rstest]
    #[case::one("exceeded quota: fair-share, requested: pods=1, used: pods=20, limited: pods=20", "fair-share", &["pods"])]
    #[case::two(
        "exceeded quota: q, requested: limits.cpu=8001m,requests.cpu=8001m, used: limits.cpu=0,requests.cpu=0, limited: \
         limits.cpu=8,requests.cpu=8",
        "q",
        &["limits.cpu", "requests.cpu"]
    )]
    fn a_quota_is_named_with_what_it_lacks(#[case] said: &str, #[case] name: &str, #[case] exceeded: &[&str]) {
        let exceeded = exceeded.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(author(403, &format!("{POD}{said}")), Author::Quota { name: name.to_owned(), exceeded });
    }

    #[rstest]
    #[case::max("maximum cpu usage per Container is 2, but limit is 3", vec![bound(Bound::Max, "cpu", LimitType::Container, "2")])]
    #[case::without_a_limit(
        "maximum memory usage per Pod is 1Gi.  No limit is specified",
        vec![bound(Bound::Max, "memory", LimitType::Pod, "1Gi")]
    )]
    #[case::min("minimum cpu usage per Container is 10m, but request is 9m", vec![bound(Bound::Min, "cpu", LimitType::Container, "10m")])]
    #[case::ratio(
        "cpu max limit to request ratio per Container is 2, but provided ratio is 2.001000",
        vec![bound(Bound::Ratio, "cpu", LimitType::Container, "2")]
    )]
    #[case::storage(
        "maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 2Gi",
        vec![bound(Bound::Max, "storage", LimitType::PersistentVolumeClaim, "1Gi")]
    )]
    #[case::several(
        "[maximum cpu usage per Container is 2, but limit is 3, maximum cpu usage per Pod is 2, but limit is 3]",
        vec![bound(Bound::Max, "cpu", LimitType::Container, "2"), bound(Bound::Max, "cpu", LimitType::Pod, "2")]
    )]
    fn limits_are_named(#[case] said: &str, #[case] expected: Vec<(Bound, String, LimitType, Quantity)>) {
        assert_eq!(author(403, &format!("{POD}{said}")), Author::LimitRange(expected));
    }

    #[rstest]
    #[case::webhook(
        403,
        "admission webhook \"validation.gatekeeper.sh\" denied the request: [x] no",
        "admission webhook validation.gatekeeper.sh"
    )]
    #[case::policy(
        422,
        "pods \"p\" is forbidden: ValidatingAdmissionPolicy 'phi' with binding 'b' denied request: no",
        "ValidatingAdmissionPolicy phi"
    )]
    #[case::pod_security(
        403,
        "pods \"p\" is forbidden: violates PodSecurity \"restricted:latest\": x",
        "Pod Security (violates"
    )]
    #[case::rights(
        403,
        "pods is forbidden: User \"u\" cannot create resource",
        "the API server (403: User \"u\" cannot"
    )]
    #[case::a_quotas_words_from_elsewhere(
        422,
        "exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1",
        "the API server (422"
    )]
    fn anybody_else_is_named(#[case] code: u16, #[case] message: &str, #[case] begins: &str) {
        let Author::Other(name) = author(code, message) else { panic!("{message} is of somebody else") };
        assert!(name.starts_with(begins), "{name}");
    }

    #[rstest]
    #[case("failed quota: q: must specify limits.cpu for: c", Author::Unspecified { name: "q".to_owned() })]
    #[case("status unknown for quota: q, resources: pods", Author::Uncounted { name: "q".to_owned() })]
    fn a_quota_can_refuse_for_other_reasons(#[case] said: &str, #[case] expected: Author) {
        assert_eq!(author(403, &format!("{POD}{said}")), expected);
    }
}
