//! JSON to trees: one or more values, one after the other, as kubectl accepts them.

use std::rc::Rc;

use super::SyntaxError;
use super::node::{Entry, Node, Place, Value};
use super::yaml::float;

/// How deep values may nest: what the API server's own decoder allows.
const DEEPEST: usize = 1000;

/// Reads all values of a text.
pub(super) fn parse(text: &str) -> Result<Vec<Rc<Node>>, SyntaxError> {
    let mut reader = Reader { text, at: 0, line: 1, counted: 0, column: 1 };
    let mut values = Vec::new();
    loop {
        reader.skip_space();
        if reader.at == text.len() {
            return Ok(values);
        }
        values.push(Rc::new(reader.value(0)?));
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    /// How far columns are counted, and which column that is. A file may be one line of many megabytes, so what was
    /// counted is not counted again.
    counted: usize,
    column: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn place(&mut self) -> Place {
        self.column += self.text.get(self.counted..self.at).unwrap_or_default().chars().count();
        self.counted = self.at;
        Place { line: self.line, column: self.column }
    }

    fn fail<T>(&mut self, message: impl Into<String>) -> Result<T, SyntaxError> {
        Err(SyntaxError { place: self.place(), message: message.into() })
    }

    fn expected<T>(&mut self, what: &str) -> Result<T, SyntaxError> {
        match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(found) => self.fail(format!("expected {what}, found {found:?}")),
            None => self.fail(format!("expected {what}, and the file ends here")),
        }
    }

    fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\n' => {
                    self.at += 1;
                    self.line += 1;
                    (self.counted, self.column) = (self.at, 1);
                }
                _ => break,
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, SyntaxError> {
        if depth > DEEPEST {
            return self.fail("values are nested too deep here");
        }
        let place = self.place();
        let value = match self.peek() {
            Some(b'{') => self.map(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => Value::Text(self.string()?.into()),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        };
        Ok(Node::new(place, value))
    }

    fn word(&mut self) -> Result<Value, SyntaxError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        for (word, value) in [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))] {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        self.expected("a value")
    }

    fn map(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        self.at += 1;
        let mut entries: Vec<Entry> = Vec::new();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Map(entries));
        }
        loop {
            self.skip_space();
            let key_place = self.place();
            if self.peek() != Some(b'"') {
                return self.expected("a key in double quotes");
            }
            let key: Box<str> = self.string()?.into();
            if entries.len() < 4096
                && let Some(first) = entries.iter().find(|entry| entry.key == key)
            {
                let message = format!("the key {key:?} is here twice; it is first at {}", first.key_place);
                return Err(SyntaxError { place: key_place, message });
            }
            self.skip_space();
            if self.peek() != Some(b':') {
                return self.expected("a colon");
            }
            self.at += 1;
            self.skip_space();
            let node = Rc::new(self.value(depth + 1)?);
            entries.push(Entry { key, key_place, node });
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::Map(entries));
                }
                _ => return self.expected("a comma or a closing brace"),
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        self.at += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::List(items));
        }
        loop {
            self.skip_space();
            items.push(Rc::new(self.value(depth + 1)?));
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::List(items));
                }
                _ => return self.expected("a comma or a closing bracket"),
            }
        }
    }

    /// Finds the string's end and leaves its escapes to `serde_json`.
    fn string(&mut self) -> Result<String, SyntaxError> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut end = start + 1;
        loop {
            match bytes.get(end) {
                None | Some(b'\n') => return self.fail("this text has no closing quote"),
                Some(b'\\') => end += 2,
                Some(b'"') => break,
                Some(_) => end += 1,
            }
        }
        let quoted: &'a str = self.text.get(start..=end).unwrap_or_default();
        match serde_json::from_str(quoted) {
            Ok(text) => {
                self.at = end + 1;
                Ok(text)
            }
            Err(error) => self.fail(format!("this text cannot be read: {error}")),
        }
    }

    fn number(&mut self) -> Result<Value, SyntaxError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.bytes().take_while(|b| b.is_ascii_digit() || b"+-.eE".contains(b)).count();
        let text = rest.get(..length).unwrap_or_default();
        match serde_json::from_str::<serde_json::Number>(text) {
            Ok(number) => {
                self.at += length;
                Ok(number.as_i64().map_or_else(|| float(number.as_f64().unwrap_or_default()), Value::Int))
            }
            Err(_) => self.fail(format!("{text:?} is no number")),
        }
    }
}
