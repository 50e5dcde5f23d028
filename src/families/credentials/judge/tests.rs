use rstest::rstest;

use super::*;
use crate::families::credentials::seen::{TokenSecret, TokenSeen};
use crate::model::{CaseId, CheckId, Family, Namespace, TenantId};
use crate::semantics::credentials::{Certainty, CredentialKind, Found, Lasting};
use crate::suite::Access;

fn case(look: Look) -> Case {
    let ask = Ask { namespace: Namespace::new("a"), look, most_seconds: 86_400, default_becomes_seconds: None };
    Case {
        id: CaseId::new("id"),
        check: CheckId::from("credentials.x"),
        family: Family::new("credentials"),
        title: String::new(),
        from: TenantId::new("a"),
        to: TenantId::new("a"),
        expect: Access::Denied,
        ask: serde_json::to_value(ask).unwrap(),
    }
}

/// A run in which every canary was found and nothing else.
fn seen(tell: impl FnOnce(&mut NamespaceSeen)) -> Seen {
    let mut seen = Seen { told_to_read_secrets: true, ..Seen::default() };
    for look in [Look::Pods, Look::ConfigMaps, Look::Secrets, Look::UnneededTokens, Look::TokenLifetimes] {
        seen.canaries.insert(look, 15);
        seen.missed.insert(look, Vec::new());
    }
    let mut namespace = NamespaceSeen::default();
    tell(&mut namespace);
    seen.namespaces.insert(Namespace::new("a"), namespace);
    seen
}

fn judged(look: Look, seen: &Seen) -> Judgement {
    judge(&[case(look)], seen).unwrap().remove(0).judgement
}

fn found(kind: CredentialKind, lasting: Lasting) -> Credential {
    Credential {
        object: "ConfigMap a/settings".to_owned(),
        owner: "settings".to_owned(),
        alike: 0,
        found: Found {
            at: "data[x]".to_owned(),
            kind,
            certainty: Certainty::Certain,
            lasting,
            expires: None,
            fingerprint: serde_json::from_str("\"0123456789ab\"").unwrap(),
        },
    }
}

fn token(seconds: i64, audience: Option<&str>, bound_by: Option<&str>) -> TokenSeen {
    TokenSeen {
        pod: "a/web".to_owned(),
        alike: 0,
        account: "a/default".to_owned(),
        volume: "kube-api-access".to_owned(),
        audience: audience.map(str::to_owned),
        seconds,
        bound_by: bound_by.map(str::to_owned),
    }
}

#[rstest]
fn what_is_clean_passes_with_its_canary_and_not_without(
    #[values(Look::Pods, Look::ConfigMaps, Look::Secrets, Look::UnneededTokens, Look::TokenLifetimes)] look: Look,
) {
    let mut seen = seen(|_| {});
    let judgement = judged(look, &seen);
    assert_eq!(judgement.verdict, Verdict::Pass, "{}", judgement.reason);
    assert_eq!((judgement.computed.stance, judgement.observed.stance), (Stance::Denied, Stance::Denied));

    seen.missed.insert(look, vec!["a GitHub token in args".to_owned()]);
    let judgement = judged(look, &seen);
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert_eq!(judgement.observed.stance, Stance::Unknown);
    assert_eq!(judgement.cause.unwrap().kind, "canary-missed");

    seen.missed.remove(&look);
    assert_eq!(judged(look, &seen).verdict, Verdict::Inconclusive, "a canary that nobody planted proves nothing");
}

#[rstest]
#[case::long(Look::ConfigMaps, CredentialKind::AwsAccessKeyId, Lasting::LongLived, Verdict::Fail)]
#[case::temporary(Look::ConfigMaps, CredentialKind::AwsAccessKeyId, Lasting::Temporary, Verdict::Pass)]
#[case::a_password_in_a_config_map(Look::ConfigMaps, CredentialKind::NamedSecret, Lasting::LongLived, Verdict::Fail)]
#[case::a_password_in_a_secret(Look::Secrets, CredentialKind::NamedSecret, Lasting::LongLived, Verdict::Pass)]
#[case::a_cloud_key_in_a_secret(Look::Secrets, CredentialKind::AwsAccessKeyId, Lasting::LongLived, Verdict::Fail)]
#[case::in_a_pod(Look::Pods, CredentialKind::PrivateKey, Lasting::LongLived, Verdict::Fail)]
fn what_was_found_decides(
    #[case] look: Look,
    #[case] kind: CredentialKind,
    #[case] lasting: Lasting,
    #[case] verdict: Verdict,
) {
    let seen = seen(|namespace| {
        let scanned = match look {
            Look::Pods => &mut namespace.pods,
            Look::Secrets => &mut namespace.secrets,
            _ => &mut namespace.config_maps,
        };
        scanned.found.push(found(kind, lasting));
    });
    let judgement = judged(look, &seen);
    assert_eq!(judgement.verdict, verdict, "{}", judgement.reason);
    if verdict == Verdict::Fail {
        let cause = judgement.cause.unwrap();
        for word in ["ConfigMap a/settings", "data[x]", kind.words(), "fingerprint 0123456789ab"] {
            assert!(cause.sentence.contains(word), "{word:?} in {}", cause.sentence);
        }
    }
}

