//! Colours and glyphs: decided once, from the environment, for everything that people see.

use std::borrow::Cow;
use std::io::IsTerminal;

use anstyle::{Ansi256Color, AnsiColor, Color, RgbColor, Style as Paint};

pub use super::visible::Charset;
use super::visible::visible_in;
use crate::model::Verdict;

/// Which colours a surface gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Palette {
    /// None.
    Plain,
    /// The sixteen colours of every terminal.
    Ansi,
    /// The project's palette, for a light background.
    Light,
    /// The project's palette, for a dark background.
    Dark,
}

/// How a page for people looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Style {
    /// Its colours.
    pub palette: Palette,
    /// Its characters.
    pub charset: Charset,
    /// How many columns it may fill.
    pub columns: usize,
}

impl Style {
    /// The columns of a page where nothing else is known.
    pub const COLUMNS: usize = 100;

    /// No colours, ASCII only.
    pub const PLAIN: Self = Self { palette: Palette::Plain, charset: Charset::Ascii, columns: Self::COLUMNS };

    /// The style for a stream of this process, such as stdout.
    pub fn of(stream: &impl IsTerminal) -> Self {
        Self::detect(|name| std::env::var(name).ok(), stream.is_terminal())
    }

    /// Decides from the environment (`env` answers for one variable) and from whether the surface
    /// is a terminal.
    ///
    /// - Colours: only on a terminal, and not a dumb one; `NO_COLOR` (<https://no-color.org>) and
    ///   `CLICOLOR=0` turn them off, `CLICOLOR_FORCE` (<https://bixense.com/clicolors>) turns them
    ///   on without a terminal. `COLORTERM` decides between 16 and all colours, `COLORFGBG` between
    ///   a light and a dark background; where it is silent, dark.
    /// - Characters: UTF-8 where the first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set says so
    ///   (POSIX, "Environment Variables", 8.2).
    pub fn detect(env: impl Fn(&str) -> Option<String>, is_terminal: bool) -> Self {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        let forced = set("CLICOLOR_FORCE").is_some_and(|value| value != "0");
        let refused = set("NO_COLOR").is_some()
            || (!forced && (set("CLICOLOR").is_some_and(|value| value == "0") || !is_terminal))
            || (!forced && set("TERM").is_some_and(|value| value == "dumb"));
        let palette = if refused {
            Palette::Plain
        } else if !set("COLORTERM").is_some_and(|value| value == "truecolor" || value == "24bit") {
            Palette::Ansi
        } else if set("COLORFGBG").is_some_and(|value| matches!(value.rsplit(';').next(), Some("7" | "15"))) {
            Palette::Light
        } else {
            Palette::Dark
        };
        let utf8 = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).is_some_and(|locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        let charset = if utf8 { Charset::Unicode } else { Charset::Ascii };
        Self { palette, charset, columns: Self::COLUMNS }
    }

    /// The same style on a surface of so many columns; a page never fills more than
    /// [`Self::COLUMNS`] and never less than 40.
    #[must_use]
    pub const fn with_columns(mut self, columns: usize) -> Self {
        self.columns = if columns > Self::COLUMNS {
            Self::COLUMNS
        } else if columns < 40 {
            40
        } else {
            columns
        };
        self
    }

