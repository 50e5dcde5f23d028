//! The request's context: keys and their values.

use std::collections::HashMap;

/// The values that a key has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Values {
    /// One or more.
    These(Vec<Box<str>>),
    /// The key is there twice, in capitals and small letters. Tags may be: which is meant is not documented.
    Twice,
    /// Whether the key is there, and with which value, is not known.
    Untold,
    /// The key is not there, whatever is known of others.
    Absent,
}

/// The condition context of a request, complete as it is: a key that is not there has no value. An [open](Self::open) one
/// is not complete: of a key that it does not tell nothing is known.
///
/// Names of keys are read without regard to case ([condition keys]).
///
/// [condition keys]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    keys: HashMap<Box<str>, Values>,
    /// Families of keys, by what they begin with, that are told to the last.
    told: Vec<Box<str>>,
    open: bool,
}

impl Context {
    /// A context without any key.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A context of which only a part is known: what is not set may be there, with any value.
    #[must_use]
    pub fn open() -> Self {
        Self { open: true, ..Self::default() }
    }

    /// Says that the key is not there.
    pub fn set_absent(&mut self, key: &str) {
        self.keys.insert(key.to_lowercase().into(), Values::Absent);
    }

    /// Says that of the keys that begin so, such as `aws:PrincipalTag/`, those that are set are all.
    pub fn set_all_told(&mut self, beginning: &str) {
        self.told.push(beginning.to_lowercase().into());
    }

    /// Says that it is not known whether the key is there, and with which value.
    pub fn set_untold(&mut self, key: &str) {
        self.keys.insert(key.to_lowercase().into(), Values::Untold);
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
        match self.keys.get(lower) {
            Some(Values::Absent) => None,
            Some(values) => Some(values),
            None if self.open && !self.told.iter().any(|beginning| lower.starts_with(&**beginning)) => {
                Some(&Values::Untold)
            }
            None => None,
        }
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
