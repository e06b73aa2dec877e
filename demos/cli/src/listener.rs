//! Where a command listens, one connection after the other: TCP, or a Unix socket.

#[cfg(unix)]
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream};
#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};
#[cfg(unix)]
use std::path::{Path, PathBuf};

use crate::address::Address;

/// A listener, whose `accept` blocks.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener, SocketFile),
}

/// A connection that has been accepted.
#[derive(Debug)]
pub(crate) enum Accepted {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Listener {
    /// Listens there. A Unix socket takes the place of one on which nobody listens any more.
    pub(crate) fn bind(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp(host, port) => TcpListener::bind((host.as_str(), *port)).map(Self::Tcp),
            #[cfg(unix)]
            Address::Unix(path) => SocketFile::listen(path).map(|(listener, file)| Self::Unix(listener, file)),
            #[cfg(not(unix))]
            Address::Unix(_) => Err(ErrorKind::Unsupported.into()),
        }
    }

    /// Where it listens: the port is known by now.
    pub(crate) fn address(&self) -> io::Result<Address> {
        match self {
            Self::Tcp(listener) => {
                listener.local_addr().map(|address| Address::Tcp(address.ip().to_string(), address.port()))
            }
            #[cfg(unix)]
            Self::Unix(_, file) => Ok(Address::Unix(file.path.clone())),
        }
    }

    /// Has [`accept`](Self::accept) fail with [`ErrorKind::WouldBlock`] where there is no connection, instead of waiting.
    pub(crate) fn do_not_wait(&self) -> io::Result<()> {
        match self {
            Self::Tcp(listener) => listener.set_nonblocking(true),
            #[cfg(unix)]
            Self::Unix(listener, _) => listener.set_nonblocking(true),
        }
    }

    /// Waits for a connection, and says who it is from. Whoever is gone by then is passed over.
    pub(crate) fn accept(&self) -> io::Result<(Accepted, String)> {
        loop {
            let accepted = match self {
                Self::Tcp(listener) => {
                    let accepted =
                        listener.accept().and_then(|(stream, peer)| stream.set_nodelay(true).map(|()| (stream, peer)));
                    accepted.map(|(stream, peer)| (Accepted::Tcp(stream), peer.to_string()))
                }
                #[cfg(unix)]
                Self::Unix(listener, _) => listener.accept().map(|(stream, _)| (Accepted::Unix(stream), "unix".into())),
            };
            match accepted {
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
                accepted => return accepted,
            }
        }
    }

    /// What is to be removed when the program ends.
    #[cfg(unix)]
    pub(crate) fn file(&self) -> Option<SocketFile> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(_, file) => Some(file.clone()),
        }
    }
}

/// The file of a Unix socket that listens.
#[cfg(unix)]
#[derive(Clone, Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
}

#[cfg(unix)]
impl SocketFile {
    fn listen(path: &Path) -> io::Result<(UnixListener, Self)> {
        // Whatever becomes of the working directory.
        let path = std::path::absolute(path)?;
        let listener = match UnixListener::bind(&path) {
            Err(error) if error.kind() == ErrorKind::AddrInUse && is_abandoned(&path) => {
                fs::remove_file(&path)?;
                UnixListener::bind(&path)?
            }
            bound => bound?,
        };
        let metadata = fs::symlink_metadata(&path)?;
        Ok((listener, Self { path, identity: (metadata.dev(), metadata.ino()) }))
    }

    /// Removes the file, unless it is another one by now.
    pub(crate) fn remove(&self) {
        let is_same = |metadata: fs::Metadata| (metadata.dev(), metadata.ino()) == self.identity;
        if fs::symlink_metadata(&self.path).is_ok_and(is_same) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether this is a socket on which nobody listens.
#[cfg(unix)]
fn is_abandoned(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;

    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket())
        && UnixStream::connect(path).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}
