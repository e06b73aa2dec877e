//! How far the files are, for whoever watches the terminal.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};
use std::fmt::Display;

use crate::console::{Console, Kind};
use crate::exchange::bar;
use crate::text::Printable;

/// Bars on a terminal, below the lines of a console.
#[derive(Clone)]
pub(super) struct Progress {
    bars: MultiProgress,
    console: Console,
}

impl Progress {
    /// Bars on stderr, or none when that is not a terminal.
    pub(super) fn standard(console: Console) -> Self {
        Self::new(ProgressDrawTarget::stderr(), console)
    }

    fn new(target: ProgressDrawTarget, console: Console) -> Self {
        Self { bars: MultiProgress::with_draw_target(target), console }
    }

    /// The console, for whoever reads from it or asks how it does. Lines are to be written through this type, so that they
    /// do not run into the bars.
    pub(super) const fn console(&self) -> &Console {
        &self.console
    }

    /// Writes a line to the output, above the bars.
    pub(super) fn say(&self, line: impl Display) {
        self.bars.suspend(|| self.console.say(line));
    }

    /// Writes a line about what peers can cause to the error output, above the bars.
    pub(super) fn complain_of(&self, kind: Kind, line: impl Display) {
        self.bars.suspend(|| self.console.complain_of(kind, line));
    }

    /// Takes all bars off the screen.
    pub(super) fn clear(&self) {
        // A terminal that is gone shows none.
        let _ = self.bars.clear();
    }

    /// A bar for this many bytes, which is shown until it is dropped.
    pub(super) fn bar(&self, activity: &str, name: &str, total: u64) -> ProgressBar {
        bar(&self.bars, total, format!("{activity} {}", Printable(name)))
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use indicatif::InMemoryTerm;

    use super::*;

    #[test]
    fn a_terminal_shows_a_bar_until_the_end() {
        let terminal = InMemoryTerm::new(5, 100);
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        let progress = Progress::new(target, Console::new(io::sink(), io::sink()));
        let bar = progress.bar("sending", "big\u{1B}[2J.bin", 4096);
        bar.inc(1024);
        bar.tick();
        let shown = terminal.contents();
        assert!(
            shown.starts_with(r"sending big\u{1b}[2J.bin [=======>                      ] 1.00 KiB of 4.00 KiB, "),
            "{shown}"
        );
        assert!(shown.ends_with(" left"), "{shown}");
        progress.say("a line");
        assert!(terminal.contents().contains("KiB"));
        drop(bar);
        assert_eq!(terminal.contents(), "");
    }
}
