//! Which checks a broken policy can be found by: those that it kept while it stood. Pure.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::ask::{Ask, Question};
use super::refusal::{Author, author};
use super::seen::{Answer, Seen, TrySeen};
use crate::families::{Mutant, ask_of, seen_of};
use crate::model::CheckId;
use crate::plan::Case;
use crate::semantics::admission::{Engine, Policy};

/// The policies of which an object is a part.
enum Part {
    /// This policy.
    Of(Policy),
    /// Every policy of the engine.
    OfAll(Engine),
}

impl Part {
    fn of(object: &Value) -> Option<Self> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let name = text("/metadata/name");
        Some(match text("/kind") {
            "ValidatingAdmissionPolicy" => Self::Of(Policy::new(Engine::ValidatingAdmissionPolicy, name)),
            "ValidatingAdmissionPolicyBinding" => {
                Self::Of(Policy::new(Engine::ValidatingAdmissionPolicy, text("/spec/policyName")))
            }
            "ClusterPolicy" | "Policy" | "ValidatingPolicy" => Self::Of(Policy::new(Engine::Kyverno, name)),
            "ValidatingWebhookConfiguration" => Self::OfAll(Engine::Gatekeeper),
            "Namespace" => Self::OfAll(Engine::PodSecurity),
            _ if text("/apiVersion").starts_with("constraints.gatekeeper.sh/") => {
                Self::Of(Policy::new(Engine::Gatekeeper, name))
            }
            _ => return None,
        })
    }

    fn holds(&self, policy: &Policy) -> bool {
        match self {
            Self::Of(own) => own == policy,
            Self::OfAll(engine) => policy.engine == *engine,
        }
    }
}

/// The checks that had a request refused by what the mutant takes down, in a run with every fence standing; `None` where
/// nothing tells which. A mutant that changes no more than what happens while an engine is away is found by those that read
/// the policies' texts.
pub(super) fn concerned(mutant: &Mutant, cases: &[Case], observations: &Value) -> Option<BTreeSet<CheckId>> {
    let part = Part::of(mutant.object()?)?;
    let seen: Seen = seen_of(super::NAME, observations).ok()?;
    let texts_alone = mutant.whole.as_ref().map(always_closed) == mutant.broken.as_ref().map(always_closed);
    let mut checks = BTreeSet::new();
    for case in cases {
        let ask: Ask = ask_of(case).ok()?;
        let (keys, reads_texts) = match &ask.question {
            Question::Refused { pairs } => (pairs.iter().map(|(key, _)| key).collect(), false),
            Question::Covered { key, .. } | Question::FailClosed { key } => (vec![key], true),
            Question::ExemptLabel { .. } | Question::Exception { .. } => (Vec::new(), true),
        };
        let mut tries = keys.into_iter().filter_map(|key| seen.tries.get(key));
        if (reads_texts || !texts_alone) && tries.any(|tried| refused_by(tried, &part)) {
            checks.insert(case.check.clone());
        }
    }
    (!checks.is_empty()).then_some(checks)
}

/// The object, whatever it says of an engine that is away.
fn always_closed(object: &Value) -> Value {
    let mut object = object.clone();
    for pointer in ["", "/spec"] {
        if let Some(fields) = object.pointer_mut(pointer).and_then(Value::as_object_mut) {
            fields.remove("failurePolicy");
        }
    }
    for webhook in object["webhooks"].as_array_mut().into_iter().flatten() {
        webhook["failurePolicy"] = json!(null);
    }
    object
}