    /// The glyph of a verdict.
    #[must_use]
    pub const fn glyph(&self, verdict: Verdict) -> &'static str {
        match (self.charset, verdict) {
            (Charset::Unicode, Verdict::Pass) => "✓",
            (Charset::Unicode, Verdict::Fail) => "✗",
            (Charset::Unicode, Verdict::Skipped) => "–",
            (Charset::Unicode, Verdict::Waived) => "◇",
            (Charset::Ascii, Verdict::Pass) => "ok",
            (Charset::Ascii, Verdict::Fail) => "x",
            (Charset::Ascii, Verdict::Skipped) => "-",
            (Charset::Ascii, Verdict::Waived) => "w",
            (_, Verdict::Inconclusive) => "?",
        }
    }

    /// The same glyph, one column wide: what a bar is made of.
    pub(crate) const fn tick(&self, verdict: Verdict) -> &'static str {
        match (self.charset, verdict) {
            (Charset::Unicode, Verdict::Pass) => "━",
            (Charset::Ascii, Verdict::Pass) => "=",
            _ => self.glyph(verdict),
        }
    }

    /// The mark of a flow that is declared as allowed.
    pub(crate) const fn arrow(&self) -> &'static str {
        match self.charset {
            Charset::Unicode => "→",
            Charset::Ascii => ">",
        }
    }

    /// What stands where there is nothing to say.
    pub(crate) const fn nothing(&self) -> &'static str {
        match self.charset {
            Charset::Unicode => "·",
            Charset::Ascii => ".",
        }
    }

    /// What stands for letters that were left out.
    pub(crate) const fn ellipsis(&self) -> &'static str {
        match self.charset {
            Charset::Unicode => "…",
            Charset::Ascii => "..",
        }
    }

    /// Text from outside, as this surface can show it.
    pub(crate) fn shown<'t>(&self, text: &'t str) -> Cow<'t, str> {
        visible_in(text, self.charset)
    }

    /// Text in a verdict's colour.
    #[must_use]
    pub fn verdict(&self, verdict: Verdict, text: &str) -> String {
        self.paint(self.colour(verdict), text)
    }

    /// Text that must not be overlooked, in a verdict's colour.
    #[must_use]
    pub fn loud(&self, verdict: Verdict, text: &str) -> String {
        self.paint(self.colour(verdict).bold(), text)
    }

    /// Text that stands back.
    #[must_use]
    pub fn quiet(&self, text: &str) -> String {
        self.paint(self.colour(Verdict::Skipped), text)
    }

    fn paint(&self, paint: Paint, text: &str) -> String {
        if self.palette == Palette::Plain { text.to_owned() } else { format!("{paint}{text}{paint:#}") }
    }

    /// LOOK's palette; its nearest neighbours where a terminal has sixteen colours.
    fn colour(&self, verdict: Verdict) -> Paint {
        let rgb = |r, g, b| Color::Rgb(RgbColor(r, g, b));
        let colour = match (self.palette, verdict) {
            (Palette::Plain, _) => return Paint::new(),
            (Palette::Light, Verdict::Pass) => rgb(0x0b, 0x7a, 0x75),
            (Palette::Light, Verdict::Fail) => rgb(0xc7, 0x36, 0x1e),
            (Palette::Light, Verdict::Inconclusive) => rgb(0x8a, 0x61, 0x00),
            (Palette::Light, Verdict::Skipped) => rgb(0x5c, 0x67, 0x73),
            (Palette::Light, Verdict::Waived) => rgb(0x6b, 0x4f, 0xa0),
            (Palette::Dark, Verdict::Pass) => rgb(0x4f, 0xd1, 0xc5),
            (Palette::Dark, Verdict::Fail) => rgb(0xff, 0x8a, 0x73),
            (Palette::Dark, Verdict::Inconclusive) => rgb(0xf2, 0xc1, 0x4e),
            (Palette::Dark, Verdict::Skipped) => rgb(0x9a, 0xa5, 0xb1),
            (Palette::Dark, Verdict::Waived) => rgb(0xb7, 0x9c, 0xf0),
            (Palette::Ansi, Verdict::Pass) => AnsiColor::Cyan.into(),
            (Palette::Ansi, Verdict::Fail) => AnsiColor::Red.into(),
            (Palette::Ansi, Verdict::Inconclusive) => AnsiColor::Yellow.into(),
            (Palette::Ansi, Verdict::Skipped) => Ansi256Color::from_ansi(AnsiColor::BrightBlack).into(),
            (Palette::Ansi, Verdict::Waived) => AnsiColor::Magenta.into(),
        };
        Paint::new().fg_color(Some(colour))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn detect(env: &str, is_terminal: bool) -> Style {
        let find = |name: &str| {
            env.split(' ')
                .filter_map(|pair| pair.split_once('='))
                .find(|(key, _)| *key == name)
                .map(|(_, v)| v.to_owned())
        };
        Style::detect(find, is_terminal)
    }

    #[rstest]
    #[case::terminal("TERM=xterm", true, Palette::Ansi)]
    #[case::no_terminal("TERM=xterm COLORTERM=truecolor", false, Palette::Plain)]
    #[case::truecolor("COLORTERM=truecolor", true, Palette::Dark)]
    #[case::truecolor_by_its_other_name("COLORTERM=24bit", true, Palette::Dark)]
    #[case::colorterm_of_sixteen("COLORTERM=rxvt", true, Palette::Ansi)]
    #[case::light("COLORTERM=truecolor COLORFGBG=0;default;15", true, Palette::Light)]
    #[case::dark("COLORTERM=truecolor COLORFGBG=15;0", true, Palette::Dark)]
    #[case::no_color("NO_COLOR=1 COLORTERM=truecolor", true, Palette::Plain)]
    #[case::empty_no_color("NO_COLOR= COLORTERM=truecolor", true, Palette::Dark)]
    #[case::no_color_wins("NO_COLOR=1 CLICOLOR_FORCE=1", true, Palette::Plain)]
    #[case::clicolor_off("CLICOLOR=0", true, Palette::Plain)]
    #[case::clicolor_on_is_no_force("CLICOLOR=1", false, Palette::Plain)]
    #[case::forced("CLICOLOR_FORCE=1", false, Palette::Ansi)]
    #[case::forced_over_off("CLICOLOR_FORCE=1 CLICOLOR=0 TERM=dumb", false, Palette::Ansi)]
    #[case::not_forced("CLICOLOR_FORCE=0", false, Palette::Plain)]
    #[case::dumb("TERM=dumb COLORTERM=truecolor", true, Palette::Plain)]
    fn chooses_colours(#[case] env: &str, #[case] is_terminal: bool, #[case] palette: Palette) {
        assert_eq!(detect(env, is_terminal).palette, palette);
    }

    #[rstest]
    #[case::nothing_set("", Charset::Ascii)]
    #[case::posix("LANG=C", Charset::Ascii)]
    #[case::lang("LANG=en_GB.UTF-8", Charset::Unicode)]
    #[case::other_spelling("LANG=C.utf8", Charset::Unicode)]
    #[case::ctype_over_lang("LC_CTYPE=C LANG=en_GB.UTF-8", Charset::Ascii)]
    #[case::all_over_ctype("LC_ALL=C.UTF-8 LC_CTYPE=C", Charset::Unicode)]
    #[case::empty_counts_as_unset("LC_ALL= LANG=de_DE.UTF-8", Charset::Unicode)]
    #[case::latin("LANG=de_DE.ISO-8859-1", Charset::Ascii)]
    fn chooses_characters(#[case] env: &str, #[case] charset: Charset) {
        assert_eq!(detect(env, true).charset, charset);
    }

    #[rstest]
    #[case(20, 40)]
    #[case(80, 80)]
    #[case(300, 100)]
    fn keeps_to_a_reading_width(#[case] columns: usize, #[case] filled: usize) {
        assert_eq!(Style::PLAIN.with_columns(columns).columns, filled);
    }
}
