//! Looking on while the program runs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::{Ended, Run};

/// Runs to the end, and takes a sample every 200 ms until then.
pub(crate) fn watched<T: Send>(run: Run, sample: impl Fn() -> T + Sync) -> (Ended, Vec<T>) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut samples = Vec::new();
            while !over.load(Ordering::Relaxed) {
                samples.push(sample());
                thread::sleep(Duration::from_millis(200));
            }
            samples
        });
        let ended = {
            let _tell = AtEnd(&over);
            run.end()
        };
        (ended, watcher.join().unwrap())
    })
}

/// Says that it is over, even where the run panics: nobody shall wait for the watcher for ever.
struct AtEnd<'a>(&'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
