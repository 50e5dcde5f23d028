//! A document held against the JSON Schema of the structs that it will become.
//!
//! Reading into structs would stop at the first thing that is wrong; this finds all of them, and
//! says with the schema's own descriptions what was expected. It understands the part of JSON
//! Schema that schemars writes for plain structs, lists, maps and enums.

use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::Value as Schema;

use super::node::{Entry, Node, Value};
use super::path::Path;
use super::problem::{Located, Place, Problem};
use super::read::Document;
use crate::model::Nearest;

/// The JSON Schema of `T`, with each description on one line.
#[must_use]
pub fn schema_of<T: JsonSchema>() -> Schema {
    let mut schema = schemars::schema_for!(T).to_value();
    unwrap_descriptions(&mut schema);
    schema
}

/// A part of a file whose shape belongs to somebody else: its key, and what its value must look like.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// The key.
    pub key: &'static str,
    schema: fn(&mut SchemaGenerator) -> schemars::Schema,
    read: fn(&Schema) -> Result<(), serde_json::Error>,
}

impl Slot {
    /// A slot for values of the type `T`.
    #[must_use]
    pub const fn of<T: JsonSchema + DeserializeOwned>(key: &'static str) -> Self {
        Self { key, schema: |generator| generator.subschema_for::<T>(), read: |value| T::deserialize(value).map(drop) }
    }

    /// Tries whether a value can be read as the slot's type.
    ///
    /// # Errors
    /// Where it can't; [`check`] says more exactly where.
    pub fn try_read(&self, value: &Schema) -> Result<(), serde_json::Error> {
        (self.read)(value)
    }
}

/// The JSON Schema of `T`, whose definition named `holder` has these slots as its fields.
#[must_use]
pub fn schema_with_slots<T: JsonSchema>(holder: &str, slots: &[Slot]) -> Schema {
    let mut generator = SchemaGenerator::default();
    let fields: serde_json::Map<String, Schema> =
        slots.iter().map(|slot| (slot.key.to_owned(), (slot.schema)(&mut generator).to_value())).collect();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    if let Some(holder) = schema.pointer_mut(&format!("/$defs/{holder}")).and_then(Schema::as_object_mut) {
        holder.insert("properties".to_owned(), Schema::Object(fields));
        holder.insert("additionalProperties".to_owned(), Schema::Bool(false));
    }
    unwrap_descriptions(&mut schema);
    schema
}

/// Doc comments are wrapped for those who read the source; others wrap for themselves.
fn unwrap_descriptions(schema: &mut Schema) {
    match schema {
        Schema::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Schema::String(text) if key == "description" => {
                        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                    }
                    other => unwrap_descriptions(other),
                }
            }
        }
        Schema::Array(items) => items.iter_mut().for_each(unwrap_descriptions),
        _ => {}
    }
}

/// Everything in which `document` doesn't have the shape that `schema` asks for.
#[must_use]
pub fn check(document: &Document, schema: &Schema) -> Vec<Located<Problem>> {
    let mut checker = Checker { document, root: schema, found: Vec::new() };
    checker.value(document.root(), &Path::root(), schema, "");
    let kind = Path::root().key("kind");
    let another = |found: &Located<Problem>| match &found.problem {
        Problem::UnknownWord { path, nearest, .. } => *path == kind && nearest.word().is_none(),
        _ => false,
    };
    // A file of quite another kind has that one fault; all others follow from it.
    match checker.found.iter().position(another) {
        Some(index) => vec![checker.found.swap_remove(index)],
        None => checker.found,
    }
}

struct Checker<'a> {
    document: &'a Document,
    root: &'a Schema,
    found: Vec<Located<Problem>>,
}

impl<'a> Checker<'a> {
    fn value(&mut self, node: &Node, path: &Path, schema: &'a Schema, meaning: &str) {
        let schema = self.choose(node, schema);
        let meaning = if meaning.is_empty() { description(schema) } else { meaning.to_owned() };
        let kinds = self.all_kinds(schema);
        if !kinds.is_empty() && !kinds.iter().any(|kind| is_of_kind(&node.value, kind)) {
            self.wrong_type(node, path, schema, meaning);
            return;
        }
        match &node.value {
            Value::Map(entries) => self.map(node, entries, path, schema, &meaning),
            Value::List(items) => self.list(node, items, path, schema, &meaning),
            Value::Text(text) => self.text(node.place, text, path, schema, meaning),
            Value::Integer(number) => self.number(node.place, *number, path, schema, meaning),
            Value::Null | Value::Bool(_) | Value::Float(_) => {}
        }
    }

