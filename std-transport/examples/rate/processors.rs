//! Where servers and clients run, and how much processor time they take.

use std::time::{Duration, Instant};

pub(crate) use system::{be_client, be_server};

/// What has been measured: a rate or a size, and how much processor time client and server have taken together for one of what
/// is counted, if the system says so.
#[derive(Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) figure: f64,
    pub(crate) time: Option<Duration>,
}

/// Measures from when it is made.
pub(crate) struct Watch {
    pub(crate) start: Instant,
    time: Option<Duration>,
}

impl Watch {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now(), time: system::time() }
    }

    /// The rate of what there were `count` of.
    pub(crate) fn rate(&self, count: impl Into<f64>) -> Measured {
        let count = count.into();
        let figure = count / self.start.elapsed().as_secs_f64();
        let time = system::time().zip(self.time);
        let time = time.map(|(now, before)| now.saturating_sub(before).div_f64(count.max(1.0)));
        Measured { figure, time }
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::io;
    use std::sync::OnceLock;
    use std::time::Duration;

    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    use rustix::time::{ClockId, clock_gettime};

    /// The processor of all servers and that of all clients: the first two on which this program may run, if there are two.
    static PROCESSORS: OnceLock<[usize; 2]> = OnceLock::new();

    /// Moves this thread to where servers run, as will be what it starts.
    pub(crate) fn be_server() -> io::Result<()> {
        be(|[server, _]| server)
    }

    /// Moves this thread to where clients run, as will be what it starts.
    pub(crate) fn be_client() -> io::Result<()> {
        be(|[_, client]| client)
    }

    fn be(which: impl FnOnce([usize; 2]) -> usize) -> io::Result<()> {
        let now = sched_getaffinity(None)?;
        let processors = PROCESSORS.get_or_init(|| {
            let mut allowed = (0..CpuSet::MAX_CPU).filter(|processor| now.is_set(*processor));
            let first = allowed.next().unwrap_or_default();
            [first, allowed.next().unwrap_or(first)]
        });
        let mut set = CpuSet::new();
        set.set(which(*processors));
        Ok(sched_setaffinity(None, &set)?)
    }

    /// The processor time that this process has taken.
    pub(super) fn time() -> Option<Duration> {
        Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).ok()
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;
    use std::time::Duration;

    pub(crate) fn be_server() -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn be_client() -> io::Result<()> {
        Ok(())
    }

    pub(super) fn time() -> Option<Duration> {
        None
    }
}
