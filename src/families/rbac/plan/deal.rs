//! Which questions are asked where there are more than may be: each subject gets its share. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::{Computed, Draft, Line, RbacPlan};
use crate::families::Stance;
use crate::families::rbac::bound::{choose, shares};
use crate::families::rbac::parameters::{By, RbacParameters};
use crate::families::rbac::question::Question;
use crate::families::rbac::questions::questions;
use crate::families::rbac::request::request;
use crate::semantics::rbac::{Rules, Standing};

/// The questions of a subject, of each of its cases.
type OfDrafts = Vec<(usize, BTreeSet<Question>)>;

/// Deals the questions that may be asked out to the subjects.
pub(super) struct Deal<'a> {
    pub(super) rules: &'a Rules,
    pub(super) parameters: &'a [RbacParameters],
    pub(super) by: By,
    pub(super) most: usize,
    pub(super) request_tokens: bool,
}

impl Deal<'_> {
    pub(super) fn out(&self, lines: &[(&String, &Line)], drafts: &mut [Draft<'_>], plan: &mut RbacPlan) {
        // What the run was not told to try is skipped, whatever it would be.
        if self.by == By::Token && !self.request_tokens {
            return;
        }
        let mut beyond = BTreeSet::new();
        let mut wanted = Vec::with_capacity(lines.len());
        for (name, line) in lines {
            let standing = self.rules.standing(line.subject.clone());
            let of_drafts = self.questions(name, line, &standing, drafts, &mut beyond);
            wanted.push(of_drafts.iter().flat_map(|(_, questions)| questions).collect::<BTreeSet<_>>().len());
        }
        for ((name, line), share) in lines.iter().zip(shares(&wanted, self.most)) {
            let standing = self.rules.standing(line.subject.clone());
            let of_drafts = self.questions(name, line, &standing, drafts, &mut beyond);
            self.choose(&standing, &of_drafts, share, drafts, plan);
            if self.by == By::Review {
                plan.subjects.entry((*name).clone()).or_insert_with(|| line.subject.clone());
            }
        }
        let all: usize = wanted.iter().sum();
        if all > self.most {
            let what = if self.by == By::Review { "questions" } else { "requests with tenants' own tokens" };
            let left = all - self.most;
            plan.not_tried.push(format!("{left} of {all} {what}: computed alone, beyond --max-reviews {}", self.most));
        }
        plan.not_tried.extend(
            beyond.into_iter().map(|what| format!("{what} with a tenant's own token: no harmless request does it")),
        );
    }

    fn questions(
        &self,
        name: &str,
        line: &Line,
        standing: &Standing<'_>,
        drafts: &[Draft<'_>],
        beyond: &mut BTreeSet<String>,
    ) -> OfDrafts {
        let mut all = Vec::with_capacity(line.drafts.len());
        for index in &line.drafts {
            let Some(draft) = drafts.get(*index) else { continue };
            let Some(parameters) = self.parameters.get(draft.parameters) else { continue };
            let mut asked = questions(name, standing, parameters, &draft.namespaces);
            if self.by == By::Token {
                asked.retain(|question| {
                    let can = request(question, "", "").is_some();
                    if !can {
                        beyond.insert(question.deed());
                    }
                    can
                });
            }
            all.push((*index, asked));
        }
        all
    }

    /// Chooses which of a subject's questions are asked, and gives them to its cases; what is not asked is counted.
    fn choose(
        &self,
        standing: &Standing<'_>,
        of_drafts: &OfDrafts,
        share: usize,
        drafts: &mut [Draft<'_>],
        plan: &mut RbacPlan,
    ) {
        let distinct: BTreeSet<&Question> = of_drafts.iter().flat_map(|(_, questions)| questions).collect();
        let stances: Vec<(Question, Stance)> =
            distinct.into_iter().map(|question| (question.clone(), stance_of(standing, question))).collect();
        let chosen: BTreeSet<usize> = choose(&stances, share).into_iter().collect();
        let places: BTreeMap<&Question, (bool, Stance)> = stances
            .iter()
            .enumerate()
            .map(|(index, (question, stance))| (question, (chosen.contains(&index), *stance)))
            .collect();
        let because = |question: &Question| standing.decide(&question.request()).because();
        let target = if self.by == By::Review { &mut plan.questions } else { &mut plan.tries };
        for (index, questions) in of_drafts {
            let Some(draft) = drafts.get_mut(*index) else { continue };
            for question in questions {
                let Some((asked, stance)) = places.get(question).copied() else { continue };
                if asked {
                    let key = question.key();
                    target.entry(key.clone()).or_insert_with(|| Computed {
                        question: question.clone(),
                        stance,
                        because: because(question),
                    });
                    draft.ask.asked.push(key);
                } else {
                    draft.ask.rest.bound = self.most;
                    draft.ask.rest.add(stance, || format!("{}: {}", question.key(), because(question)));
                }
            }
        }
    }
}

fn stance_of(standing: &Standing<'_>, question: &Question) -> Stance {
    standing.decide(&question.request()).answer.into()
}