/// What was found stands, whatever else went wrong; what was not read proves nothing.
#[rstest]
#[case(Look::Pods, "pods")]
#[case(Look::ConfigMaps, "configmaps")]
#[case(Look::Secrets, "secrets")]
#[case(Look::UnneededTokens, "rolebindings")]
#[case(Look::UnneededTokens, "clusterrolebindings")]
#[case(Look::TokenLifetimes, "pods")]
#[case(Look::TokenSecrets, "serviceaccounts")]
#[case(Look::TokenSecrets, "secrets")]
fn what_can_not_be_read_proves_nothing(#[case] look: Look, #[case] plural: &str) {
    let seen = seen(|namespace| {
        namespace.unread.insert(plural.to_owned(), "forbidden".to_owned());
    });
    let judgement = judged(look, &seen);
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert!(judgement.reason.contains(plural) && judgement.reason.contains("forbidden"), "{}", judgement.reason);
}

#[test]
fn a_namespace_that_was_not_looked_into_proves_nothing() {
    let none = Seen { fault: Some("no random bytes".to_owned()), ..Seen::default() };
    let judgement = judged(Look::Pods, &none);
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert_eq!(judgement.reason, "no random bytes");
}

#[test]
fn secrets_are_skipped_unless_the_run_was_told_to_read_them() {
    let mut seen = seen(|_| {});
    seen.told_to_read_secrets = false;
    for look in [Look::Secrets, Look::TokenSecrets] {
        let judgement = judged(look, &seen);
        assert_eq!(judgement.verdict, Verdict::Skipped);
        assert!(judgement.reason.contains("--read-secrets"), "{}", judgement.reason);
    }
}

#[rstest]
#[case::told(true)]
#[case::not_told(false)]
fn a_secret_with_a_token_is_found_with_and_without_the_flag(#[case] told: bool) {
    let mut seen = seen(|namespace| {
        let because = "ServiceAccount app names it".to_owned();
        namespace.token_secrets.push(TokenSecret { name: "app-token-abcde".to_owned(), because });
    });
    seen.told_to_read_secrets = told;
    let judgement = judged(Look::TokenSecrets, &seen);
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert!(judgement.reason.contains("a/app-token-abcde"), "{}", judgement.reason);
}

#[rstest]
#[case::unbound(token(3607, None, None), Verdict::Fail)]
#[case::bound(token(3607, None, Some("RoleBinding a/b")), Verdict::Pass)]
#[case::for_somebody_else(token(3607, Some("sts.amazonaws.com"), None), Verdict::Pass)]
fn a_token_without_a_binding_is_without_need(#[case] token: TokenSeen, #[case] verdict: Verdict) {
    let judgement = judged(Look::UnneededTokens, &seen(|namespace| namespace.tokens.push(token)));
    assert_eq!(judgement.verdict, verdict, "{}", judgement.reason);
}

#[rstest]
#[case::an_hour(token(3600, None, None), None, Verdict::Pass)]
#[case::a_day(token(86_400, Some("vault"), None), None, Verdict::Pass)]
#[case::more(token(86_401, Some("vault"), None), None, Verdict::Fail)]
#[case::the_default(token(3607, None, None), None, Verdict::Inconclusive)]
#[case::the_default_for_somebody_else(token(3607, Some("vault"), None), None, Verdict::Pass)]
#[case::the_default_is_a_year(token(3607, None, None), Some(31_536_000), Verdict::Fail)]
#[case::the_default_is_kept(token(3607, None, None), Some(3607), Verdict::Pass)]
fn a_token_lives_as_long_as_it_was_asked_for(
    #[case] token: TokenSeen,
    #[case] default_becomes_seconds: Option<u32>,
    #[case] verdict: Verdict,
) {
    let seen = seen(|namespace| namespace.tokens.push(token));
    let mut case = case(Look::TokenLifetimes);
    case.ask["default_becomes_seconds"] = serde_json::to_value(default_becomes_seconds).unwrap();
    let judgement = judge(&[case], &seen).unwrap().remove(0).judgement;
    assert_eq!(judgement.verdict, verdict, "{}", judgement.reason);
}

#[test]
fn judging_stored_observations_again_gives_the_same() {
    let seen = seen(|namespace| {
        namespace.config_maps.found.push(found(CredentialKind::StripeKey, Lasting::LongLived));
        namespace.tokens.push(token(3607, None, None));
    });
    let stored: Seen = serde_json::from_value(serde_json::to_value(&seen).unwrap()).unwrap();
    assert_eq!(stored, seen);
}

#[test]
fn a_case_of_another_shape_is_an_error() {
    let mut case = case(Look::Pods);
    case.ask = serde_json::json!({"another": "shape"});
    assert!(judge(&[case], &seen(|_| {})).is_err());
}
