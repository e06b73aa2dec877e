//! The drivers of a server, over each of which the same tests run.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::thread;

use jsonframe_std::protocol::Dialect;
use jsonframe_std::server::{Address, Handle, Handler, Limits, Listener, Server};

use super::Running;
#[cfg(feature = "tokio")]
use super::over_tokio;

/// What a server runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// A poller in each of this many threads.
    Workers(usize),
    /// A tokio runtime of this many threads.
    #[cfg(feature = "tokio")]
    Tokio(usize),
}

/// A handler of which each worker has a clone, or of which the calls come from all threads.
pub trait Shared: Handler<State: Send> + Clone + Send + Sync + 'static {}

impl<H: Handler<State: Send> + Clone + Send + Sync + 'static> Shared for H {}

/// A server that is bound and does not run yet.
pub struct Bound {
    pub address: SocketAddr,
    pub handle: Handle,
    pub run: Box<dyn FnOnce() -> io::Result<()> + Send>,
}

impl Driver {
    pub const ALL: &[Self] = &[
        Self::Workers(1),
        Self::Workers(3),
        #[cfg(feature = "tokio")]
        Self::Tokio(1),
        #[cfg(feature = "tokio")]
        Self::Tokio(2),
    ];

    /// A server that runs.
    pub fn start(self, limits: Limits, handler: impl Shared) -> Running {
        self.bind(limits, handler).start()
    }

    /// A server that runs and speaks these dialects, the one when it receives and the other one when it sends.
    pub fn speak(self, limits: Limits, dialects: [&'static Dialect; 2], handler: impl Shared) -> Running {
        self.build(Vec::new(), limits, dialects, handler).start()
    }

    pub fn bind(self, limits: Limits, handler: impl Shared) -> Bound {
        self.build(Vec::new(), limits, [&Dialect::STANDARD; 2], handler)
    }

    /// A server on this listener that runs.
    pub fn listen(self, listener: TcpListener, limits: Limits, handler: impl Shared) -> Running {
        self.serve(vec![Listener::try_from(listener).unwrap()], limits, handler)
    }

    /// A server on these listeners that runs.
    pub fn serve(self, listeners: Vec<Listener>, limits: Limits, handler: impl Shared) -> Running {
        self.bind_to(listeners, limits, handler).start()
    }

    pub fn bind_to(self, listeners: Vec<Listener>, limits: Limits, handler: impl Shared) -> Bound {
        self.build(listeners, limits, [&Dialect::STANDARD; 2], handler)
    }

    fn build(
        self,
        listeners: Vec<Listener>,
        limits: Limits,
        [receiving, sending]: [&'static Dialect; 2],
        handler: impl Shared,
    ) -> Bound {
        match self {
            Self::Workers(count) => {
                let mut listeners = listeners.into_iter();
                let server = match listeners.next() {
                    Some(first) => listeners.fold(Server::new(first, limits), Server::with_listener),
                    None => Server::bind("127.0.0.1:0", limits).unwrap(),
                };
                let mut server = server.with_dialect(receiving);
                if receiving != sending {
                    server = server.with_sending_dialect(sending);
                }
                let (address, handle) = (tcp_address(server.address()), server.handle());
                let run = Box::new(move || match count {
                    1 => server.run(handler),
                    _ => server.run_workers(vec![handler; count]),
                });
                Bound { address, handle, run }
            }
            #[cfg(feature = "tokio")]
            Self::Tokio(threads) => over_tokio::build(threads, listeners, limits, [receiving, sending], handler),
        }
    }

    /// How much memory an idle connection takes at most.
    pub const fn idle_size(self) -> usize {
        match self {
            Self::Workers(_) => 1024,
            // With optimization a task is about 2 KiB.
            #[cfg(feature = "tokio")]
            Self::Tokio(_) => 4096,
        }
    }

    /// The full name of one of the tests that [`on_drivers`] makes.
    pub fn name_of(self, test: &str) -> String {
        format!("{test}::{self}")
    }

    /// Runs a test over all drivers at the same time.
    pub fn run_all(test: fn(Self)) {
        let run = |driver: Self| thread::Builder::new().name(driver.to_string()).spawn(move || test(driver)).unwrap();
        let threads: Vec<_> = Self::ALL.iter().copied().map(run).collect();
        let failed = threads.into_iter().filter_map(|thread| {
            let name = thread.thread().name().map(str::to_owned);
            thread.join().is_err().then_some(name)
        });
        assert_eq!(failed.collect::<Vec<_>>(), []);
    }
}

/// The name of the driver's tests.
impl fmt::Display for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Workers(1) => "one_worker",
            Self::Workers(_) => "three_workers",
            #[cfg(feature = "tokio")]
            Self::Tokio(1) => "tokio_one_thread",
            #[cfg(feature = "tokio")]
            Self::Tokio(_) => "tokio_two_threads",
        })
    }
}

