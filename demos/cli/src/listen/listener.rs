//! Where the server listens: on TCP or on a Unix socket.

use std::io::{self, ErrorKind};
use std::net::TcpListener;
#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};
#[cfg(unix)]
use std::path::Path;
use std::path::PathBuf;

use crate::address::Address;
use crate::connect::Stream;

/// A listener that blocks.
pub(super) enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener, PathBuf),
}

impl Listener {
    /// Listens there.
    ///
    /// # Errors
    ///
    /// Why that is not possible, in words.
    pub(super) fn bind(address: &Address) -> Result<Self, String> {
        let bound = match address {
            Address::Tcp(host, port) => TcpListener::bind((host.as_str(), *port)).map(Self::Tcp),
            #[cfg(unix)]
            Address::Unix(path) => bind_path(path).map(|listener| Self::Unix(listener, path.clone())),
            #[cfg(not(unix))]
            Address::Unix(_) => Err(ErrorKind::Unsupported.into()),
        };
        bound.map_err(|error| format!("cannot listen on {address}: {error}"))
    }

    /// Where it listens, as clients are told.
    pub(super) fn name(&self) -> io::Result<String> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(|address| address.to_string()),
            #[cfg(unix)]
            Self::Unix(_, path) => Ok(Address::Unix(path.clone()).to_string()),
        }
    }

    /// The file to be removed at the end, if there is one.
    pub(super) fn file(&self) -> Option<PathBuf> {
        match self {
            #[cfg(unix)]
            Self::Unix(_, path) => Some(path.clone()),
            _ => None,
        }
    }

    /// Waits for the next connection, and says whose it is.
    pub(super) fn accept(&self) -> io::Result<(Stream, String)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept()?;
                stream.set_nodelay(true)?;
                Ok((Stream::Tcp(stream), peer.to_string()))
            }
            #[cfg(unix)]
            Self::Unix(listener, _) => Ok((Stream::Unix(listener.accept()?.0), "a Unix socket".into())),
        }
    }
}

/// Listens at this path, in place of a server that does not run any more.
#[cfg(unix)]
fn bind_path(path: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let is_left_over =
                UnixStream::connect(path).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused);
            if !is_left_over {
                return Err(error);
            }
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        outcome => outcome,
    }
}
