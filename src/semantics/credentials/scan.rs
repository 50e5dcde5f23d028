//! Finding credentials in texts, and in the texts within them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::documents::{Form, Leaf, Meaning, form, pairs, segment};
use super::fingerprint::{Fingerprint, Salt, Value};
use super::kind::{Certainty, CredentialKind, Lasting};
use super::literal::{is_password, is_placeholder, is_reference, looks_random};
use super::names::{Says, says};
use super::objects::Field;
use super::{base64, connection, pem, tokens};

/// Base64 within base64: so many layers are taken off.
const LAYERS: u8 = 2;
/// Documents within documents: so many are opened.
const DOCUMENTS: u8 = 3;
/// An AWS session token is longer than any other secret under that name.
const SESSION_TOKEN: usize = 64;

/// A credential that was found: where, of what kind, and its fingerprint. The value is not part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Found {
    /// The field of the object, and behind each `>` what had to be opened to come there.
    pub at: String,
    /// Of what kind it is.
    pub kind: CredentialKind,
    /// How certain that is.
    pub certainty: Certainty,
    /// How long it lasts, as far as its text says.
    pub lasting: Lasting,
    /// When it ends, where it says so: seconds since 1970.
    pub expires: Option<i64>,
    /// What tells it from others of this run.
    pub fingerprint: Fingerprint,
}

/// Finds credentials. Its salt is that of one run.
pub struct Scanner<'s> {
    salt: &'s Salt,
}

/// Which AWS access key ids stand beside a text.
#[derive(Clone, Copy, Default)]
struct Company {
    lasting: bool,
    temporary: bool,
}

impl Company {
    fn with(mut self, text: &str) -> Self {
        for shape in tokens::shapes(text) {
            if shape.kind == CredentialKind::AwsAccessKeyId {
                self.lasting |= shape.lasting == Lasting::LongLived;
                self.temporary |= shape.lasting == Lasting::Temporary;
            }
        }
        self
    }

    const fn is_there(self) -> bool {
        self.lasting || self.temporary
    }

    /// How long a secret lasts that belongs to an id of this company.
    const fn lasting(self) -> Lasting {
        if self.temporary && !self.lasting { Lasting::Temporary } else { Lasting::LongLived }
    }
}

/// A text on the way down.
struct Step<'a> {
    at: &'a str,
    name: &'a str,
    text: &'a str,
    company: Company,
    documents: u8,
    layers: u8,
}

impl<'s> Scanner<'s> {
    /// A scanner whose fingerprints are keyed by this salt.
    #[must_use]
    pub const fn new(salt: &'s Salt) -> Self {
        Self { salt }
    }

