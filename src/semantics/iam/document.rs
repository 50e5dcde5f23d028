//! Policy documents: the grammar of the IAM JSON policy language, compiled once for many requests ([grammar]).
//!
//! [grammar]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html

use std::fmt;
use std::sync::Arc;

use super::doubt::{Held, Rule};
use super::fault::{Fault, Wrong};
use super::request::{Request, Resource};
use super::statement::{Effect, Statement};
use super::tree::Tree;
use super::variables::Version;
use crate::model::Nearest;

/// What a policy is attached to, or passed with: it decides which elements a document may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyKind {
    /// A policy of a user or a role.
    Identity,
    /// A permissions boundary.
    Boundary,
    /// A session policy.
    Session,
    /// A service control policy.
    ServiceControl,
    /// A resource control policy.
    ResourceControl,
    /// A resource-based policy, such as a bucket's or a key's.
    Resource,
    /// A role's trust policy.
    Trust,
}

impl PolicyKind {
    /// The kind of policy that a resource has.
    #[must_use]
    pub fn of(resource: &Resource) -> Self {
        if resource.is_role() { Self::Trust } else { Self::Resource }
    }

    pub(super) const fn names_principals(self) -> bool {
        matches!(self, Self::ResourceControl | Self::Resource | Self::Trust)
    }
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Identity => "an identity-based policy",
            Self::Boundary => "a permissions boundary",
            Self::Session => "a session policy",
            Self::ServiceControl => "a service control policy",
            Self::ResourceControl => "a resource control policy",
            Self::Resource => "a resource-based policy",
            Self::Trust => "a role's trust policy",
        })
    }
}

/// A policy document, ready to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub(super) name: Arc<str>,
    pub(super) statements: Vec<Statement>,
    faults: Vec<Fault>,
    /// Why IAM would not have taken it. It may be there all the same, by another way or another grammar than is known
    /// here, or not: so nothing that it says is certain.
    doubt: Option<Box<str>>,
}

impl Document {
    /// Reads a text of JSON. Nothing is an error: what IAM would not take is among [`Document::faults`], and makes
    /// unknown what it could touch.
    #[must_use]
    pub fn parse(name: &str, text: &str, kind: PolicyKind) -> Self {
        match Tree::parse(text) {
            Ok(tree) => Self::read(name, &tree, kind),
            Err(why) => Self::finish(
                name,
                vec![Statement::torn(1)],
                vec![Fault { place: String::new(), what: Wrong::NoJson(why) }],
            ),
        }
    }

    /// As [`Document::parse`], from JSON that was read.
    #[must_use]
    pub fn read(name: &str, tree: &Tree, kind: PolicyKind) -> Self {
        let mut reading = Reading { kind, place: String::new(), faults: Vec::new() };
        let statements = reading.document(tree).unwrap_or_else(|| vec![Statement::torn(1)]);
        Self::finish(name, statements, reading.faults)
    }

    fn finish(name: &str, statements: Vec<Statement>, faults: Vec<Fault>) -> Self {
        let doubt = faults.first().map(|first| match faults.len() {
            1 => first.to_string(),
            all => format!("{first}; and {} more", all - 1),
        });
        Self { name: name.into(), statements, faults, doubt: doubt.map(Into::into) }
    }

    /// The policy's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Why IAM would not take it; empty where it would.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Why nothing that it says is certain.
    pub(super) fn doubt(&self) -> Option<&str> {
        self.doubt.as_deref()
    }

    /// The statements that have this effect, or of which it can't be read.
    pub(super) fn with(&self, effect: Effect) -> impl Iterator<Item = &Statement> {
        self.statements.iter().filter(move |statement| statement.effect.is_none_or(|own| own == effect))
    }

    /// Whether a statement of it is about this request, whoever makes it.
    pub(super) fn is_about<'d>(&'d self, statement: &'d Statement, request: &Request<'_>) -> Held<'d> {
        let about = if statement.effect.is_some() { statement.is_about(request) } else { Held::Yes(()) };
        match (&self.doubt, about) {
            (None, about) => about,
            (Some(_), Held::No) => Held::No,
            (Some(doubt), _) => Held::doubtful(Rule::RefusedDocument, doubt),
        }
    }
}

/// The work on one document.
pub(super) struct Reading {
    pub(super) kind: PolicyKind,
    /// Where in the document it is.
    pub(super) place: String,
    faults: Vec<Fault>,
}

impl Reading {
    pub(super) fn fault(&mut self, what: Wrong) {
        self.faults.push(Fault { place: self.place.clone(), what });
    }

    /// An object's entries; `None` where it is none, or has a key twice: which of the two would count is not known.
    pub(super) fn entries<'t>(&mut self, element: &str, tree: &'t Tree) -> Option<&'t [(Box<str>, Tree)]> {
        let Tree::Map(entries) = tree else {
            self.fault(Wrong::Type { element: element.to_owned(), found: tree.kind(), wanted: "an object" });
            return None;
        };
        let mut names: Vec<&str> = entries.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        let twice = names.windows(2).find_map(|pair| match pair {
            [one, other] if one == other => Some((*one).to_owned()),
            _ => None,
        });
        match twice {
            Some(name) => {
                self.fault(Wrong::Twice(name));
                None
            }
            None => Some(entries),
        }
    }

    /// Tells of an element that is not known.
    pub(super) fn unknown(&mut self, name: &str, known: &[&'static str]) {
        self.fault(Wrong::Unknown(name.to_owned(), Nearest::of(name, known.iter().copied())));
    }

    fn document(&mut self, tree: &Tree) -> Option<Vec<Statement>> {
        const ELEMENTS: [&str; 3] = ["Version", "Id", "Statement"];
        let entries = self.entries("the document", tree)?;
        let mut version = Version::V2008;
        let mut statements = None;
        for (name, value) in entries {
            match &**name {
                "Version" => version = self.version(value),
                "Id" if value.text().is_none() => self.not_a_text("Id", value),
                "Id" => {}
                "Statement" => statements = Some(value),
                other => self.unknown(other, &ELEMENTS),
            }
        }
        let one;
        let statements: &[Tree] = match statements {
            Some(Tree::List(statements)) => statements,
            Some(statement @ Tree::Map(_)) => {
                one = [statement.clone()];
                &one
            }
            Some(other) => {
                let wanted = "an object or a list of objects";
                self.fault(Wrong::Type { element: "Statement".to_owned(), found: other.kind(), wanted });
                return None;
            }
            None => {
                self.fault(Wrong::Missing("Statement"));
                return None;
            }
        };
        Some((1..).zip(statements).map(|(number, tree)| Statement::read(self, number, tree, version)).collect())
    }

    fn version(&mut self, tree: &Tree) -> Version {
        match tree.text() {
            Some("2012-10-17") => return Version::V2012,
            // "Every RCP must include a Version element with the value "2012-10-17"."
            Some("2008-10-17") if self.kind == PolicyKind::ResourceControl => self.fault(Wrong::RcpVersion),
            Some("2008-10-17") => return Version::V2008,
            Some(other) => self.fault(Wrong::Version(other.to_owned())),
            None => self.not_a_text("Version", tree),
        }
        Version::V2012
    }

    pub(super) fn not_a_text(&mut self, element: &str, tree: &Tree) {
        self.fault(Wrong::Type { element: element.to_owned(), found: tree.kind(), wanted: "a text" });
    }
}
