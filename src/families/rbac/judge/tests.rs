//! Every way to a verdict, by table.

use rstest::rstest;

use super::judge;
use crate::families::Stance::{self, Allowed, Denied, Unknown};
use crate::families::rbac::ask::{Ask, Rest};
use crate::families::rbac::{AskedSeen, By, ControlSeen, Question, Seen, TokenSeen, TriedSeen};
use crate::model::Verdict;
use crate::plan::Case;
use crate::suite::Access;

fn question() -> Question {
    Question {
        subject: "group a".to_owned(),
        verb: "get".to_owned(),
        api_group: String::new(),
        resource: "secrets".to_owned(),
        subresource: String::new(),
        namespace: "b".to_owned(),
    }
}

fn scene(computed: Stance, answer: Stance, control: Option<Stance>) -> (Case, Seen) {
    let key = question().key();
    let ask = Ask { subjects: ["group a".to_owned()].into(), asked: vec![key.clone()], ..Ask::default() };
    let case = Case {
        id: "rbac.x:a>b".into(),
        check: "rbac.x".into(),
        family: "rbac".into(),
        title: "no subject of a may".to_owned(),
        from: "a".into(),
        to: "b".into(),
        expect: Access::Denied,
        ask: serde_json::to_value(&ask).unwrap(),
    };
    let because = "RoleBinding b/oops binds Group a".to_owned();
    let asked = AskedSeen { question: question(), computed, because, answer, said: "its words".to_owned(), at_ms: 1 };
    let mut seen = Seen { asked: [(key, asked)].into(), ..Seen::default() };
    if let Some(answer) = control {
        let control = ControlSeen { what: "create selfsubjectaccessreviews".to_owned(), answer, said: String::new() };
        seen.controls.insert("group a".to_owned(), control);
    }
    (case, seen)
}

#[rstest]
#[case::refused_by_both(Denied, Denied, Some(Allowed), Verdict::Pass, "")]
#[case::granted(Allowed, Allowed, Some(Allowed), Verdict::Fail, "granted")]
#[case::granted_without_its_control(Allowed, Allowed, None, Verdict::Fail, "granted")]
#[case::granted_elsewhere(Denied, Allowed, Some(Allowed), Verdict::Fail, "granted-elsewhere")]
#[case::granted_where_the_rules_are_unknown(Unknown, Allowed, Some(Allowed), Verdict::Fail, "granted-elsewhere")]
#[case::not_answered(Denied, Unknown, Some(Allowed), Verdict::Inconclusive, "not-answered")]
#[case::rules_unknown(Unknown, Denied, Some(Allowed), Verdict::Inconclusive, "not-understood")]
#[case::refused_though_granted(Allowed, Denied, Some(Allowed), Verdict::Inconclusive, "not-confirmed")]
#[case::control_refused(Denied, Denied, Some(Denied), Verdict::Inconclusive, "control-missing")]
#[case::control_not_answered(Denied, Denied, Some(Unknown), Verdict::Inconclusive, "control-missing")]
#[case::control_not_asked(Denied, Denied, None, Verdict::Inconclusive, "control-missing")]
fn a_verdict_follows_from_rules_answers_and_control(
    #[case] computed: Stance,
    #[case] answer: Stance,
    #[case] control: Option<Stance>,
    #[case] verdict: Verdict,
    #[case] kind: &str,
) {
    let (case, seen) = scene(computed, answer, control);
    let judgement = judge(&[case], &seen).unwrap().remove(0).judgement;
    assert_eq!(judgement.verdict, verdict, "{}", judgement.reason);
    assert_eq!(judgement.cause.map(|cause| cause.kind).unwrap_or_default(), kind);
}

#[test]
fn what_was_not_asked_is_never_a_pass() {
    let (case, mut seen) = scene(Denied, Denied, Some(Allowed));
    seen.asked.clear();
    let judgement = judge(&[case], &seen).unwrap().remove(0).judgement;
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert_eq!(judgement.cause.unwrap().kind, "not-asked");
}

