//! Conditions: an operator, a key of the request, and values ([operators], [several values]).
//!
//! [operators]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
//! [several values]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html

use super::context::{Context, Values};
use super::doubt::{Doubt, Held, Rule};
use super::operator::{Operator, Set};
use super::test::Test;
use super::variables::Version;

/// One key of one operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    /// The operator and the key, as the policy has them.
    text: Box<str>,
    /// The key in small letters.
    key: Box<str>,
    check: Check,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Check {
    Operator {
        set: Option<Set>,
        negated: bool,
        if_exists: bool,
        test: Test,
    },
    /// `Null`: whether the key must be missing, for each value; `None` where the value is neither `true` nor `false`.
    Null(Vec<Option<bool>>),
    Unknown,
    Empty,
}

impl Condition {
    pub(super) fn compile(operator: &str, key: &str, values: &[impl AsRef<str>], version: Version) -> Self {
        let check = match Operator::parse(operator) {
            None => Check::Unknown,
            Some(_) if values.is_empty() => Check::Empty,
            Some(Operator::Null) => Check::Null(values.iter().map(|value| truth_value(value.as_ref())).collect()),
            Some(Operator::Compare { set, negated, if_exists, comparison }) => {
                Check::Operator { set, negated, if_exists, test: Test::compile(comparison, values, version) }
            }
        };
        Self { text: format!("{operator} of {key}").into(), key: key.to_lowercase().into(), check }
    }

    /// Its key, and those of its variables, in small letters.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let variables = match &self.check {
            Check::Operator { test, .. } => test.keys(),
            _ => Vec::new(),
        };
        std::iter::once(&*self.key).chain(variables)
    }

    /// Whether the request meets it.
    pub(super) fn holds(&self, context: &Context) -> Held<'_> {
        let values = context.get(&self.key);
        let doubt = |rule| Held::doubtful(rule, &self.text);
        let (set, negated, if_exists, test) = match (&self.check, values) {
            (Check::Unknown, _) => return doubt(Rule::UnknownOperator),
            (Check::Empty, _) => return doubt(Rule::EmptyValues),
            (_, Some(Values::Twice)) => return doubt(Rule::KeyTwice),
            (_, Some(Values::Untold)) => return doubt(Rule::KeyUntold),
            (Check::Null(wanted), values) => return self.null(wanted, values),
            (Check::Operator { set, negated, if_exists, test }, _) => (*set, *negated, *if_exists, test),
        };
        let Some(Values::These(values)) = values else {
            return Held::of(if_exists || set.map_or(negated, |set| set == Set::All));
        };
        let one = |value: &str| {
            let like: Held<'_> = test.matches(value, context).told(|| (), |rule| Doubt { rule, about: &self.text });
            if negated { like.negated() } else { like }
        };
        match (set, &**values) {
            // "If the context key value resolves to a null dataset, such as an empty string", it is as if it were missing.
            (Some(Set::All), [value]) if value.is_empty() => Held::Yes(()),
            (Some(Set::Any), [value]) if value.is_empty() => {
                one(value).and(|| Held::doubtful(Rule::EmptyString, &self.text))
            }
            (Some(Set::All), values) => Held::all(values.iter().map(|value| one(value))),
            (Some(Set::Any), values) => Held::any(values.iter().map(|value| one(value))),
            (None, [value]) => one(value),
            (None, values) => {
                // Not documented: any of them, all of them, or no comparison at all, which is no match.
                let all = Held::all(values.iter().map(|value| one(value)));
                let any = Held::any(values.iter().map(|value| one(value)));
                match (negated, all, any) {
                    (true, Held::Yes(()), _) => Held::Yes(()),
                    (false, _, Held::No) => Held::No,
                    _ => doubt(Rule::SeveralValues),
                }
            }
        }
    }

    fn null(&self, wanted: &[Option<bool>], values: Option<&Values>) -> Held<'_> {
        let missing = match values {
            None => Held::Yes(()),
            Some(Values::These(values)) if matches!(&**values, [value] if value.is_empty()) => {
                Held::doubtful(Rule::EmptyString, &self.text)
            }
            Some(_) => Held::No,
        };
        Held::any(wanted.iter().map(|wanted| match wanted {
            Some(true) => missing,
            Some(false) => missing.negated(),
            None => Held::doubtful(Rule::ValueNotUnderstood, &self.text),
        }))
    }
}

/// `true` or `false`, in whichever letters.
pub(super) fn truth_value(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}
