//! Labels, and selectors over them, in three values: a label may be there, absent, or not known.
//!
//! Labels are not known where the object that carries them was not read: a namespace that no manifest
//! declares, or a label that a controller will set on the pods of a workload.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::policy::Fault;

/// Whether something matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Match {
    /// It matches.
    Yes,
    /// It does not.
    No,
    /// What was read does not tell.
    Maybe,
}

impl Match {
    pub(super) const fn of(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }

    pub(super) const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Maybe,
        }
    }

    pub(super) const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::No, Self::No) => Self::No,
            _ => Self::Maybe,
        }
    }
}

/// What is known of one label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label<'a> {
    Value(&'a str),
    Absent,
    NotKnown,
}

/// The labels of one object, as far as they are known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Labels<'a> {
    known: &'a BTreeMap<String, String>,
    not_known: Option<&'a BTreeSet<String>>,
    open: bool,
}

impl<'a> Labels<'a> {
    /// All labels are known.
    pub(super) const fn whole(known: &'a BTreeMap<String, String>) -> Self {
        Self { known, not_known: None, open: false }
    }

    /// All but the labels with these keys are known.
    pub(super) const fn except(known: &'a BTreeMap<String, String>, not_known: &'a BTreeSet<String>) -> Self {
        Self { known, not_known: Some(not_known), open: false }
    }

    /// There may be any other label besides.
    pub(super) const fn open(known: &'a BTreeMap<String, String>) -> Self {
        Self { known, not_known: None, open: true }
    }

    pub(super) fn get(&self, key: &str) -> Label<'a> {
        match self.known.get(key) {
            Some(value) => Label::Value(value),
            None if self.open || self.not_known.is_some_and(|keys| keys.contains(key)) => Label::NotKnown,
            None => Label::Absent,
        }
    }
}

/// One requirement of a selector. `matchLabels` are `In` with one value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    DoesNotExist(String),
}

impl Requirement {
    pub(super) fn key(&self) -> &str {
        match self {
            Self::In(key, _) | Self::NotIn(key, _) | Self::Exists(key) | Self::DoesNotExist(key) => key,
        }
    }

    /// The API's rule (`labels.Requirement.Matches`): `NotIn` and `DoesNotExist` match where the key is absent.
    fn of(&self, labels: &Labels<'_>) -> Match {
        match (self, labels.get(self.key())) {
            (_, Label::NotKnown) => Match::Maybe,
            (Self::In(_, values), Label::Value(value)) => Match::of(values.iter().any(|v| v == value)),
            (Self::NotIn(_, values), Label::Value(value)) => Match::of(values.iter().all(|v| v != value)),
            (Self::Exists(_), Label::Value(_)) | (Self::NotIn(..) | Self::DoesNotExist(_), Label::Absent) => Match::Yes,
            (Self::In(..) | Self::Exists(_), Label::Absent) | (Self::DoesNotExist(_), Label::Value(_)) => Match::No,
        }
    }
}

/// A label selector: all requirements must hold; none selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Selector(Vec<Requirement>);

impl Selector {
    pub(super) fn new(mut requirements: Vec<Requirement>) -> Self {
        requirements.sort();
        requirements.dedup();
        Self(requirements)
    }

    /// Reads the API's selector and holds it to the API's validation.
    pub(super) fn compile(selector: &LabelSelector) -> Result<Self, Fault> {
        let mut requirements: Vec<Requirement> = selector
            .match_labels
            .iter()
            .flatten()
            .map(|(key, value)| Requirement::In(key.clone(), vec![value.clone()]))
            .collect();
        for expression in selector.match_expressions.iter().flatten() {
            let key = expression.key.clone();
            let mut values = expression.values.clone().unwrap_or_default();
            values.sort();
            values.dedup();
            requirements.push(match (expression.operator.as_str(), values.is_empty()) {
                ("In", false) => Requirement::In(key, values),
                ("NotIn", false) => Requirement::NotIn(key, values),
                ("Exists", true) => Requirement::Exists(key),
                ("DoesNotExist", true) => Requirement::DoesNotExist(key),
                (operator @ ("In" | "NotIn"), true) => return Err(Fault::ValuesMissing(operator.to_owned())),
                (operator @ ("Exists" | "DoesNotExist"), false) => {
                    return Err(Fault::ValuesGiven(operator.to_owned()));
                }
                (operator, _) => return Err(Fault::Operator(operator.to_owned())),
            });
        }
        Ok(Self::new(requirements))
    }

    pub(super) fn of(&self, labels: &Labels<'_>) -> Match {
        let mut all = Match::Yes;
        for requirement in &self.0 {
            all = all.and(requirement.of(labels));
            if all == Match::No {
                break;
            }
        }
        all
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Requirement::key)
    }
}

/// Whether a selector selects an object with these labels, all of which are known. One that the API
/// server would refuse is taken to select everything: whoever asks what a pod would disturb errs on
/// the side of care.
#[must_use]
pub fn selects(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    Selector::compile(selector).map_or(true, |selector| selector.of(&Labels::whole(labels)) == Match::Yes)
}
