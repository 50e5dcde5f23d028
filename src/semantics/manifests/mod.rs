//! Manifests to a [`Snapshot`]: files' texts in, the objects of a cluster or every error with its place out.
//!
//! Nothing is passed over in silence: an object is taken, counted as irrelevant by its kind, kept as a policy that is
//! not modelled, or an error. What the API server would refuse is an error too, with the field and the remedy.

mod check;
mod decode;
mod json;
mod node;
mod objects;
mod yaml;

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use super::Snapshot;
use super::network::{Endpoint, PolicyName};
use super::rbac::{ObjectName, RbacObjects};
use node::Node;
pub use node::Place;

/// A file's name, as it is shown to people, and its content.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The name.
    pub name: String,
    /// The content.
    pub bytes: Vec<u8>,
}

/// Where a NetworkPolicy was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicySource {
    /// The file.
    pub file: String,
    /// The line at which the policy begins.
    pub line: usize,
    /// The lines at which its ingress rules begin, in their order.
    pub ingress: Vec<usize>,
    /// The lines at which its egress rules begin, in their order.
    pub egress: Vec<usize>,
}

/// Where a role or a binding was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RbacSource {
    /// The file.
    pub file: String,
    /// The line at which it begins.
    pub line: usize,
    /// The lines at which its rules begin, in their order.
    pub rules: Vec<usize>,
}

/// A workload: its pods don't exist in the manifests, its template does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Its kind, such as `Deployment`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The pod that its template describes.
    pub endpoint: Endpoint,
    /// Where it was read: file and line.
    pub place: String,
}

/// What was read from manifests.
#[derive(Clone, Debug, Default)]
pub struct Manifests {
    /// The objects.
    pub snapshot: Snapshot,
    /// Workloads, in the order in which they were read.
    pub workloads: Vec<Workload>,
    /// Where each NetworkPolicy was read.
    pub policies: BTreeMap<PolicyName, PolicySource>,
    /// The objects of RBAC. None of them is an error: what can't be read is among them, by name.
    pub rbac: RbacObjects,
    /// Where each role and binding was read.
    pub rbac_sources: BTreeMap<ObjectName, RbacSource>,
    /// How many objects of which kinds cannot matter, by `apiVersion kind`.
    pub irrelevant: BTreeMap<String, usize>,
    /// What a reader should know besides, a sentence each.
    pub notes: Vec<String>,
}

/// Something in a manifest that cannot be read, or that an API server would refuse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ManifestError {
    /// The file.
    pub file: String,
    /// The place in it, where it can be told.
    pub place: Option<Place>,
    /// What was found and what was expected.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(place) = self.place {
            write!(f, ":{place}")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

/// All errors of all files; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ManifestErrors(pub Vec<ManifestError>);

impl fmt::Display for ManifestErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

/// A text that is no YAML or JSON.
#[derive(Debug)]
struct SyntaxError {
    place: Place,
    message: String,
}

impl Manifests {
    /// Reads files in the order in which they are given.
    ///
    /// # Errors
    /// Every file that cannot be read, every object that the API server would refuse, and every object that is
    /// declared twice and differently. Nothing is left out of the list for coming after another error.
    pub fn read(files: impl IntoIterator<Item = SourceFile>) -> Result<Self, ManifestErrors> {
        let mut reading = objects::Reading::default();
        for file in files {
            match documents(&file) {
                Ok(documents) => {
                    for document in documents {
                        reading.document(&file.name, &document);
                    }
                }
                Err(error) => reading.errors.push(error),
            }
        }
        reading.finish()
    }
}

/// The documents of one file.
fn documents(file: &SourceFile) -> Result<Vec<Rc<Node>>, ManifestError> {
    let text = std::str::from_utf8(&file.bytes).map_err(|error| {
        let good = file.bytes.get(..error.valid_up_to()).unwrap_or_default();
        let good = String::from_utf8_lossy(good);
        let line = good.matches('\n').count() + 1;
        let column = good.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        ManifestError {
            file: file.name.clone(),
            place: Some(Place { line, column }),
            message: "this is no UTF-8 text".to_owned(),
            help: Some("save the file as UTF-8, or take it out of the folder if it is no manifest".to_owned()),
        }
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_json = text.trim_start().starts_with(['{', '[']) && !text.trim_start().starts_with("{{");
    let parsed = if is_json {
        // A YAML flow mapping begins like JSON; what JSON refuses, YAML may still read.
        json::parse(text).or_else(|error| yaml::parse(text).map_err(|_| error))
    } else {
        yaml::parse(text)
    };
    parsed.map_err(|error| ManifestError {
        file: file.name.clone(),
        place: Some(error.place),
        message: format!("this is no {}: {}", if is_json { "JSON" } else { "YAML" }, error.message),
        help: Some(if text.contains("{{") { TEMPLATE_HELP } else { SYNTAX_HELP }.to_owned()),
    })
}

const TEMPLATE_HELP: &str =
    "the file holds a template ({{ … }}): render it first, for a Helm chart with `helm template`";
const SYNTAX_HELP: &str = "mend the file, or take it out of the folder if it is no manifest";
