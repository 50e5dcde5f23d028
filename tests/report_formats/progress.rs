use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use indicatif::{ProgressDrawTarget, TermLike};
use tenantproof::report::style::{Charset, Palette};
use tenantproof::report::terminal::Progress;
use tenantproof::report::{Consumer as _, Style};
use tenantproof::run::{Event, Phase, RunRecord};

use crate::story::Story;

const UNICODE: Style = Style { palette: Palette::Plain, charset: Charset::Unicode, columns: 100 };

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn is_plain_lines_without_a_terminal() {
    let log = Log::default();
    let mut progress = Progress::in_lines(Style::PLAIN, log.clone());
    let mut record = RunRecord::new();
    for event in Story::leaking().events() {
        record.apply(&event);
        progress.on(&event, &record).unwrap();
    }
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    insta::assert_snapshot!("progress_lines", text);
}

/// A screen that keeps what is on it, as a terminal does.
#[derive(Clone, Debug, Default)]
struct Screen(Arc<Mutex<(Vec<String>, usize)>>);

impl Screen {
    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().0.iter().map(|line| line.trim_end().to_owned()).filter(|l| !l.is_empty()).collect()
    }

    fn edit(&self, edit: impl FnOnce(&mut Vec<String>, &mut usize)) {
        let mut screen = self.0.lock().unwrap();
        let (lines, row) = &mut *screen;
        edit(lines, row);
        while lines.len() <= *row {
            lines.push(String::new());
        }
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        100
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.edit(|_, row| *row = row.saturating_sub(n));
        Ok(())
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.edit(|_, row| *row += n);
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)?;
        self.edit(|_, row| *row += 1);
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.edit(|lines, row| {
            for c in text.chars() {
                let full = lines.get(*row).is_some_and(|line| line.chars().count() == usize::from(self.width()));
                *row += usize::from(c == '\n' || (full && c != '\r'));
                while lines.len() <= *row {
                    lines.push(String::new());
                }
                if !c.is_control() {
                    lines[*row].push(c);
                }
            }
        });
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.edit(|lines, row| {
            if let Some(line) = lines.get_mut(*row) {
                line.clear();
            }
        });
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn keeps_finished_phases_and_shows_the_one_under_way() {
    let screen = Screen::default();
    let mut progress = Progress::on_target(UNICODE, ProgressDrawTarget::term_like(Box::new(screen.clone())));
    let record = RunRecord::new();
    let mut on = |event: Event| progress.on(&event, &record).unwrap();
    on(Event::PhaseStarted { phase: Phase::Snapshot, family: None, total: None });
    on(Event::PhaseFinished {
        phase: Phase::Snapshot,
        family: None,
        seconds: 0.42,
        detail: "20 objects, 41 pods".into(),
    });
    on(Event::PhaseStarted { phase: Phase::Start, family: None, total: Some(6) });
    on(Event::PhaseProgress {
        phase: Phase::Start,
        family: None,
        done: 2,
        detail: Some("waiting for worker-2".into()),
    });
    std::thread::sleep(std::time::Duration::from_millis(300));
    let lines = screen.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0], "━ read the cluster              0.4 s  20 objects, 41 pods");
    assert!(lines[1].contains("start the probes") && lines[1].contains("2/6 waiting for worker-2"), "{lines:?}");
    on(Event::PhaseFinished { phase: Phase::Start, family: None, seconds: 9.3, detail: "6 probes on 2 nodes".into() });
    on(Event::Finished { status: tenantproof::run::RunStatus::Finished, at: String::new() });
    assert_eq!(screen.lines()[1..], ["━ start the probes              9.3 s  6 probes on 2 nodes"]);
}