    /// Follows references, and of several forms takes the one that the value has begun to be.
    fn choose(&self, node: &Node, schema: &'a Schema) -> &'a Schema {
        let mut schema = self.follow(schema);
        while let Some(forms) = forms(schema) {
            let forms: Vec<_> = forms.iter().map(|form| self.follow(form)).collect();
            let fits = |form: &&Schema| kinds(form).iter().any(|kind| is_of_kind(&node.value, kind));
            let not_null = |form: &&Schema| !kinds(form).contains(&"null");
            match forms.iter().copied().find(fits).or_else(|| match forms.as_slice() {
                // An optional value of the wrong type: speak of what it should have been.
                [a, b] => [*a, *b].into_iter().find(not_null).filter(|_| !(not_null(a) && not_null(b))),
                _ => None,
            }) {
                Some(form) => schema = form,
                None => return schema,
            }
        }
        schema
    }

    /// The types that a value may have, over all its forms.
    fn all_kinds(&self, schema: &'a Schema) -> Vec<&'a str> {
        match forms(schema) {
            Some(forms) => forms.iter().flat_map(|form| kinds(self.follow(form))).collect(),
            None => kinds(schema),
        }
    }

    fn follow(&self, schema: &'a Schema) -> &'a Schema {
        let mut schema = schema;
        while let Some(target) = schema.get("$ref").and_then(Schema::as_str).and_then(|name| name.strip_prefix('#')) {
            match self.root.pointer(target) {
                Some(definition) => schema = definition,
                None => return schema,
            }
        }
        schema
    }

    fn map(&mut self, node: &Node, entries: &[Entry], path: &Path, schema: &'a Schema, meaning: &str) {
        let fields = schema.get("properties").and_then(Schema::as_object);
        let other_values = schema.get("additionalProperties").filter(|other| other.is_object());
        if entries.is_empty() && at_least(schema, "minProperties") > 0 {
            self.add(
                node.place,
                "empty",
                Problem::NothingInIt { path: path.clone(), what: "entry", meaning: meaning.to_owned() },
            );
        }
        let mut meant = Vec::new();
        for entry in entries {
            let inner = path.key(&entry.key);
            match (fields.and_then(|fields| fields.get(&entry.key)), other_values) {
                (Some(field), _) => self.value(&entry.value, &inner, field, &description(field)),
                (None, Some(other)) => self.value(&entry.value, &inner, other, meaning),
                (None, None) => {
                    let expected: Vec<String> = fields.into_iter().flat_map(|it| it.keys()).cloned().collect();
                    let free = expected.iter().map(String::as_str).filter(|field| node.get(field).is_none());
                    let nearest = Nearest::of(&entry.key, free);
                    meant.extend(nearest.word().map(str::to_owned));
                    let problem =
                        Problem::UnknownField { key: entry.key.clone(), within: path.clone(), nearest, expected };
                    self.add(entry.place, "not a field", problem);
                }
            }
        }
        let required = schema.get("required").and_then(Schema::as_array).into_iter().flatten();
        for key in required.filter_map(Schema::as_str).filter(|key| node.get(key).is_none()) {
            // A field that is only misspelt is not missing as well.
            if meant.iter().any(|meant| meant == key) {
                continue;
            }
            let meaning = fields.and_then(|fields| fields.get(key)).map(description).unwrap_or_default();
            let problem = Problem::MissingField { key: key.to_owned(), within: path.clone(), meaning };
            self.add(node.place, &format!("`{key}` is missing"), problem);
        }
    }

    fn list(&mut self, node: &Node, items: &[Node], path: &Path, schema: &'a Schema, meaning: &str) {
        if items.is_empty() && at_least(schema, "minItems") > 0 {
            self.add(
                node.place,
                "empty",
                Problem::NothingInIt { path: path.clone(), what: "item", meaning: meaning.to_owned() },
            );
        }
        if let Some(form) = schema.get("items") {
            for (index, item) in items.iter().enumerate() {
                self.value(item, &path.item(index), form, meaning);
            }
        }
        if schema.get("uniqueItems").and_then(Schema::as_bool) == Some(true) {
            for (index, item) in items.iter().enumerate() {
                if let Value::Text(word) = &item.value
                    && items[..index].iter().any(|earlier| earlier.value == item.value)
                {
                    self.add(item.place, "again here", Problem::ListedTwice { word: word.clone(), path: path.clone() });
                }
            }
        }
    }

    fn text(&mut self, place: Place, text: &str, path: &Path, schema: &'a Schema, meaning: String) {
        if text.trim().is_empty() && at_least(schema, "minLength") > 0 {
            self.add(place, "empty", Problem::NothingInIt { path: path.clone(), what: "letter", meaning });
            return;
        }
        let words = words(schema);
        if !words.is_empty() && !words.contains(&text) {
            let nearest = Nearest::of(text, words.iter().copied());
            let expected = words.into_iter().map(str::to_owned).collect();
            let problem =
                Problem::UnknownWord { word: text.to_owned(), path: path.clone(), nearest, expected, meaning };
            self.add(place, "not a valid value", problem);
        }
    }

    fn number(&mut self, place: Place, number: i128, path: &Path, schema: &'a Schema, meaning: String) {
        let bound = |key| schema.get(key).and_then(Schema::as_i64).map(i128::from);
        let (minimum, maximum) = (bound("minimum").unwrap_or(i128::MIN), bound("maximum").unwrap_or(i128::MAX));
        if !(minimum..=maximum).contains(&number) {
            let problem = Problem::OutOfRange { path: path.clone(), number, minimum, maximum, meaning };
            self.add(place, "out of range", problem);
        }
    }

    fn wrong_type(&mut self, node: &Node, path: &Path, schema: &'a Schema, meaning: String) {
        let written = self.document.written(node.place);
        let is_scalar = matches!(node.value, Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::Text(_));
        let found = match node.value.describe() {
            kind if is_scalar && !written.is_empty() && !written.contains('\n') => format!("{kind} ({written})"),
            kind => kind.to_owned(),
        };
        let mut expected: Vec<&str> =
            self.all_kinds(schema).into_iter().filter(|kind| *kind != "null").map(in_words).collect();
        expected.dedup();
        let mut expected = expected.join(" or ");
        if is_scalar && expected == "text" {
            expected = format!("text: put it into quotes, \"{written}\"");
        }
        self.add(node.place, "wrong type", Problem::WrongType { path: path.clone(), found, expected, meaning });
    }

    fn add(&mut self, place: Place, label: &str, problem: Problem) {
        self.found.push(self.document.problem(place, label, problem));
    }
}

fn forms(schema: &Schema) -> Option<&Vec<Schema>> {
    // An enum of words that each have a description is written as `oneOf` too.
    let forms = ["anyOf", "oneOf"].into_iter().find_map(|key| schema.get(key)).and_then(Schema::as_array)?;
    (!forms.iter().all(|form| form.get("const").is_some())).then_some(forms)
}

fn words(schema: &Schema) -> Vec<&str> {
    let listed = schema.get("enum").and_then(Schema::as_array).into_iter().flatten();
    let alternatives = schema.get("oneOf").and_then(Schema::as_array).into_iter().flatten();
    let constants = alternatives.chain([schema]).filter_map(|form| form.get("const"));
    listed.chain(constants).filter_map(Schema::as_str).collect()
}

fn kinds(schema: &Schema) -> Vec<&str> {
    match schema.get("type") {
        Some(Schema::String(kind)) => vec![kind],
        Some(Schema::Array(kinds)) => kinds.iter().filter_map(Schema::as_str).collect(),
        _ if !words(schema).is_empty() => vec!["string"],
        _ => Vec::new(),
    }
}

fn is_of_kind(value: &Value, kind: &str) -> bool {
    match value {
        Value::Null => kind == "null",
        Value::Bool(_) => kind == "boolean",
        Value::Integer(_) => matches!(kind, "integer" | "number"),
        Value::Float(_) => kind == "number",
        Value::Text(_) => kind == "string",
        Value::List(_) => kind == "array",
        Value::Map(_) => kind == "object",
    }
}

fn in_words(kind: &str) -> &str {
    match kind {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a mapping",
        other => other,
    }
}

fn description(schema: &Schema) -> String {
    schema.get("description").and_then(Schema::as_str).unwrap_or_default().to_owned()
}

fn at_least(schema: &Schema, key: &str) -> u64 {
    schema.get(key).and_then(Schema::as_u64).unwrap_or_default()
}