#[test]
fn a_finding_names_the_chain() {
    let (case, seen) = scene(Allowed, Allowed, Some(Allowed));
    let result = judge(&[case], &seen).unwrap().remove(0);
    assert!(result.judgement.reason.contains("group a may get secrets in b"), "{}", result.judgement.reason);
    assert!(result.judgement.cause.unwrap().sentence.contains("RoleBinding b/oops"));
    assert!(result.evidence.iter().any(|key| key.contains("get secrets in b")), "{:?}", result.evidence);
}

#[test]
fn judging_what_was_stored_gives_the_same_verdict() {
    let (case, seen) = scene(Denied, Denied, Some(Allowed));
    let result = judge(std::slice::from_ref(&case), &seen).unwrap();
    let stored = serde_json::to_value(&seen).unwrap();
    assert_eq!(crate::families::judge_again(&"rbac".into(), &[case], &stored).unwrap(), result);
}

/// The scene in which more questions are not asked, while so many others of the same subject were, each with its answer.
fn bounded(own: usize, rest: &Rest, others: &[(Stance, Stance)]) -> (Case, Seen) {
    let (mut case, mut seen) = scene(Denied, Denied, Some(Allowed));
    let mut ask: Ask = serde_json::from_value(case.ask.clone()).unwrap();
    ask.rest = rest.clone();
    if own == 0 {
        ask.asked.clear();
        seen.asked.clear();
    }
    case.ask = serde_json::to_value(&ask).unwrap();
    for (number, (computed, answer)) in others.iter().enumerate() {
        let question = Question { namespace: format!("c{number}"), ..question() };
        let because = "why".to_owned();
        let (computed, answer) = (*computed, *answer);
        let asked = AskedSeen { question, computed, because, answer, said: String::new(), at_ms: 1 };
        seen.asked.insert(asked.question.key(), asked);
    }
    (case, seen)
}

const REFUSED: (Stance, Stance) = (Denied, Denied);

#[rstest]
#[case::enough_of_the_subject(1, [9, 0, 0], &[REFUSED; 4], Verdict::Pass, "", Denied)]
#[case::none_of_the_case(0, [9, 0, 0], &[REFUSED; 5], Verdict::Inconclusive, "not-asked", Unknown)]
#[case::too_few(1, [9, 0, 0], &[REFUSED; 3], Verdict::Inconclusive, "not-asked", Denied)]
#[case::nothing_at_all(0, [9, 0, 0], &[], Verdict::Inconclusive, "not-asked", Unknown)]
#[case::one_is_granted_elsewhere(1, [9, 0, 0], &[REFUSED, REFUSED, REFUSED, REFUSED, (Denied, Allowed)], Verdict::Inconclusive, "not-asked", Denied)]
#[case::one_is_denied_elsewhere(0, [9, 0, 0], &[REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, (Allowed, Denied)], Verdict::Inconclusive, "not-asked", Unknown)]
#[case::one_was_not_answered(1, [9, 0, 0], &[REFUSED, REFUSED, REFUSED, (Denied, Unknown)], Verdict::Inconclusive, "not-asked", Denied)]
#[case::the_rules_grant_what_was_not_asked(1, [9, 1, 0], &[REFUSED; 9], Verdict::Inconclusive, "not-asked", Denied)]
#[case::the_rules_are_not_understood(1, [9, 0, 1], &[REFUSED; 9], Verdict::Inconclusive, "not-understood", Denied)]
fn what_was_not_asked_rests_on_what_was(
    #[case] own: usize,
    #[case] rest: [usize; 3],
    #[case] others: &[(Stance, Stance)],
    #[case] verdict: Verdict,
    #[case] kind: &str,
    #[case] observed: Stance,
) {
    let [denied, allowed, unknown] = rest;
    let rest = Rest { bound: 5, denied, allowed, unknown, because: "RoleBinding b/oops".to_owned() };
    let (case, seen) = bounded(own, &rest, others);
    let judgement = judge(&[case], &seen).unwrap().remove(0).judgement;
    assert_eq!(judgement.verdict, verdict, "{}", judgement.reason);
    assert_eq!(judgement.cause.map(|cause| cause.kind).unwrap_or_default(), kind);
    assert_eq!(judgement.observed.stance, observed, "{}", judgement.observed.because);
    assert!(
        judgement.observed.because.contains("not asked of the API server: bound of 5"),
        "{}",
        judgement.observed.because
    );
    assert!(judgement.reason.contains("bound of 5"), "{}", judgement.reason);
    if allowed > 0 {
        assert_eq!(judgement.computed.stance, Allowed);
        assert!(judgement.reason.contains("RoleBinding b/oops"), "{}", judgement.reason);
    }
}

