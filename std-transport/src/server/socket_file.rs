//! The file of a Unix socket: whose it is, and that it does not stay.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

use super::listener::length;

/// The file of a socket that listens, removed when dropped, unless it is another one by then.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
}

impl SocketFile {
    fn identity(metadata: &Metadata) -> (u64, u64) {
        (metadata.dev(), metadata.ino())
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|metadata| Self::identity(&metadata) == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Listens on a socket of this path, in place of one on which nobody listens any more.
pub(super) fn listen(path: &Path, backlog: u32) -> io::Result<(UnixListener, SocketFile)> {
    // Whatever becomes of the working directory.
    let path = std::path::absolute(path)?;
    let address = SockAddr::unix(&path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    match socket.bind(&address) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            check_abandoned(&path, &address)?;
            fs::remove_file(&path)?;
            socket.bind(&address)?;
        }
        outcome => outcome?,
    }
    let identity = SocketFile::identity(&fs::symlink_metadata(&path)?);
    let file = SocketFile { path, identity };
    socket.listen(length(backlog))?;
    Ok((socket.into(), file))
}

/// Checks that the file is a socket, and that nobody listens on it.
fn check_abandoned(path: &Path, address: &SockAddr) -> io::Result<()> {
    let in_use = |text: &str| Err(io::Error::new(ErrorKind::AddrInUse, format!("{}: {text}", path.display())));
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return in_use("there is a file that is no socket");
    }
    let client = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // A server that is busy may have a full backlog.
    client.set_nonblocking(true)?;
    match client.connect(address) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
        Err(error) if !matches!(error.kind(), ErrorKind::WouldBlock) => Err(error),
        _ => in_use("a server listens there already"),
    }
}
