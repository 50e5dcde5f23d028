//! Manifests from a folder: which files are read, and what is said of those that are not.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::semantics::manifests::SourceFile;

/// The largest file that is read, in bytes: 1 GiB.
const LARGEST: u64 = 1 << 30;

/// The files of a folder.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// Files that may hold manifests, in the order of their paths.
    pub files: Vec<SourceFile>,
    /// How many other files there are; none of them was opened.
    pub others: usize,
}

/// Why a folder cannot be read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum FolderError {
    /// It, or something in it, cannot be opened.
    #[error("{} can't be read: {why}", .path.display())]
    #[diagnostic(code(tenantproof::ask), help("name the folder that holds the manifests; all of it must be readable"))]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// A file is too large to be a manifest.
    #[error("{} has {bytes} bytes; a manifest of more than 1 GiB is not read", .path.display())]
    #[diagnostic(code(tenantproof::ask), help("take it out of the folder if it is no manifest, or split it"))]
    TooLarge {
        /// The path.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// Nothing in it can be a manifest.
    #[error("{} has no .yaml, .yml or .json file, nor has a folder below it", .path.display())]
    #[diagnostic(code(tenantproof::ask), help("name the folder that holds the manifests"))]
    Empty {
        /// The path.
        path: PathBuf,
    },
}

impl Folder {
    /// Reads all `.yaml`, `.yml` and `.json` files of a folder and below it, as `kubectl apply -R` does, or one file
    /// of whichever name. Links are followed; a file or folder that is reached twice is read once, so that neither a
    /// loop of links nor the layout of a mounted ConfigMap repeats anything. Folders named `.git` are left out.
    ///
    /// # Errors
    /// The first file or folder that cannot be read: what it holds is not known, so nothing can be answered.
    pub(super) fn read(path: &Path) -> Result<Self, FolderError> {
        let mut folder = Self::default();
        let metadata = fs::metadata(path).map_err(|why| unreadable(path, why))?;
        if metadata.is_file() {
            folder.take(path, metadata.len())?;
            return Ok(folder);
        }
        folder.walk(path, &mut HashSet::new())?;
        if folder.files.is_empty() {
            return Err(FolderError::Empty { path: path.to_owned() });
        }
        Ok(folder)
    }

    fn walk(&mut self, path: &Path, seen: &mut HashSet<PathBuf>) -> Result<(), FolderError> {
        let real = fs::canonicalize(path).map_err(|why| unreadable(path, why))?;
        if !seen.insert(real) {
            return Ok(());
        }
        let entries = fs::read_dir(path).map_err(|why| unreadable(path, why))?;
        let mut paths = Vec::new();
        for entry in entries {
            paths.push(entry.map_err(|why| unreadable(path, why))?.path());
        }
        paths.sort();
        for path in paths {
            let named = is_manifest(&path);
            let metadata = match fs::metadata(&path) {
                Ok(metadata) => metadata,
                // A dangling link, or one that only leads to itself: a loss only if it should hold manifests.
                Err(why) if named => return Err(unreadable(&path, why)),
                Err(_) => {
                    self.others += 1;
                    continue;
                }
            };
            if metadata.is_dir() {
                if path.file_name().is_none_or(|name| name != ".git") {
                    self.walk(&path, seen)?;
                }
            } else if metadata.is_file() && named {
                let real = fs::canonicalize(&path).map_err(|source| unreadable(&path, source))?;
                if seen.insert(real) {
                    self.take(&path, metadata.len())?;
                }
            } else {
                self.others += 1;
            }
        }
        Ok(())
    }

    fn take(&mut self, path: &Path, bytes: u64) -> Result<(), FolderError> {
        if bytes > LARGEST {
            return Err(FolderError::TooLarge { path: path.to_owned(), bytes });
        }
        let bytes = fs::read(path).map_err(|why| unreadable(path, why))?;
        self.files.push(SourceFile { name: path.display().to_string(), bytes });
        Ok(())
    }
}

fn is_manifest(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

fn unreadable(path: &Path, why: io::Error) -> FolderError {
    FolderError::Unreadable { path: path.to_owned(), why }
}
