//! Work that can be measured, ours or a peer's.

use std::io;
use std::time::Instant;

use crate::sink::{Glance, Record, Seen, Sink};

/// Something to do, again and again.
pub trait Work {
    /// Makes ready for a run. This is not measured.
    fn prepare(&mut self) {}

    /// Does the work once, and hands over all that it finds.
    fn run<S: Sink>(&mut self, sink: &mut S);
}

/// [`Work`] behind one face, or a measurement that is made elsewhere.
pub trait Side {
    /// Does the work once and keeps everything that it finds.
    ///
    /// # Errors
    ///
    /// If the work is done elsewhere and there is no answer.
    fn record(&mut self) -> io::Result<Vec<Seen>>;

    /// Does the work once and takes its time.
    ///
    /// # Errors
    ///
    /// If the work is done elsewhere and there is no answer.
    fn time(&mut self) -> io::Result<Timing>;
}

/// What a measured run came to.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How long it took, in nanoseconds.
    pub ns: f64,
    /// What was glanced at, added up: the same in every run of the same work.
    pub glance: u64,
}

impl<W: Work> Side for W {
    fn record(&mut self) -> io::Result<Vec<Seen>> {
        let mut record = Record::default();
        self.prepare();
        self.run(&mut record);
        Ok(record.seen().to_vec())
    }

    fn time(&mut self) -> io::Result<Timing> {
        let mut glance = Glance::default();
        self.prepare();
        let start = Instant::now();
        self.run(&mut glance);
        let ns = start.elapsed().as_secs_f64() * 1e9;
        Ok(Timing { ns, glance: glance.sum })
    }
}
