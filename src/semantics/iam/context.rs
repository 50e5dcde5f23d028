//! The request's context: keys and their values.

use std::collections::HashMap;

/// The values that a key has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Values {
    /// One or more.
    These(Vec<Box<str>>),
    /// The key is there twice, in capitals and small letters. Tags may be: which is meant is not documented.
    Twice,
}

/// The condition context of a request, complete as it is: a key that is not there has no value.
///
/// Names of keys are read without regard to case ([condition keys]).
///
/// [condition keys]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    keys: HashMap<Box<str>, Values>,
}

impl Context {
    /// A context without any key.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives a key its values. A key with no values is a key that is not there.
    pub fn set<V: Into<Box<str>>>(&mut self, key: &str, values: impl IntoIterator<Item = V>) {
        let values: Vec<Box<str>> = values.into_iter().map(Into::into).collect();
        if values.is_empty() {
            return;
        }
        self.keys
            .entry(key.to_lowercase().into())
            .and_modify(|there| *there = Values::Twice)
            .or_insert(Values::These(values));
    }

    /// The values of a key whose name is in small letters.
    pub(super) fn get(&self, lower: &str) -> Option<&Values> {
        self.keys.get(lower)
    }
}

impl<'a, V: Into<Box<str>>> FromIterator<(&'a str, V)> for Context {
    fn from_iter<I: IntoIterator<Item = (&'a str, V)>>(keys: I) -> Self {
        let mut context = Self::new();
        for (key, value) in keys {
            context.set(key, [value]);
        }
        context
    }
}