/// An address to connect to; nobody's if the server listens on a Unix socket alone.
pub fn tcp_address(address: Address) -> SocketAddr {
    address.socket_addr().unwrap_or(([0, 0, 0, 0], 0).into())
}

impl Bound {
    pub fn start(self) -> Running {
        Running { address: self.address, handle: self.handle, thread: Some(thread::spawn(self.run)) }
    }
}

/// Makes tests of these functions, which take a [`Driver`]: one over each of the drivers named, in a module of the
/// function's name.
#[allow(unused_macros, reason = "each test program uses what it needs")]
macro_rules! on_drivers {
    ($drivers:tt $($test:ident,)*) => {
        $(mod $test { $crate::running::driver::on_drivers!(@ $test $drivers); })*
    };
    (@ $test:ident [$($driver:ident)*]) => {
        $($crate::running::driver::on_drivers!(@ $test $driver);)*
    };
    (@ $test:ident one_worker) => {
        #[test] fn one_worker() { super::$test($crate::running::driver::Driver::Workers(1)); }
    };
    (@ $test:ident three_workers) => {
        #[test] fn three_workers() { super::$test($crate::running::driver::Driver::Workers(3)); }
    };
    (@ $test:ident tokio_one_thread) => {
        #[cfg(feature = "tokio")]
        #[test] fn tokio_one_thread() { super::$test($crate::running::driver::Driver::Tokio(1)); }
    };
    (@ $test:ident tokio_two_threads) => {
        #[cfg(feature = "tokio")]
        #[test] fn tokio_two_threads() { super::$test($crate::running::driver::Driver::Tokio(2)); }
    };
}

/// Makes tests of functions whose promise holds over every driver.
#[allow(unused_macros, reason = "each test program uses what it needs")]
macro_rules! on_each_driver {
    ($($test:ident,)*) => {
        $crate::running::driver::on_drivers! {
            [one_worker three_workers tokio_one_thread tokio_two_threads] $($test,)*
        }
    };
}

/// Makes one test of each of these functions, over every driver at the same time: for those that mostly wait.
#[allow(unused_macros, reason = "each test program uses what it needs")]
macro_rules! on_all_drivers_at_once {
    ($($test:ident,)*) => {
        mod all_drivers { $(#[test] fn $test() { $crate::running::driver::Driver::run_all(super::$test); })* }
    };
}

/// Makes tests of functions in which a handler stops everything, or in which the order of the calls of all connections
/// matters: over the drivers that do all in one thread.
#[allow(unused_macros, reason = "each test program uses what it needs")]
macro_rules! on_one_thread {
    ($($test:ident,)*) => {
        $crate::running::driver::on_drivers! { [one_worker tokio_one_thread] $($test,)* }
    };
}

/// Makes tests of functions that fill a limit for all connections together. Of several workers each has a share of it.
#[allow(unused_macros, reason = "each test program uses what it needs")]
macro_rules! on_undivided_totals {
    ($($test:ident,)*) => {
        $crate::running::driver::on_drivers! { [one_worker tokio_one_thread tokio_two_threads] $($test,)* }
    };
}

#[allow(unused_imports, reason = "each test program uses what it needs")]
pub(crate) use {on_all_drivers_at_once, on_drivers, on_each_driver, on_one_thread, on_undivided_totals};
