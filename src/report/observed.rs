//! Finding the observations that a verdict rests on.
//!
//! Each family keeps its observations in a shape of its own; its results name parts of it by keys.
//! A key is, in this order: a key of the observations themselves; one of a section (`section/key`,
//! or the bare key, where the observations are grouped); the `id` or `key` of an element of a
//! list; a JSON Pointer (RFC 6901).

use std::collections::HashMap;

use serde_json::Value;

use crate::model::Family;
use crate::run::{CaseResult, RunRecord};

/// The observations of a run, ready to be looked up.
pub(crate) struct Observed<'a> {
    families: HashMap<&'a Family, (&'a Value, HashMap<&'a str, &'a Value>)>,
}

impl<'a> Observed<'a> {
    /// Indexes a run's observations once, so that a lookup costs the same however many there are.
    pub(crate) fn of(record: &'a RunRecord) -> Self {
        let families = record.observations.iter().map(|(family, root)| (family, (root, index(root)))).collect();
        Self { families }
    }

    /// The observation under this key.
    pub(crate) fn find(&self, family: &Family, key: &str) -> Option<&'a Value> {
        let (root, index) = self.families.get(family)?;
        if let Some(value) = index.get(key) {
            return Some(value);
        }
        let in_section = key.split_once('/').and_then(|(section, rest)| match root.get(section)? {
            Value::Object(map) => map.get(rest),
            Value::Array(list) => list.get(rest.parse::<usize>().ok()?),
            _ => None,
        });
        in_section.or_else(|| if key.starts_with('/') { root.pointer(key) } else { None })
    }

    /// Milliseconds spent on a case: the sum of every `micros` in its observations.
    pub(crate) fn millis(&self, result: &CaseResult) -> i64 {
        let found = result.evidence.iter().filter_map(|key| self.find(&result.case.family, key));
        let micros = found.map(micros).fold(0_u64, u64::saturating_add);
        i64::try_from(micros / 1000).unwrap_or(i64::MAX)
    }
}

fn index(root: &Value) -> HashMap<&str, &Value> {
    let mut index = HashMap::new();
    match root {
        Value::Object(sections) => {
            for section in sections.values() {
                index_section(&mut index, section);
            }
            // Last, so that a key of the observations themselves wins over one in a section.
            index.extend(sections.iter().map(|(key, value)| (key.as_str(), value)));
        }
        list => index_section(&mut index, list),
    }
    index
}

fn index_section<'a>(index: &mut HashMap<&'a str, &'a Value>, section: &'a Value) {
    match section {
        Value::Object(map) => {
            for (key, value) in map {
                index.entry(key.as_str()).or_insert(value);
            }
        }
        Value::Array(list) => {
            for value in list {
                if let Some(key) = ["id", "key"].iter().find_map(|name| value.get(name)?.as_str()) {
                    index.entry(key).or_insert(value);
                }
            }
        }
        _ => {}
    }
}

fn micros(value: &Value) -> u64 {
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| if key == "micros" { value.as_u64().unwrap_or(0) } else { micros(value) })
            .fold(0, u64::saturating_add),
        Value::Array(list) => list.iter().map(micros).fold(0, u64::saturating_add),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::of_the_root("a", json!(1))]
    #[case::in_a_section("b", json!({"micros": 1500}))]
    #[case::with_its_section("tries/b", json!({"micros": 1500}))]
    #[case::in_a_list("c", json!({"id": "c", "attempts": [{"micros": 2000}, {"micros": 3000}]}))]
    #[case::by_place("list/0", json!({"id": "c", "attempts": [{"micros": 2000}, {"micros": 3000}]}))]
    #[case::by_pointer("/list/0/attempts/1/micros", json!(3000))]
    #[case::root_before_section("tries", json!({"b": {"micros": 1500}, "a": 2, "tries": 3}))]
    fn finds(#[case] key: &str, #[case] expected: Value) {
        let mut record = RunRecord::new();
        let family = Family::new("network");
        record.observations.insert(
            family.clone(),
            json!({
                "a": 1,
                "tries": {"b": {"micros": 1500}, "a": 2, "tries": 3},
                "list": [{"id": "c", "attempts": [{"micros": 2000}, {"micros": 3000}]}],
            }),
        );
        let observed = Observed::of(&record);
        assert_eq!(observed.find(&family, key), Some(&expected));
        assert_eq!(observed.find(&family, "nothing"), None);
        assert_eq!(observed.find(&Family::new("rbac"), key), None);
    }
}
