//! The folder of reports: written when the plan is made, so that a killed run leaves reports that
//! say so, and again when the run ends.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::{Consumer, FileFailure, ReportError, json, junit, summary};
use crate::run::{Event, RunRecord};

/// The record of the run.
pub const RUN_JSON: &str = "run.json";
/// For CI systems.
pub const JUNIT_XML: &str = "junit.xml";
/// For a CI comment.
pub const SUMMARY_MD: &str = "summary.md";
/// What came of taking down every fence.
pub const MUTATION_JSON: &str = "mutation.json";

/// Writes `run.json`, `junit.xml` and `summary.md`. Each file is whole at every moment: it is
/// written beside the old one, flushed to the disk, and put in its place.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    rescue: PathBuf,
}

impl Folder {
    /// Whether a folder holds reports of an earlier run.
    #[must_use]
    pub fn has_reports(path: &Path) -> bool {
        [RUN_JSON, JUNIT_XML, SUMMARY_MD].iter().any(|name| path.join(name).exists())
    }

    /// Makes the folder where it is missing, and tries whether a file can be written there, so that
    /// a run fails before it began rather than when it has something to say.
    ///
    /// # Errors
    ///
    /// When the folder can't be made or written to.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self, ReportError> {
        let path = path.into();
        let failed = |doing| {
            let file = path.clone();
            move |source| ReportError { failures: vec![FileFailure { file, doing, source }], kept: None }
        };
        fs::create_dir_all(&path).map_err(failed("made"))?;
        let trial = beside(&path, "trial");
        let tried = File::create(&trial).and_then(|mut file| file.write_all(b"tenantproof\n"));
        let removed = fs::remove_file(&trial);
        tried.and(removed).map_err(failed("written to"))?;
        Ok(Self { path, rescue: std::env::temp_dir() })
    }

    /// The same folder; a record that finds no place in it is saved in `rescue` instead of the
    /// system's folder for temporary files.
    #[must_use]
    pub fn with_rescue(mut self, rescue: impl Into<PathBuf>) -> Self {
        self.rescue = rescue.into();
        self
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes all reports. One that fails doesn't keep the others from being written.
    ///
    /// # Errors
    ///
    /// When any of them could not be written: each by name. A file that was there before is whole.
    /// If it is `run.json` that failed, the record was saved elsewhere where that was possible.
    pub fn write(&self, record: &RunRecord) -> Result<(), ReportError> {
        let rendered = [
            (RUN_JSON, json::render(record)),
            (JUNIT_XML, junit::render(record)),
            (SUMMARY_MD, Ok(summary::render(record))),
        ];
        let mut failures = Vec::new();
        let mut kept = None;
        for (name, text) in rendered {
            let file = self.path.join(name);
            let text = match text {
                Ok(text) => text,
                Err(why) => {
                    failures.push(FileFailure { file, doing: "made", source: io::Error::other(why) });
                    continue;
                }
            };
            if let Err(source) = replace(&self.path, name, &text) {
                if name == RUN_JSON {
                    kept = self.save_elsewhere(record, &text);
                }
                failures.push(FileFailure { file, doing: "written", source });
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(ReportError { failures, kept }) }
    }

    /// Writes one more report, whole or not at all.
    ///
    /// # Errors
    ///
    /// When it could not be written. A file that was there before is whole.
    pub fn put(&self, name: &str, text: &str) -> Result<(), ReportError> {
        let failed = |source| FileFailure { file: self.path.join(name), doing: "written", source };
        replace(&self.path, name, text).map_err(|source| ReportError { failures: vec![failed(source)], kept: None })
    }

    /// Saves the record where there may still be room, for this user alone; never over a file.
    fn save_elsewhere(&self, record: &RunRecord, text: &str) -> Option<PathBuf> {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let id: String = record.run.id.as_str().chars().take(64).map(plain).collect();
        let status = if record.finished.is_some() { "" } else { "-unfinished" };
        let path = self.rescue.join(format!("tenantproof-{id}{status}-run.json"));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).ok()?;
        if file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).is_ok() {
            return Some(path);
        }
        // Half a record helps nobody, and the error that matters is reported already.
        let _ = fs::remove_file(&path);
        None
    }
}

impl Consumer for Folder {
    fn on(&mut self, event: &Event, record: &RunRecord) -> Result<(), ReportError> {
        match event {
            Event::Planned { .. } | Event::Finished { .. } => self.write(record),
            _ => Ok(()),
        }
    }
}

/// A name in the same folder, so that renaming never crosses a file system.
fn beside(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!(".{name}.{}.tmp", std::process::id()))
}

/// Puts the text in the place of the file, whole or not at all.
fn replace(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let new = beside(folder, name);
    let written = File::create(&new)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&new, folder.join(name)))
        // Without this the new name may be lost with the power, though not the file.
        .and_then(|()| File::open(folder).and_then(|folder| folder.sync_all()));
    if written.is_err() {
        // The error that matters is the first one.
        let _ = fs::remove_file(&new);
    }
    written
}
