//! `tenantproof ask`: questions as lines of JSON in, answers in the same order out, from manifests or documents alone.

mod answer;
mod catalogue;
mod iam;
mod lines;
mod question;
mod rbac;

use std::collections::{BTreeSet, HashMap};
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::rc::Rc;

use serde_json::{Value, json};

use self::answer::{Sources, ending};
use self::catalogue::Catalogue;
use self::lines::Answering;
use self::question::Question;
use super::folder::{Folder, FolderError};
use crate::semantics::manifests::{ManifestErrors, Manifests};
use crate::semantics::network::{API_SERVERS_OWN, Accounting, Alike, Answer, Fences, Profile};

pub use self::iam::{IamSummary, iam};
pub use self::rbac::{RbacSummary, rbac};

/// How many endings of answers are kept at once.
const KEPT: usize = 1 << 18;

/// Why nothing could be answered, or not all of it.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum AskError {
    /// The folder cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Folder(#[from] FolderError),
    /// A manifest is malformed: what it would have said is not known, so nothing is answered.
    #[error(transparent)]
    Manifests(#[from] ManifestErrors),
    /// The questions cannot be read.
    #[error("the questions cannot be read: {0}")]
    #[diagnostic(code(tenantproof::ask), help("they are read from standard input, one a line"))]
    Questions(io::Error),
    /// The answers cannot be written.
    #[error("the answers cannot be written: {0}")]
    Answers(io::Error),
}

/// What was asked and answered; `A` tells what became of the objects that decide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary<A> {
    /// Questions, malformed ones among them.
    pub asked: usize,
    /// Answers `allowed` or `true`.
    pub allowed: usize,
    /// Answers `denied` or `false`.
    pub denied: usize,
    /// Answers `unknown` to questions without an error.
    pub unknown: usize,
    /// Lines with an `error`: malformed, or about something that is not in the manifests.
    pub errors: usize,
    /// Manifest files that were read.
    pub files: usize,
    /// Other files of the folder, which were not opened.
    pub other_files: usize,
    /// What became of the objects.
    pub accounting: A,
    /// What a reader should know besides, a sentence each.
    pub notes: Vec<String>,
}

/// What was asked about the network.
pub type NetworkSummary = Summary<Accounting>;

impl<A> Summary<A> {
    /// The exit code: 0, or 2 if any line had an error.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        if self.errors == 0 { 0 } else { 2 }
    }

    /// Counts an answer.
    const fn answered(&mut self, answer: Answer) {
        self.asked += 1;
        match answer {
            Answer::Allowed => self.allowed += 1,
            Answer::Denied => self.denied += 1,
            Answer::Unknown => self.unknown += 1,
        }
    }

    /// Counts a line with an error.
    const fn failed(&mut self) {
        self.asked += 1;
        self.errors += 1;
    }
}

/// Answers questions about the network from the manifests of a folder, by the specification.
///
/// # Errors
/// Manifests that cannot be read, and input or output that fails. A malformed question is no such error: it has an
/// answer with an `error` in its place, and counts in [`Summary::errors`].
pub fn network(dir: &Path, questions: impl BufRead, answers: impl Write) -> Result<NetworkSummary, AskError> {
    network_as(dir, Profile::Spec, questions, answers)
}

/// As [`network`], with the profile of an engine for what the specification leaves undefined.
///
/// # Errors
/// As [`network`].
pub fn network_as(
    dir: &Path,
    profile: Profile,
    questions: impl BufRead,
    answers: impl Write,
) -> Result<NetworkSummary, AskError> {
    let folder = Folder::read(dir)?;
    let (files, other_files) = (folder.files.len(), folder.others);
    let manifests = Manifests::read(folder.files)?;
    let fences = Fences::compile(&manifests.snapshot, profile);
    let mut summary = NetworkSummary {
        files,
        other_files,
        accounting: fences.accounting().clone(),
        notes: manifests.notes.clone(),
        ..NetworkSummary::default()
    };
    summary.accounting.irrelevant += manifests.irrelevant.values().sum::<usize>();
    summary.notes.extend(undeclared(&manifests));
    let catalogue = Catalogue::new(&manifests, &fences);
    let mut asking = Asking { catalogue, sources: &manifests.policies, endings: HashMap::new(), summary };
    lines::answer(questions, answers, &mut asking)?;
    Ok(asking.summary)
}