fn refused_by(tried: &TrySeen, part: &Part) -> bool {
    tried.decisive().any(|answer| match &answer.answer {
        Answer::Refused { code, message } => match author(*code, message) {
            Author::Policies(policies) => policies.iter().any(|policy| part.holds(policy)),
            _ => false,
        },
        Answer::Accepted { .. } | Answer::Silent { .. } => false,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;
    use serde_json::{Value, json};

    use super::concerned;
    use crate::families::Mutant;
    use crate::families::admission::seen::AnswerSeen;
    use crate::families::admission::{Answer, Ask, Question, Seen, TrySeen};
    use crate::model::{CaseId, CheckId, Family, Namespace};
    use crate::plan::Case;
    use crate::suite::Access;

    fn case(check: &str, question: Question) -> Case {
        let ask = Ask { namespace: Namespace::new("a"), rule: None, question };
        Case {
            id: CaseId::new(check),
            check: CheckId::from(check),
            family: Family::from("admission"),
            title: String::new(),
            from: "a".into(),
            to: "a".into(),
            expect: Access::Denied,
            ask: serde_json::to_value(ask).unwrap(),
        }
    }

    fn refused(message: &str) -> TrySeen {
        let answer = Answer::Refused { code: 403, message: message.to_owned() };
        let answer = AnswerSeen { step: String::new(), at: String::new(), decides: true, answer };
        TrySeen { answers: vec![answer], ..TrySeen::default() }
    }

    fn standing() -> (Vec<Case>, Value) {
        let of = |key: &str| Question::Refused { pairs: vec![(key.to_owned(), "twin".to_owned())] };
        let cases = vec![
            case("admission.images", of("images")),
            case("admission.roots", of("roots")),
            case("admission.level", of("level")),
            case("admission.closed", Question::FailClosed { key: "images".to_owned() }),
            case("admission.covers", Question::Covered { key: "roots".to_owned(), others: Vec::new() }),
        ];
        let policy = "pods \"p\" is forbidden: ValidatingAdmissionPolicy 'images' with binding 'b' denied request: no";
        let constraint = "admission webhook \"validation.gatekeeper.sh\" denied the request: [roots] no";
        let level = "pods \"p\" is forbidden: violates PodSecurity \"baseline:latest\": no";
        let tries = [("images", policy), ("roots", constraint), ("level", level)];
        let tries: BTreeMap<String, TrySeen> = tries.map(|(key, message)| (key.to_owned(), refused(message))).into();
        (cases, serde_json::to_value(Seen { tries, ..Seen::default() }).unwrap())
    }

    fn object(kind: &str, name: &str) -> Value {
        json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "spec": {"policyName": "images"}})
    }

    #[rstest]
    #[case::a_policy(object("ValidatingAdmissionPolicy", "images"), None, Some(vec!["admission.closed", "admission.images"]))]
    #[case::its_binding(object("ValidatingAdmissionPolicyBinding", "x"), None, Some(vec!["admission.closed", "admission.images"]))]
    #[case::open_while_its_engine_is_away(
        object("ValidatingAdmissionPolicy", "images"), Some("/spec"), Some(vec!["admission.closed"])
    )]
    #[case::a_constraint(
        json!({"apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": "Roots", "metadata": {"name": "roots"}}), None,
        Some(vec!["admission.covers", "admission.roots"])
    )]
    #[case::the_webhook_opened(
        json!({"kind": "ValidatingWebhookConfiguration", "metadata": {"name": "gk"}, "webhooks": [{"failurePolicy": "Fail"}]}),
        Some("/webhooks/0"), Some(vec!["admission.covers"])
    )]
    #[case::a_level(object("Namespace", "a"), None, Some(vec!["admission.level"]))]
    #[case::a_policy_that_refused_nothing(object("ValidatingAdmissionPolicy", "other"), None, None)]
    #[case::something_else(object("ConfigMap", "images"), None, None)]
    fn a_mutant_concerns_what_its_policy_refused(
        #[case] whole: Value,
        #[case] opened_at: Option<&str>,
        #[case] expected: Option<Vec<&str>>,
    ) {
        let broken = opened_at.map(|place| {
            let mut broken = whole.clone();
            broken.pointer_mut(place).unwrap()["failurePolicy"] = json!("Ignore");
            broken
        });
        let mutant = Mutant {
            family: Family::from("admission"),
            description: String::new(),
            whole: Some(whole),
            broken,
            tenants: std::collections::BTreeSet::new(),
            harmless: None,
        };
        let (cases, observations) = standing();
        let checks = concerned(&mutant, &cases, &observations);
        let checks: Option<Vec<String>> = checks.map(|checks| checks.iter().map(ToString::to_string).collect());
        assert_eq!(checks, expected.map(|checks| checks.into_iter().map(str::to_owned).collect()));
    }
}
