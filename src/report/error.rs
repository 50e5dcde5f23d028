//! What can go wrong while a report is written.

use std::fmt;
use std::io;
use std::path::PathBuf;

use miette::Diagnostic;

/// A record could not be put into a format.
#[derive(Debug, thiserror::Error)]
#[error("the run can't be written as {format}: {why}")]
pub struct RenderError {
    /// The format.
    pub format: &'static str,
    /// Why.
    pub why: String,
}

/// Reports that could not be written. The others were.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{}", sentences(.failures))]
#[diagnostic(code(tenantproof::report), help("{}", remedy(.failures, .kept.as_ref())))]
pub struct ReportError {
    /// Each file that could not be written, with what went wrong.
    pub failures: Vec<FileFailure>,
    /// Where the record of the run was saved instead, if it had to be.
    pub kept: Option<PathBuf>,
}

/// One file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{} could not be {doing}: {source}", .file.display())]
pub struct FileFailure {
    /// The file.
    pub file: PathBuf,
    /// What was being done to it, such as `written`.
    pub doing: &'static str,
    /// What went wrong.
    pub source: io::Error,
}

fn sentences(failures: &[FileFailure]) -> String {
    failures.iter().map(FileFailure::to_string).collect::<Vec<_>>().join("; ")
}

fn remedy(failures: &[FileFailure], kept: Option<&PathBuf>) -> impl fmt::Display {
    let any = |kinds: &[io::ErrorKind]| failures.iter().any(|failure| kinds.contains(&failure.source.kind()));
    let cure = if any(&[io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded]) {
        "Free space on that file system, or name another folder with --out."
    } else if any(&[io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem]) {
        "Name a folder that this user may write to with --out."
    } else {
        "Check the folder, or name another one with --out."
    };
    let before = "A file of the same name that was there before is unchanged.";
    match kept {
        None => format!("{cure} {before}"),
        Some(path) => format!(
            "{cure} {before} The record of this run was saved as {}: the reports can be written from it.",
            path.display()
        ),
    }
}