const USER: &str = "system:serviceaccount:a:default";
const FORBIDDEN: &str = "secrets \"m\" is forbidden: User \"system:serviceaccount:a:default\" cannot get resource \"secrets\" in API group \"\" in the namespace \"b\"";

/// One request with a token: what the rules, its review and its answer say.
fn with_a_token(computed: Stance, review: Stance, code: u16, message: &str) -> (Case, Seen) {
    let (mut case, mut seen) = scene(Denied, Denied, None);
    seen.asked.clear();
    let question = Question { subject: "service account a/default".to_owned(), ..question() };
    let key = question.key();
    let subjects = [question.subject.clone()].into();
    case.ask =
        serde_json::to_value(Ask { by: By::Token, subjects, asked: vec![key.clone()], ..Ask::default() }).unwrap();
    seen.told_to_request_tokens = true;
    let token = TokenSeen { user: USER.to_owned(), known_as: Some(USER.to_owned()), ..TokenSeen::default() };
    seen.tokens.insert(question.subject.clone(), token);
    let because = "RoleBinding b/oops binds ServiceAccount a/default".to_owned();
    let (review_said, message) = ("its words".to_owned(), message.to_owned());
    let tried = TriedSeen { question, computed, because, review, review_said, code, message, at_ms: 1 };
    seen.tried.insert(key, tried);
    (case, seen)
}

#[rstest]
#[case::refused_by_all(Denied, Denied, 403, FORBIDDEN, Verdict::Pass, "")]
#[case::served(Allowed, Allowed, 200, "", Verdict::Fail, "granted")]
#[case::looked_for(Allowed, Allowed, 404, "secrets \"m\" not found", Verdict::Fail, "granted")]
#[case::made_by_dry_run(Allowed, Denied, 201, "", Verdict::Fail, "granted")]
#[case::served_without_a_role(Denied, Allowed, 200, "", Verdict::Fail, "granted-elsewhere")]
#[case::served_against_its_review(Denied, Denied, 200, "", Verdict::Fail, "granted-elsewhere")]
#[case::the_token_is_not_taken(Denied, Denied, 401, "Unauthorized", Verdict::Inconclusive, "token-refused")]
#[case::a_webhook(
    Denied,
    Denied,
    403,
    "admission webhook \"w\" denied the request: no",
    Verdict::Inconclusive,
    "other-author"
)]
#[case::a_quota(
    Allowed,
    Allowed,
    403,
    "pods \"m\" is forbidden: exceeded quota: q",
    Verdict::Inconclusive,
    "other-author"
)]
#[case::something_in_between(Denied, Denied, 403, "<html>no</html>", Verdict::Inconclusive, "other-author")]
#[case::another_page_is_not_found(Denied, Denied, 404, "404 page not found", Verdict::Inconclusive, "other-author")]
#[case::the_network(Denied, Denied, 0, "connection reset", Verdict::Inconclusive, "no-answer")]
#[case::too_many_requests(Denied, Denied, 429, "slow down", Verdict::Inconclusive, "other-author")]
#[case::refused_though_a_role_grants(Allowed, Denied, 403, FORBIDDEN, Verdict::Inconclusive, "not-confirmed")]
#[case::refused_though_its_review_allows(Denied, Allowed, 403, FORBIDDEN, Verdict::Inconclusive, "not-confirmed")]
#[case::refused_without_review(Denied, Unknown, 403, FORBIDDEN, Verdict::Inconclusive, "not-answered")]
#[case::refused_by_rules_that_are_unknown(Unknown, Denied, 403, FORBIDDEN, Verdict::Inconclusive, "not-understood")]
fn a_verdict_follows_from_what_a_token_was_answered(
    #[case] computed: Stance,
    #[case] review: Stance,
    #[case] code: u16,
    #[case] message: &str,
    #[case] verdict: Verdict,
    #[case] kind: &str,
) {
    let (case, seen) = with_a_token(computed, review, code, message);
    let judgement = judge(&[case], &seen).unwrap().remove(0).judgement;
    assert_eq!(judgement.verdict, verdict, "{}", judgement.reason);
    let cause = judgement.cause.unwrap_or_else(|| crate::families::Cause {
        kind: String::new(),
        sentence: String::new(),
        remedy: String::new(),
    });
    assert_eq!(cause.kind, kind, "{}", judgement.reason);
    match kind {
        "granted" => assert!(cause.sentence.contains("RoleBinding b/oops"), "{}", cause.sentence),
        "granted-elsewhere" => assert!(cause.sentence.contains("another authorizer grants it"), "{}", cause.sentence),
        _ => {}
    }
}

