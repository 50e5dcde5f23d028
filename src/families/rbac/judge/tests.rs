//! Every way to a verdict, by table.

use rstest::rstest;

use super::judge;
use crate::families::Stance::{self, Allowed, Denied, Unknown};
use crate::families::rbac::plan::Ask;
use crate::families::rbac::{AskedSeen, ControlSeen, Place, Question, Seen};
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
    let ask = Ask { place: Place::AnotherTenant, subjects: ["group a".to_owned()].into(), asked: vec![key.clone()] };
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
