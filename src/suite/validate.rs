//! The rules that a suite's shape doesn't hold: ids, versions, and what must be unique.

use std::collections::{HashMap, HashSet};

use super::file::{Check, SuiteFile};
use super::problem::Problem;
use crate::document::{Document, Located, Path};

/// Everything that is wrong with what `file` means; it was read from `document`.
pub(super) fn check(document: &Document, file: &SuiteFile, known: bool) -> Vec<Located<Problem>> {
    let family = known.then_some(file.family.0.as_str());
    let mut validation = Validation { document, family, found: Vec::new() };
    let suite_version = validation.version(&file.version, &Path::root().key("version"));
    let mut ids: HashMap<&str, Path> = HashMap::new();
    for (index, check) in file.checks.iter().enumerate() {
        let path = Path::root().key("checks").item(index);
        validation.id(&check.id, &path, &ids);
        ids.entry(&check.id).or_insert_with(|| path.clone());
        let since = path.key("since");
        if let (Some(version), Some(appeared)) = (suite_version, validation.version(&check.since, &since))
            && appeared > version
        {
            let (since_version, version) = (check.since.clone(), file.version.clone());
            let problem = Problem::SinceTheFuture { path: since.clone(), since: since_version, version };
            validation.add(&since, "too new", problem);
        }
        validation.texts(check, &path);
    }
    validation.found
}

/// The three numbers of a version.
type Version = [u64; 3];

struct Validation<'a> {
    document: &'a Document,
    /// The suite's family; `None` where there is no such family, which is a fault of its own.
    family: Option<&'a str>,
    found: Vec<Located<Problem>>,
}

impl Validation<'_> {
    fn add(&mut self, path: &Path, label: &str, problem: Problem) {
        self.found.push(self.document.problem(self.document.place(path), label, problem));
    }

    fn id(&mut self, id: &str, check: &Path, earlier: &HashMap<&str, Path>) {
        let (path, family) = (check.key("id"), self.family.unwrap_or("family").to_owned());
        let id_of_it = id.to_owned();
        if !is_check_id(id) {
            self.add(&path, "not an id", Problem::InvalidId { id: id_of_it, family });
        } else if self.family.is_some() && id.split('.').next() != self.family {
            self.add(&path, "another family", Problem::ForeignId { id: id_of_it, family });
        } else if let Some(first) = earlier.get(id) {
            let problem = Problem::DuplicateId { id: id_of_it, first: first.clone() };
            let mut problem = self.document.problem(self.document.place(&path), "again here", problem);
            problem.others.push((self.document.place(&first.key("id")), "first here".to_owned()));
            self.found.push(problem);
        }
    }

    fn version(&mut self, text: &str, path: &Path) -> Option<Version> {
        let version = parse_version(text);
        if version.is_none() {
            let problem = Problem::InvalidVersion { version: text.to_owned(), path: path.clone() };
            self.add(path, "not a version", problem);
        }
        version
    }

    fn texts(&mut self, check: &Check, path: &Path) {
        let title = path.key("title");
        if check.title.trim_end().contains('\n') {
            self.add(&title, "several lines", Problem::SeveralLines { path: title.clone() });
        }
        let controls = path.key("controls");
        let mut seen = HashSet::new();
        for (index, control) in check.controls.iter().enumerate() {
            if !seen.insert((&control.framework, &control.id)) {
                let (framework, id) = (control.framework.clone(), control.id.clone());
                let problem = Problem::ControlTwice { framework, id, path: controls.clone() };
                self.add(&controls.item(index), "again here", problem);
            }
        }
    }
}

/// `^[a-z0-9]+(\.[a-z0-9-]+)+$`.
fn is_check_id(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut words = text.split('.');
    let family = words.next().unwrap_or_default();
    let words: Vec<&str> = words.collect();
    !family.is_empty()
        && family.bytes().all(letter)
        && !words.is_empty()
        && words.iter().all(|word| !word.is_empty() && word.bytes().all(|byte| letter(byte) || byte == b'-'))
}

fn parse_version(text: &str) -> Option<Version> {
    let mut numbers = text.split('.').map(|number| {
        // `parse` would take a leading plus.
        number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok()).flatten()
    });
    let version = [numbers.next()??, numbers.next()??, numbers.next()??];
    numbers.next().is_none().then_some(version)
}
