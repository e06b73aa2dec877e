//! How far long content is, for whoever watches the terminal.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Read};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressFinish, ProgressStyle};

/// What takes less time needs no bar.
const LONG: Duration = Duration::from_secs(1);

/// What a bar shows: what is done and how much of it, how fast, and the time left.
const TEMPLATE: &str = "{msg} [{bar:30}] {bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left";

/// A bar for this many bytes, which is shown until it is dropped.
pub(crate) fn bar(bars: &MultiProgress, total: u64, message: impl Into<Cow<'static, str>>) -> ProgressBar {
    let style = ProgressStyle::with_template(TEMPLATE);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ");
    let bar = ProgressBar::new(total).with_style(style).with_message(message).with_finish(ProgressFinish::AndClear);
    bars.add(bar)
}

/// Where bars are drawn: on stderr, if that is a terminal.
#[derive(Clone)]
pub(crate) struct Meter(Option<MultiProgress>);

impl Meter {
    /// A meter that shows bars, if they are wanted and can be seen.
    pub(crate) fn new(wanted: bool) -> Self {
        Self((wanted && io::stderr().is_terminal()).then(MultiProgress::new))
    }

    /// Measures something of this length, which is shown when it takes long.
    pub(crate) fn start(&self, activity: &'static str, total: u64) -> Metered {
        Metered { meter: self.clone(), activity, total, moved: 0, since: Instant::now(), bar: None }
    }
}

/// Something that is measured, until it is dropped.
pub(crate) struct Metered {
    meter: Meter,
    activity: &'static str,
    total: u64,
    moved: u64,
    since: Instant,
    bar: Option<ProgressBar>,
}

impl Metered {
    /// Counts bytes.
    pub(crate) fn advance(&mut self, bytes: usize) {
        let Some(bars) = &self.meter.0 else { return };
        self.moved += bytes as u64;
        if self.bar.is_none() && self.since.elapsed() >= LONG {
            self.bar = Some(bar(bars, self.total, self.activity).with_elapsed(self.since.elapsed()));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.moved);
        }
    }

    /// The same source, counted.
    pub(crate) fn count<'a>(&'a mut self, source: impl Read + 'a) -> impl Read + 'a {
        Counted { metered: self, source }
    }
}

struct Counted<'a, R> {
    metered: &'a mut Metered,
    source: R,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(place)?;
        self.metered.advance(count);
        Ok(count)
    }
}
