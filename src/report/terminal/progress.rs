//! Progress while a run works: one line for each phase, on stderr.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::layout::{cut, padded};
use crate::model::{Family, Verdict};
use crate::report::style::Style;
use crate::report::{Consumer, ReportError, wording};
use crate::run::{Event, Phase, RunRecord, Warning};

/// Without a terminal, a phase that takes long says so no more often than this.
const PATIENCE: Duration = Duration::from_secs(10);

/// Shows the phases of a run: lines that move on a terminal, plain lines elsewhere.
pub struct Progress {
    style: Style,
    surface: Surface,
    under_way: Vec<UnderWay>,
}

enum Surface {
    Terminal(MultiProgress),
    Lines(Box<dyn Write + Send>),
}

struct UnderWay {
    phase: Phase,
    label: String,
    total: Option<usize>,
    said: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// On stderr: lines that move where it is a terminal that can do that, otherwise plain ones.
    #[must_use]
    pub fn on_stderr(style: Style) -> Self {
        let target = ProgressDrawTarget::stderr();
        if target.is_hidden() { Self::in_lines(style, io::stderr()) } else { Self::on_target(style, target) }
    }

    /// Lines that move, on any terminal.
    #[must_use]
    pub fn on_target(style: Style, target: ProgressDrawTarget) -> Self {
        let surface = Surface::Terminal(MultiProgress::with_draw_target(target));
        Self { style, surface, under_way: Vec::new() }
    }

    /// Plain lines, for a log.
    #[must_use]
    pub fn in_lines(style: Style, sink: impl Write + Send + 'static) -> Self {
        Self { style, surface: Surface::Lines(Box::new(sink)), under_way: Vec::new() }
    }

    fn start(&mut self, phase: Phase, family: Option<&Family>, total: Option<usize>) {
        let label = label(phase, family);
        let look = self.look(total);
        let bar = match &mut self.surface {
            Surface::Terminal(lines) => {
                let bar = total.map_or_else(ProgressBar::no_length, |total| ProgressBar::new(total as u64));
                let bar = lines.add(bar.with_style(look).with_message(label.clone()));
                bar.enable_steady_tick(Duration::from_millis(120));
                Some(bar)
            }
            Surface::Lines(sink) => {
                let units = total.map_or_else(String::new, |total| format!(" ({total})"));
                say(sink, &format!("{label}{units} {}", self.style.ellipsis()));
                None
            }
        };
        self.under_way.push(UnderWay { phase, label, total, said: Instant::now(), bar });
    }

    fn go_on(&mut self, phase: Phase, done: usize, detail: Option<&str>) {
        let Some(under_way) = self.under_way.iter_mut().find(|one| one.phase == phase) else { return };
        let detail = detail.map(|detail| self.style.shown(detail).into_owned()).unwrap_or_default();
        if let Some(bar) = &under_way.bar {
            bar.set_position(done as u64);
            bar.set_prefix(detail);
        } else if under_way.said.elapsed() >= PATIENCE
            && let Surface::Lines(sink) = &mut self.surface
        {
            under_way.said = Instant::now();
            let of = under_way.total.map_or_else(String::new, |total| format!(" of {total}"));
            let detail = if detail.is_empty() { detail } else { format!(", {detail}") };
            let label = &under_way.label;
            say(sink, &format!("{label}: {done}{of}{detail}"));
        }
    }

    fn finish(&mut self, phase: Phase, label: &str, seconds: f64, detail: &str) {
        let name = padded(label, 26);
        let line = format!("{name} {:>8}  {}", wording::seconds(seconds), self.style.shown(detail));
        let at = self.under_way.iter().position(|one| one.phase == phase);
        if let Some(bar) = at.map(|at| self.under_way.remove(at)).and_then(|one| one.bar) {
            bar.finish_and_clear();
        }
        let glyph = self.style.verdict(Verdict::Pass, self.style.tick(Verdict::Pass));
        match &mut self.surface {
            Surface::Terminal(_) => {
                let line = cut(&line, self.style.columns - 2, self.style.ellipsis());
                self.above(&format!("{glyph} {line}"));
            }
            Surface::Lines(sink) => say(sink, &line),
        }
    }

    fn warn(&mut self, warning: &Warning) {
        let mut text = format!("warning: {}", self.style.shown(&warning.message));
        if let Some(help) = &warning.help {
            text.push(' ');
            text.push_str(&self.style.shown(help));
        }
        match &mut self.surface {
            Surface::Terminal(_) => self.above(&self.style.verdict(Verdict::Inconclusive, &text)),
            Surface::Lines(sink) => say(sink, &text),
        }
    }

    /// A line that stays, above those that move.
    fn above(&self, line: &str) {
        if let Surface::Terminal(lines) = &self.surface {
            // Progress that can't be shown is no reason to end a run.
            let _ = lines.println(line);
        }
    }

    fn look(&self, total: Option<usize>) -> ProgressStyle {
        let count = if total.is_some() { "{pos}/{len}" } else { "" };
        let template = format!("{{spinner}} {{msg:26}} {{elapsed:>8}}  {count} {{prefix}}");
        let frames: &[&str] = match self.style.charset {
            crate::report::style::Charset::Unicode => &["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏", "⠿"],
            crate::report::style::Charset::Ascii => &["-", "\\", "|", "/", "-"],
        };
        ProgressStyle::with_template(&template)
            .unwrap_or_else(|_| ProgressStyle::default_spinner())
            .tick_strings(frames)
    }
}

/// A phase in words, with the family whose it is.
fn label(phase: Phase, family: Option<&Family>) -> String {
    family.map_or_else(|| phase.describe().to_owned(), |family| format!("{family}: {}", phase.describe()))
}

fn say(sink: &mut dyn Write, line: &str) {
    // A log that was closed is no reason to end a run.
    let _ = writeln!(sink, "{line}").and_then(|()| sink.flush());
}

impl Consumer for Progress {
    fn on(&mut self, event: &Event, _record: &RunRecord) -> Result<(), ReportError> {
        match event {
            Event::PhaseStarted { phase, family, total } => self.start(*phase, family.as_ref(), *total),
            Event::PhaseProgress { phase, done, detail, .. } => self.go_on(*phase, *done, detail.as_deref()),
            Event::PhaseFinished { phase, family, seconds, detail } => {
                self.finish(*phase, &label(*phase, family.as_ref()), *seconds, detail);
            }
            Event::Warned(warning) => self.warn(warning),
            Event::Finished { .. } => {
                for one in self.under_way.drain(..) {
                    if let Some(bar) = one.bar {
                        bar.finish_and_clear();
                    }
                }
            }
            Event::Started { .. } | Event::Planned { .. } | Event::Observed { .. } | Event::Judged(_) => {}
        }
        Ok(())
    }
}
