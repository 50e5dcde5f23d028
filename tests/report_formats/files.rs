use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use tenantproof::report::files::{Folder, JUNIT_XML, RUN_JSON, SUMMARY_MD};
use tenantproof::report::{Consumer, ReportError};
use tenantproof::run::{Event, RunRecord, RunStatus};

use crate::story::Story;

/// Plays a story to the folder as a runner would, up to its end or where it is killed.
fn play(story: &Story, folder: &mut Folder) -> Result<(), ReportError> {
    let mut record = RunRecord::new();
    for event in story.events() {
        record.apply(&event);
        folder.on(&event, &record)?;
    }
    Ok(())
}

fn kept(folder: &Path) -> RunRecord {
    serde_json::from_str(&fs::read_to_string(folder.join(RUN_JSON)).unwrap()).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_run_leaves_its_reports_and_nothing_else() {
    let place = tempfile::tempdir().unwrap();
    let mut folder = Folder::create(place.path().join("a/b")).unwrap();
    play(&Story::leaking(), &mut folder).unwrap();
    assert_eq!(names(folder.path()), [JUNIT_XML, RUN_JSON, SUMMARY_MD]);
    assert_eq!(kept(folder.path()).status, RunStatus::Finished);
}

#[test]
fn a_killed_run_leaves_reports_that_say_so() {
    let place = tempfile::tempdir().unwrap();
    let mut folder = Folder::create(place.path()).unwrap();
    play(&Story::killed(), &mut folder).unwrap();
    let record = kept(place.path());
    assert_eq!((record.status, record.unjudged.len(), record.exit_code()), (RunStatus::Unfinished, 72, 3));
    assert!(fs::read_to_string(place.path().join(SUMMARY_MD)).unwrap().starts_with("**UNFINISHED"));
    assert!(fs::read_to_string(place.path().join(JUNIT_XML)).unwrap().contains("not judged: the run is unfinished"));
}

#[test]
fn one_report_that_fails_keeps_no_other_from_being_written() {
    let place = tempfile::tempdir().unwrap();
    let rescue = tempfile::tempdir().unwrap();
    let folder = Folder::create(place.path()).unwrap().with_rescue(rescue.path());
    // Folders with something in them can't be replaced by a file.
    for name in [RUN_JSON, SUMMARY_MD] {
        fs::create_dir_all(place.path().join(name).join("in the way")).unwrap();
    }
    let record = Story::leaking().record();
    let error = folder.write(&record).unwrap_err();
    let files: Vec<_> = error.failures.iter().map(|failure| failure.file.file_name().unwrap()).collect();
    assert_eq!(files, [RUN_JSON, SUMMARY_MD]);
    assert!(error.to_string().contains(RUN_JSON) && error.to_string().contains(SUMMARY_MD));
    assert_eq!(names(place.path()), [JUNIT_XML, RUN_JSON, SUMMARY_MD]);
    // The record is not lost.
    let saved = error.kept.as_ref().unwrap();
    let saved: RunRecord = serde_json::from_str(&fs::read_to_string(saved).unwrap()).unwrap();
    assert_eq!(saved.counts, record.counts);
    assert!(miette::Diagnostic::help(&error).unwrap().to_string().contains("was saved as"));
}

#[test]
fn a_folder_that_cannot_be_made_is_told_before_the_run() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("file"), "").unwrap();
    let error = Folder::create(place.path().join("file/reports")).unwrap_err();
    assert!(error.to_string().contains("file/reports could not be made: "), "{error}");
}

/// On a disk of 256 kB: the reports of the plan stay whole when those of the end don't fit.
#[test]
fn a_full_disk_loses_nothing() {
    let place = tempfile::tempdir().unwrap();
    let rescue = tempfile::tempdir().unwrap();
    let Some(_mounted) = Mount::of(place.path()) else {
        crate::skipped("a full disk was not tried: this user can't mount a small one");
        return;
    };
    let mut folder = Folder::create(place.path()).unwrap().with_rescue(rescue.path());
    let story = Story::leaking();
    let mut record = RunRecord::new();
    let mut failed = None;
    for event in story.events() {
        record.apply(&event);
        if let Event::Finished { .. } = event {
            fs::write(place.path().join("ballast"), vec![0; 200_000]).ok();
            fill(&place.path().join("more ballast"));
        }
        failed = folder.on(&event, &record).err();
    }
    let error = failed.expect("the disk is full");
    assert!(error.failures.iter().all(|failure| failure.source.kind() == io::ErrorKind::StorageFull), "{error}");
    assert_eq!(error.failures.len(), 3, "{error}");
    assert!(miette::Diagnostic::help(&error).unwrap().to_string().starts_with("Free space"));
    let before = kept(place.path());
    assert_eq!((before.status, before.unjudged.len()), (RunStatus::Unfinished, 72));
    let saved: RunRecord = serde_json::from_str(&fs::read_to_string(error.kept.as_ref().unwrap()).unwrap()).unwrap();
    assert_eq!(saved.counts, record.counts);
    assert!(names(place.path()).iter().all(|name| !name.starts_with('.')));
}

fn fill(path: &Path) {
    use std::io::Write as _;
    let mut file = fs::File::create(path).unwrap();
    while file.write_all(&[0; 512]).is_ok() {}
}

struct Mount<'a>(&'a Path);

impl<'a> Mount<'a> {
    fn of(path: &'a Path) -> Option<Self> {
        let options = ["-t", "tmpfs", "-o", "size=256k", "tenantproof-test"];
        let mounted = Command::new("mount").args(options).arg(path).output().is_ok_and(|out| out.status.success());
        mounted.then_some(Self(path))
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).output();
    }
}