/// Says which namespaces have pods or policies and no manifest of their own.
fn undeclared(manifests: &Manifests) -> Option<String> {
    let snapshot = &manifests.snapshot;
    let declared: BTreeSet<&str> = snapshot.namespaces.iter().filter_map(|ns| ns.metadata.name.as_deref()).collect();
    let pods = snapshot.pods.iter().map(|pod| pod.metadata.namespace.as_deref().unwrap_or("default"));
    let workloads = manifests.workloads.iter().map(|workload| workload.endpoint.namespace.as_str());
    let missing: BTreeSet<&str> =
        pods.chain(workloads).filter(|name| !declared.contains(name) && !API_SERVERS_OWN.contains(name)).collect();
    let some: Vec<&str> = missing.iter().copied().take(5).collect();
    let more = if missing.len() > some.len() { ", …" } else { "" };
    (!missing.is_empty()).then(|| {
        format!(
            "namespaces without a manifest ({}): {}{more}; of their labels only kubernetes.io/metadata.name is known",
            missing.len(),
            some.join(", ")
        )
    })
}

/// The work on one stream of questions.
struct Asking<'m> {
    catalogue: Catalogue<'m>,
    sources: &'m Sources,
    endings: HashMap<Alike, (Answer, Rc<str>)>,
    summary: NetworkSummary,
}

impl Answering for Asking<'_> {
    fn one(&mut self, number: usize, line: &[u8], out: &mut Vec<u8>) {
        let question = match Question::parse(line) {
            Ok(question) => question,
            Err(why) => return self.malformed(number, line, &why, out),
        };
        let (source, destination) =
            match (self.catalogue.find(&question.source), self.catalogue.find(&question.destination)) {
                (Ok(source), Ok(destination)) => (source, destination),
                (Err(why), Ok(_)) | (Ok(_), Err(why)) => return self.not_found(&question, &why, out),
                (Err(one), Err(other)) if one == other => return self.not_found(&question, &one, out),
                (Err(one), Err(other)) => return self.not_found(&question, &format!("{one}, and {other}"), out),
            };
        let key = self.catalogue.classes.key(source.member, destination.member, question.protocol, question.port);
        let (answer, ending) = self.ending(key);
        self.summary.answered(answer);
        write_question(&question, out);
        for (field, kind) in [("srcKind", source.kind), ("dstKind", destination.kind)] {
            if let Some(kind) = kind {
                push(out, field, &json!(kind));
            }
        }
        out.extend_from_slice(ending.as_bytes());
    }

    fn malformed(&mut self, number: usize, line: &[u8], why: &str, out: &mut Vec<u8>) {
        self.summary.failed();
        out.extend_from_slice(format!("{{\"line\":{number}").as_bytes());
        for (name, value) in question::echo(line) {
            push(out, name, &value);
        }
        push(out, "answer", &json!(Answer::Unknown.as_str()));
        push(out, "error", &json!(format!("line {number}, {why}")));
        out.extend_from_slice(b"}\n");
    }
}

impl Asking<'_> {
    fn ending(&mut self, key: Alike) -> (Answer, Rc<str>) {
        if let Some((answer, ending)) = self.endings.get(&key) {
            return (*answer, Rc::clone(ending));
        }
        let decision = self.catalogue.classes.decide(key);
        let text: Rc<str> = ending(&decision, self.sources).into();
        if self.endings.len() >= KEPT {
            self.endings.clear();
        }
        self.endings.insert(key, (decision.answer, Rc::clone(&text)));
        (decision.answer, text)
    }

    fn not_found(&mut self, question: &Question<'_>, why: &str, out: &mut Vec<u8>) {
        self.summary.failed();
        write_question(question, out);
        push(out, "answer", &json!(Answer::Unknown.as_str()));
        push(out, "error", &json!(why));
        out.extend_from_slice(b"}\n");
    }
}

fn push(out: &mut Vec<u8>, name: &str, value: &Value) {
    out.extend_from_slice(format!(",\"{name}\":{value}").as_bytes());
}

/// The question as it was asked, without a closing brace.
fn write_question(question: &Question<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"src\":");
    write_text(&question.source, out);
    out.extend_from_slice(b",\"dst\":");
    write_text(&question.destination, out);
    out.extend_from_slice(b",\"protocol\":\"");
    out.extend_from_slice(question.protocol.as_str().as_bytes());
    out.extend_from_slice(b"\",\"port\":");
    let mut digits = [0; 5];
    let mut at = digits.len();
    let mut number = question.port.get();
    while number > 0 {
        at -= 1;
        if let Some(digit) = digits.get_mut(at) {
            *digit = b'0' + (number % 10) as u8;
        }
        number /= 10;
    }
    out.extend_from_slice(digits.get(at..).unwrap_or_default());
    if let Some(id) = &question.id {
        push(out, "id", id);
    }
}

/// A text in quotes; names of pods need no escapes.
fn write_text(text: &str, out: &mut Vec<u8>) {
    if text.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\') {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(json!(text).to_string().as_bytes());
    }
}
