//! Where server and client run, and how much processor time a process has taken.

use std::fmt::{self, Display, Formatter};
use std::io;
use std::sync::OnceLock;
use std::time::Duration;

/// Where this program may run, as was found out before it was moved for the first time.
static ALLOWED: OnceLock<Vec<usize>> = OnceLock::new();

/// The processors of the server, and that of the client.
#[derive(Debug)]
pub struct Processors {
    server: Vec<usize>,
    client: usize,
}

impl Processors {
    /// Takes a processor for each worker of the server and another for the client. If there are too few, the client
    /// shares the last one.
    ///
    /// # Errors
    ///
    /// If it cannot be found out where this program may run; other systems than Linux are not supported.
    pub fn new(workers: usize) -> io::Result<Self> {
        let now = system::allowed()?;
        let allowed = ALLOWED.get_or_init(|| now);
        let server = allowed.iter().copied().take(workers).collect();
        let client = allowed.get(workers).or(allowed.last()).copied().ok_or(io::ErrorKind::Unsupported)?;
        Ok(Self { server, client })
    }

    /// Moves this thread to where the server is to run, as will be what it starts.
    pub(super) fn be_server(&self) -> io::Result<()> {
        system::move_to(&self.server)
    }

    /// Moves this thread to where the client is to run.
    pub(super) fn be_client(&self) -> io::Result<()> {
        system::move_to(&[self.client])
    }
}

impl Display for Processors {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { server, client } = self;
        let shared = if server.contains(client) { ", which is shared" } else { "" };
        write!(f, "server on processors {server:?}, client on {client}{shared}")
    }
}

/// The processor time that the threads of a process have taken so far, in user and system mode.
///
/// The files have nanoseconds, where `/proc/PID/stat` has hundredths of a second.
///
/// # Errors
///
/// If the system does not say.
pub(super) fn time_of(process: u32) -> io::Result<Duration> {
    let mut sum = 0;
    for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
        let figures = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        let first = figures.split_whitespace().next().and_then(|first| first.parse::<u64>().ok());
        sum += first.ok_or(io::ErrorKind::InvalidData)?;
    }
    Ok(Duration::from_nanos(sum))
}

#[cfg(target_os = "linux")]
mod system {
    use std::io;

    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    pub(super) fn allowed() -> io::Result<Vec<usize>> {
        let set = sched_getaffinity(None)?;
        Ok((0..CpuSet::MAX_CPU).filter(|processor| set.is_set(*processor)).collect())
    }

    pub(super) fn move_to(processors: &[usize]) -> io::Result<()> {
        let mut set = CpuSet::new();
        for processor in processors {
            set.set(*processor);
        }
        Ok(sched_setaffinity(None, &set)?)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;

    pub(super) fn allowed() -> io::Result<Vec<usize>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn move_to(_: &[usize]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};
    use std::thread;

    use super::*;

    #[test]
    fn the_client_shares_a_processor_only_if_there_are_too_few() {
        let allowed = system::allowed().unwrap();
        let all = Processors::new(allowed.len()).unwrap();
        assert_eq!((&all.server, Some(&all.client)), (&allowed, allowed.last()));
        assert!(all.to_string().ends_with("which is shared"), "{all}");
        if allowed.len() > 1 {
            let apart = Processors::new(1).unwrap();
            assert_eq!((&*apart.server, apart.client), (&allowed[..1], allowed[1]));
        }
    }

    #[test]
    fn a_thread_is_moved_to_where_it_is_to_run() {
        thread::spawn(|| {
            let processors = Processors::new(1).unwrap();
            processors.be_client().unwrap();
            assert_eq!(system::allowed().unwrap(), [processors.client]);
            processors.be_server().unwrap();
            assert_eq!(system::allowed().unwrap(), processors.server);
            // That does not change which there are.
            let again = Processors::new(1).unwrap();
            assert_eq!((again.server, again.client), (processors.server, processors.client));
        })
        .join()
        .unwrap();
    }

    #[test]
    fn the_processor_time_is_that_of_the_process() {
        let [busy, idle] = ["while :; do :; done", "read line"]
            .map(|script| Command::new("sh").args(["-c", script]).stdin(Stdio::piped()).spawn().unwrap());
        while time_of(busy.id()).unwrap() < Duration::from_millis(100) {
            thread::sleep(Duration::from_millis(1));
        }
        assert!(time_of(idle.id()).unwrap() < Duration::from_millis(50));
        for mut child in [busy, idle] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert!(time_of(u32::MAX).is_err());
    }
}
