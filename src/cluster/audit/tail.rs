//! A log file read from its end on, across rotations.
//!
//! An API server rotates as lumberjack does: the file is renamed to `NAME-<time>.EXT` beside it, perhaps packed to
//! `….gz`, and a new one takes its name. Others copy it and cut it short. Both are followed.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::lines::Lines;

/// Bytes that are read at once.
const CHUNK: usize = 256 << 10;

/// A log file, from the moment it was opened on.
#[derive(Debug)]
pub(super) struct Tail {
    path: PathBuf,
    file: File,
    at: u64,
    lines: Lines,
    /// Rotated files whose lines are not wanted, or were read.
    done: BTreeSet<OsString>,
    /// How often it was rotated meanwhile.
    pub(super) rotations: u64,
}

impl Tail {
    /// Opens a log file at its end.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        let at = file.seek(SeekFrom::End(0))?;
        let lines = if ends_whole(&mut file, at)? { Lines::default() } else { Lines::from_the_middle() };
        Ok(Self {
            done: rotated(path).iter().map(plain).collect(),
            path: path.to_owned(),
            file,
            at,
            lines,
            rotations: 0,
        })
    }

    /// Lines that were longer than any event may be.
    pub(super) const fn too_long(&self) -> u64 {
        self.lines.too_long
    }

    /// Gives every line that came since the last time.
    pub(super) fn read(&mut self, line: &mut impl FnMut(&str)) -> io::Result<()> {
        self.rest(line)?;
        let Ok(now) = self.path.metadata() else {
            // Between two names: it is there again in a moment.
            return Ok(());
        };
        let ours = self.file.metadata()?;
        if now.len() < self.at && same(&now, &ours) {
            // Copied and cut short: what came between is in the copy, and lines may be given twice.
            self.rotations += 1;
            self.between(line)?;
            self.at = 0;
            self.lines.end(&mut *line);
            return self.rest(line);
        }
        if same(&now, &ours) {
            return Ok(());
        }
        // Renamed: what was written before that is read first.
        self.rotations += 1;
        self.rest(line)?;
        self.lines.end(&mut *line);
        self.between(line)?;
        self.file = File::open(&self.path)?;
        self.at = 0;
        self.rest(line)
    }

    fn rest(&mut self, line: &mut impl FnMut(&str)) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.at))?;
        self.at += drain(&mut self.file, &mut self.lines, line)?;
        Ok(())
    }

    /// Files that were rotated since the last time, but the one that was read under its old name: more than one,
    /// where the log is rotated often.
    fn between(&mut self, line: &mut impl FnMut(&str)) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let ours = self.file.metadata()?;
        let mut read = BTreeSet::new();
        for name in rotated(&self.path) {
            let plain = plain(&name);
            if self.done.contains(&plain) || read.contains(&plain) {
                continue;
            }
            let path = folder.join(&name);
            let Ok(mut file) = File::open(&path) else { continue };
            read.insert(plain);
            if file.metadata().is_ok_and(|rotated| same(&rotated, &ours)) {
                continue;
            }
            let mut lines = Lines::default();
            if path.extension().is_some_and(|extension| extension == "gz") {
                drain(&mut MultiGzDecoder::new(file), &mut lines, line)?;
            } else {
                drain(&mut file, &mut lines, line)?;
            }
            lines.end(&mut *line);
        }
        self.done.append(&mut read);
        Ok(())
    }
}

/// Gives the lines of all that there is to read, and says how many bytes that was. A part at a time: a log may be larger
/// than memory should be.
fn drain(from: &mut impl Read, lines: &mut Lines, line: &mut impl FnMut(&str)) -> io::Result<u64> {
    let mut chunk = vec![0; CHUNK];
    let mut total = 0;
    loop {
        let read = from.read(&mut chunk)?;
        if read == 0 {
            return Ok(total);
        }
        total += read as u64;
        lines.take(chunk.get(..read).unwrap_or_default(), &mut *line);
    }
}

