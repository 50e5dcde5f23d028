//! `tenantproof ask rbac`: would RBAC allow a request to the API server?

mod question;

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, Write};
use std::path::Path;
use std::rc::Rc;

use serde_json::json;

use self::question::{Asked, Question};
use super::lines::{self, Answering};
use super::{AskError, Summary, push, question as network_question};
use crate::cli::folder::Folder;
use crate::semantics::Answer;
use crate::semantics::manifests::{Manifests, RbacSource};
use crate::semantics::rbac::{Accounting, Because, Decision, ObjectName, Rules, Standing};

/// How many subjects are kept at once.
const KEPT: usize = 1 << 16;

/// What was asked about RBAC.
pub type RbacSummary = Summary<Accounting>;

/// Answers questions about RBAC from the manifests of a folder.
///
/// # Errors
/// Manifests that cannot be read, and input or output that fails. A malformed question is no such error: it has an
/// answer with an `error` in its place, and counts in [`RbacSummary::errors`]. Nor is a role or binding that cannot be
/// understood: what it could touch is answered `"unknown"`, with its name.
pub fn rbac(dir: &Path, questions: impl BufRead, answers: impl Write) -> Result<RbacSummary, AskError> {
    let folder = Folder::read(dir)?;
    let (files, other_files) = (folder.files.len(), folder.others);
    let manifests = Manifests::read(folder.files)?;
    let rules = Rules::compile(&manifests.rbac);
    let accounting = rules.accounting().clone();
    let mut notes = manifests.notes.clone();
    notes.extend(accounting.missing.iter().map(|missing| format!("{missing}; it grants nothing")));
    let summary = RbacSummary { files, other_files, accounting, notes, ..RbacSummary::default() };
    let mut asking = Asking { rules: &rules, sources: &manifests.rbac_sources, standings: HashMap::new(), summary };
    lines::answer(questions, answers, &mut asking)?;
    Ok(asking.summary)
}

/// The work on one stream of questions.
struct Asking<'m> {
    rules: &'m Rules,
    sources: &'m BTreeMap<ObjectName, RbacSource>,
    standings: HashMap<Asked<'static>, Rc<Standing<'m>>>,
    summary: RbacSummary,
}

impl Answering for Asking<'_> {
    fn one(&mut self, number: usize, line: &[u8], out: &mut Vec<u8>) {
        let question = match network_question::parse::<Question<'_>>(line) {
            Ok(question) => question,
            Err(why) => return self.malformed(number, line, &why, out),
        };
        let decision = self.standing(&question.subject).decide(&question.request());
        self.summary.answered(decision.answer);
        let allowed: &[u8] = match decision.answer {
            Answer::Allowed => b"true",
            Answer::Denied => b"false",
            Answer::Unknown => b"\"unknown\"",
        };
        out.push(b'{');
        if let Some(id) = &question.id {
            out.extend_from_slice(format!("\"id\":{id},").as_bytes());
        }
        out.extend_from_slice(b"\"allowed\":");
        out.extend_from_slice(allowed);
        push(out, "because", &json!(decision.because()));
        self.chain(&decision, out);
        out.extend_from_slice(b"}\n");
    }

    fn malformed(&mut self, number: usize, line: &[u8], why: &str, out: &mut Vec<u8>) {
        self.summary.failed();
        out.extend_from_slice(format!("{{\"line\":{number}").as_bytes());
        for (name, value) in network_question::echo_of(line, &["id"]) {
            push(out, name, &value);
        }
        push(out, "allowed", &json!(Answer::Unknown.as_str()));
        push(out, "error", &json!(format!("line {number}, {why}")));
        out.extend_from_slice(b"}\n");
    }
}

impl<'m> Asking<'m> {
    /// What is bound to a subject; it is looked up once for each.
    fn standing(&mut self, asked: &Asked<'_>) -> Rc<Standing<'m>> {
        if let Some(standing) = self.standings.get(asked) {
            return Rc::clone(standing);
        }
        let standing = Rc::new(self.rules.standing(asked.subject()));
        if self.standings.len() >= KEPT {
            self.standings.clear();
        }
        self.standings.insert(asked.to_owned(), Rc::clone(&standing));
        standing
    }

    /// The deciding chain, for machines.
    fn chain(&self, decision: &Decision, out: &mut Vec<u8>) {
        match &decision.because {
            Because::Rule(grant) => {
                push(out, "subject", &json!(grant.subject.to_string()));
                push(out, "binding", &json!(grant.binding.to_string()));
                push(out, "role", &json!(grant.role.to_string()));
                push(out, "rule", &json!(grant.rule));
                let (declared_in, number) = match &grant.origin {
                    Some(origin) => {
                        push(out, "aggregatedFrom", &json!({"role": origin.role.to_string(), "rule": origin.rule}));
                        (&origin.role, origin.rule)
                    }
                    None => (&grant.role, grant.rule),
                };
                if let Some(source) = self.sources.get(&**declared_in) {
                    let line = source.rules.get(number.saturating_sub(1)).unwrap_or(&source.line);
                    push(out, "file", &json!(source.file));
                    push(out, "line", &json!(line));
                }
            }
            Because::Doubt(doubt) => push(out, "undecidedBy", &json!(doubt.rule_name())),
            Because::Masters | Because::NoRule { .. } => {}
        }
    }
}
