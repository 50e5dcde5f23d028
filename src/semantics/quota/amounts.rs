//! Amounts by resource name, exact.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Written;
use serde::{Deserialize, Serialize};

use crate::model::Quantity;

/// Amounts by resource name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Amounts(BTreeMap<String, Quantity>);

impl Amounts {
    /// The amounts of an object's map. What is no quantity is left out: the API server takes none that isn't.
    #[must_use]
    pub fn of(written: Option<&BTreeMap<String, Written>>) -> Self {
        let read = |(name, amount): (&String, &Written)| Some((name.clone(), Quantity::parse(&amount.0)?));
        Self(written.into_iter().flatten().filter_map(read).collect())
    }

    /// The amount of this name; `None` where there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Quantity> {
        self.0.get(name).copied()
    }

    /// Sets an amount.
    pub fn set(&mut self, name: impl Into<String>, amount: Quantity) {
        self.0.insert(name.into(), amount);
    }

    /// Adds other amounts to these.
    pub fn add(&mut self, other: &Self) {
        for (name, amount) in &other.0 {
            let sum = self.get(name).unwrap_or_default().milli() + amount.milli();
            self.set(name.clone(), Quantity::of_milli(sum));
        }
    }

    /// The greater of both, for each name.
    pub fn raise(&mut self, other: &Self) {
        for (name, amount) in &other.0 {
            let greater = self.get(name).map_or(*amount, |mine| mine.max(*amount));
            self.set(name.clone(), greater);
        }
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Quantity)> {
        self.0.iter().map(|(name, amount)| (name.as_str(), *amount))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<String>> FromIterator<(N, Quantity)> for Amounts {
    fn from_iter<I: IntoIterator<Item = (N, Quantity)>>(amounts: I) -> Self {
        Self(amounts.into_iter().map(|(name, amount)| (name.into(), amount)).collect())
    }
}