#[rstest]
#[case::was_not_requested(None, "no-token")]
#[case::was_refused(Some((None, "403: serviceaccounts is forbidden")), "no-token")]
#[case::is_somebody_elses(Some((Some("ann"), "")), "other-name")]
fn a_token_that_is_not_known_shows_nothing(#[case] token: Option<(Option<&str>, &str)>, #[case] kind: &str) {
    let (case, mut seen) = with_a_token(Denied, Denied, 403, FORBIDDEN);
    seen.tried.clear();
    seen.tokens.clear();
    if let Some((known_as, trouble)) = token {
        let known_as = known_as.map(str::to_owned);
        let token = TokenSeen { user: USER.to_owned(), known_as, trouble: trouble.to_owned(), at_ms: 1 };
        seen.tokens.insert("service account a/default".to_owned(), token);
    }
    let judgement = judge(&[case], &seen).unwrap().remove(0).judgement;
    assert_eq!(judgement.verdict, Verdict::Inconclusive, "{}", judgement.reason);
    assert!(judgement.reason.contains(token.map_or("", |(_, trouble)| trouble)), "{}", judgement.reason);
    assert_eq!(judgement.cause.unwrap().kind, kind);
}

#[test]
fn without_the_flag_nothing_was_tried_and_the_reason_names_it() {
    let (case, mut seen) = with_a_token(Denied, Denied, 403, FORBIDDEN);
    seen = Seen { tokens: [].into(), tried: [].into(), told_to_request_tokens: false, ..seen };
    let judgement = judge(&[case], &seen).unwrap().remove(0).judgement;
    assert_eq!(judgement.verdict, Verdict::Skipped);
    assert!(judgement.reason.contains("--request-tokens"), "{}", judgement.reason);
    assert_eq!(judgement.observed.stance, Unknown);
}

#[test]
fn a_request_that_was_not_made_is_never_a_pass() {
    let (case, mut seen) = with_a_token(Denied, Denied, 403, FORBIDDEN);
    seen.tried.clear();
    let judgement = judge(&[case], &seen).unwrap().remove(0).judgement;
    assert_eq!(judgement.cause.unwrap().kind, "not-tried");
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
}

#[rstest]
#[case::a_part(true, [5, 0, 0], Verdict::Pass)]
#[case::none(false, [5, 0, 0], Verdict::Skipped)]
#[case::none_though_a_role_grants(false, [4, 1, 0], Verdict::Inconclusive)]
fn a_sample_says_that_it_is_one(#[case] tried: bool, #[case] rest: [usize; 3], #[case] verdict: Verdict) {
    let [denied, allowed, unknown] = rest;
    let (mut case, mut seen) = with_a_token(Denied, Denied, 403, FORBIDDEN);
    let mut ask: Ask = serde_json::from_value(case.ask.clone()).unwrap();
    ask.rest = Rest { bound: 7, denied, allowed, unknown, because: "RoleBinding b/oops".to_owned() };
    if !tried {
        ask.asked.clear();
        seen.tried.clear();
    }
    case.ask = serde_json::to_value(&ask).unwrap();
    let judgement = judge(&[case], &seen).unwrap().remove(0).judgement;
    assert_eq!(judgement.verdict, verdict, "{}", judgement.reason);
    assert!(judgement.reason.contains("bound of 7"), "{}", judgement.reason);
}
