//! `tenantproof ask iam`: would AWS IAM allow a request?

mod question;

use std::io::{BufRead, Write};

use serde_json::json;

use self::question::Question;
use super::lines::{self, Answering};
use super::{AskError, Summary, push, question as network_question};
use crate::semantics::Answer;
use crate::semantics::iam::{Because, Tree, Verdict};

/// How many faults of documents are told at the end.
const TOLD: usize = 20;

/// What was asked about IAM; beside the numbers, why documents would be refused, each once.
pub type IamSummary = Summary<Vec<String>>;

/// Answers questions about IAM: each line has the request and all policies that have a say in it.
///
/// # Errors
/// Input or output that fails. A malformed question is no such error: it has an answer with an `error` in its place, and
/// counts in [`IamSummary::errors`]. Nor is a document that IAM would refuse: what it could touch is answered
/// `"unknown"`, with what is wrong with it.
pub fn iam(questions: impl BufRead, answers: impl Write) -> Result<IamSummary, AskError> {
    let mut asking = Asking { summary: IamSummary::default() };
    lines::answer(questions, answers, &mut asking)?;
    Ok(asking.summary)
}

/// The work on one stream of questions.
struct Asking {
    summary: IamSummary,
}

impl Answering for Asking {
    fn one(&mut self, number: usize, line: &[u8], out: &mut Vec<u8>) {
        let read = network_question::parse::<Tree>(line).and_then(|tree| Question::read(&tree));
        let question = match read {
            Ok(question) => question,
            Err(why) => return self.malformed(number, line, &why, out),
        };
        let decision = question.decide();
        self.note_faults(&question);
        self.summary.answered(match decision.verdict {
            Verdict::Allowed => Answer::Allowed,
            Verdict::ExplicitDeny | Verdict::ImplicitDeny => Answer::Denied,
            Verdict::Unknown => Answer::Unknown,
        });
        out.push(b'{');
        if let Some(id) = &question.id {
            out.extend_from_slice(format!("\"id\":{id},").as_bytes());
        }
        out.extend_from_slice(format!("\"verdict\":{}", json!(decision.verdict.as_str())).as_bytes());
        push(out, "because", &json!(decision.because()));
        if let Because::Doubt(unsure) = &decision.because {
            push(out, "undecidedBy", &json!(unsure.rule.name()));
        }
        out.extend_from_slice(b"}\n");
    }

    fn malformed(&mut self, number: usize, line: &[u8], why: &str, out: &mut Vec<u8>) {
        self.summary.failed();
        out.extend_from_slice(format!("{{\"line\":{number}").as_bytes());
        for (name, value) in network_question::echo_of(line, &["id"]) {
            push(out, name, &value);
        }
        push(out, "verdict", &json!(Verdict::Unknown.as_str()));
        push(out, "error", &json!(format!("line {number}, {why}")));
        out.extend_from_slice(b"}\n");
    }
}

impl Asking {
    fn note_faults(&mut self, question: &Question) {
        for (name, fault) in question.faults() {
            if self.summary.accounting.len() >= TOLD {
                return;
            }
            let told = format!("{name} ({fault})");
            if !self.summary.accounting.contains(&told) {
                self.summary.accounting.push(told);
            }
        }
    }
}