    /// The credentials in fields that stand beside each other, such as the variables of one container. Each
    /// value is told once for each field.
    #[must_use]
    pub fn scan(&self, siblings: &[Field<'_>]) -> Vec<Found> {
        let company = siblings.iter().fold(Company::default(), |company, field| company.with(field.text));
        let mut all = Vec::new();
        for Field { at, name, text } in siblings {
            let mut found = Vec::new();
            self.text(&Step { at, name, text, company, documents: 0, layers: 0 }, &mut found);
            all.append(&mut found);
        }
        all
    }

    fn text(&self, of: &Step<'_>, found: &mut Vec<Found>) {
        let before = found.len();
        let form = if of.documents < DOCUMENTS { form(of.text) } else { Form::Text };
        let (is_json, is_document) = (matches!(form, Form::Json(_)), !matches!(form, Form::Text));
        if let Form::Json(leaves) | Form::Yaml(leaves) = form {
            let company = of.company.with(of.text);
            for leaf in leaves {
                self.leaf(of, &leaf, company, found);
            }
        }
        self.shapes(of, found);
        if !is_json {
            for (name, value) in pairs(of.text) {
                // `name: value` as a whole is YAML, and was opened already.
                self.named(&format!("{} > {}", of.at, segment(name)), name, value, of.company, found);
            }
        }
        if of.layers < LAYERS && !is_document {
            for run in base64::runs(of.text) {
                if let Some(inner) = base64::decode_text(run) {
                    let at = format!("{} > base64", of.at);
                    // A name is that of the whole text, not of a part of it such as a token's signature.
                    let name = if run.len() == of.text.trim().len() { of.name } else { "" };
                    let (documents, layers) = (of.documents, of.layers + 1);
                    self.text(&Step { at: &at, name, text: &inner, company: of.company, documents, layers }, found);
                }
            }
        }
        if found.len() == before && !is_document {
            self.named(of.at, of.name, of.text.trim(), of.company, found);
        }
    }

    fn leaf(&self, of: &Step<'_>, leaf: &Leaf, company: Company, found: &mut Vec<Found>) {
        let at = format!("{} > {}", of.at, leaf.path);
        match leaf.meaning {
            Meaning::GcpKey => {
                for key in pem::private_keys(&leaf.text) {
                    self.add(&at, CredentialKind::GcpServiceAccountKey, Certainty::Certain, &key, found);
                }
            }
            Meaning::RegistryLogin => {
                let login = base64::decode_text(&leaf.text).unwrap_or_default();
                if let Some((_, password)) = login.split_once(':').filter(|(_, password)| !is_placeholder(password)) {
                    self.add(&at, CredentialKind::RegistryLogin, Certainty::Certain, &Value::of(password), found);
                }
            }
            Meaning::Plain => {
                let documents = of.documents + 1;
                let step = Step { at: &at, name: &leaf.name, text: &leaf.text, company, documents, layers: of.layers };
                self.text(&step, found);
            }
        }
    }

    /// What its own shape gives away.
    fn shapes(&self, of: &Step<'_>, found: &mut Vec<Found>) {
        let Step { at, text, .. } = *of;
        for shape in tokens::shapes(text) {
            let fingerprint = Value::of(shape.value).fingerprint(self.salt);
            let (kind, lasting, expires) = (shape.kind, shape.lasting, shape.expires);
            let at = at.to_owned();
            push(Found { at, kind, certainty: Certainty::Certain, lasting, expires, fingerprint }, found);
        }
        let company = of.company.with(text);
        if company.is_there() {
            for secret in tokens::aws_secrets(text) {
                self.aws_secret(at, secret, company, Certainty::Certain, found);
            }
        }
        for key in pem::private_keys(text) {
            self.add(at, CredentialKind::PrivateKey, Certainty::Certain, &key, found);
        }
        for key in connection::azure_keys(text) {
            self.add(at, CredentialKind::AzureConnectionString, Certainty::Certain, &Value::of(key), found);
        }
        for password in connection::url_passwords(text) {
            self.add(at, CredentialKind::UrlPassword, Certainty::Likely, &Value::of(password), found);
        }
    }

    /// What its name gives away.
    fn named(&self, at: &str, name: &str, value: &str, company: Company, found: &mut Vec<Found>) {
        if is_placeholder(value) {
            return;
        }
        let of_name = says(name);
        let secret = match of_name {
            Says::Nothing => return,
            Says::AwsSecret if tokens::is_aws_secret(value) => {
                return self.aws_secret(at, value, company, Certainty::Likely, found);
            }
            Says::AwsSession if value.len() >= SESSION_TOKEN && looks_random(value) => {
                let fingerprint = Value::of(value).fingerprint(self.salt);
                let (kind, lasting) = (CredentialKind::AwsSessionToken, Lasting::Temporary);
                let at = at.to_owned();
                return push(
                    Found { at, kind, certainty: Certainty::Likely, lasting, expires: None, fingerprint },
                    found,
                );
            }
            Says::Password => is_password(value),
            Says::Secret | Says::AwsSecret | Says::AwsSession => looks_random(value) && !is_reference(value),
        };
        if secret {
            self.add(at, CredentialKind::NamedSecret, Certainty::Likely, &Value::of(value), found);
        }
    }

    fn aws_secret(&self, at: &str, value: &str, company: Company, certainty: Certainty, found: &mut Vec<Found>) {
        let (kind, lasting) = (CredentialKind::AwsSecretAccessKey, company.lasting());
        let fingerprint = Value::of(value).fingerprint(self.salt);
        push(Found { at: at.to_owned(), kind, certainty, lasting, expires: None, fingerprint }, found);
    }

    fn add(&self, at: &str, kind: CredentialKind, certainty: Certainty, value: &Value<'_>, found: &mut Vec<Found>) {
        let fingerprint = value.fingerprint(self.salt);
        let (at, lasting) = (at.to_owned(), Lasting::LongLived);
        push(Found { at, kind, certainty, lasting, expires: None, fingerprint }, found);
    }
}

/// Notes what was found, unless the same value was already found in this field: the first place is the
/// more exact one, since documents are opened before their text is searched.
fn push(one: Found, found: &mut Vec<Found>) {
    if found.iter().all(|other| other.fingerprint != one.fingerprint) {
        found.push(one);
    }
}

#[cfg(test)]
mod tests;