fn same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// The name that a rotated file has before it is packed.
fn plain(name: &OsString) -> OsString {
    OsString::from(name.to_string_lossy().trim_end_matches(".gz"))
}

/// Whether the last byte ends a line.
fn ends_whole(file: &mut File, at: u64) -> io::Result<bool> {
    if at == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::Start(at - 1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// The names of the rotated files beside a log, the oldest first.
fn rotated(path: &Path) -> BTreeSet<OsString> {
    let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let (stem, extension) = (text(path.file_stem()), text(path.extension()));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = std::fs::read_dir(folder) else { return BTreeSet::new() };
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
    names
        .filter(|name| {
            let name = name.to_string_lossy();
            let plain = name.trim_end_matches(".gz");
            let time = plain.strip_prefix(&format!("{stem}-")).and_then(|rest| {
                if extension.is_empty() { Some(rest) } else { rest.strip_suffix(&format!(".{extension}")) }
            });
            time.is_some_and(|time| time.starts_with(|c: char| c.is_ascii_digit()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs::{File, OpenOptions, rename, write};
    use std::io::Write as _;
    use std::path::Path;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::Tail;

    fn append(path: &Path, text: &str) {
        OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn read(tail: &mut Tail) -> Vec<String> {
        let mut lines = Vec::new();
        tail.read(&mut |line: &str| lines.push(line.to_owned())).unwrap();
        lines
    }

    #[test]
    fn it_is_read_from_its_end_on_and_a_part_of_a_line_waits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        append(&path, "old\nhalf of an ");
        let mut tail = Tail::open(&path).unwrap();
        append(&path, "old one\nnew\nhal");
        assert_eq!(read(&mut tail), ["new"]);
        append(&path, "f\n");
        assert_eq!(read(&mut tail), ["half"]);
        assert_eq!(read(&mut tail), [""; 0]);
    }

    #[test]
    fn what_was_written_around_a_rotation_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let old = |time: &str| folder.path().join(format!("audit-2026-11-24T14-00-0{time}.000.log"));
        append(&path, "before\n");
        append(&old("0"), "of an earlier day\n");
        append(&folder.path().join("audit-policy.log"), "no rotated file\n");
        let mut tail = Tail::open(&path).unwrap();
        append(&path, "one\n");
        assert_eq!(read(&mut tail), ["one"]);
        append(&path, "two\n");
        rename(&path, old("1")).unwrap();
        assert_eq!(read(&mut tail), ["two"], "between two names the old one is read on");
        append(&path, "three\n");
        rename(&path, old("2")).unwrap();
        append(&path, "four\n");
        assert_eq!(read(&mut tail), ["three", "four"], "a file that came and went meanwhile is read too");
        append(&path, "five\n");
        assert_eq!(read(&mut tail), ["five"]);
        assert_eq!(tail.rotations, 1);
    }

    #[test]
    fn a_rotated_file_that_was_packed_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        append(&path, "");
        let mut tail = Tail::open(&path).unwrap();
        rename(&path, folder.path().join("gone")).unwrap();
        let packed = File::create(folder.path().join("audit-2026-11-24T14-00-01.000.log.gz")).unwrap();
        let mut packed = GzEncoder::new(packed, Compression::fast());
        packed.write_all(b"packed\n").unwrap();
        packed.finish().unwrap();
        append(&path, "new\n");
        assert_eq!(read(&mut tail), ["packed", "new"]);
    }

    #[test]
    fn a_file_that_is_cut_short_is_read_from_its_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        append(&path, "long before\n");
        let mut tail = Tail::open(&path).unwrap();
        write(&path, "new\n").unwrap();
        assert_eq!(read(&mut tail), ["new"]);
    }

    #[test]
    fn a_file_that_is_not_there_or_none_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        Tail::open(&folder.path().join("audit.log")).unwrap_err();
        Tail::open(folder.path()).unwrap_err();
    }
}
