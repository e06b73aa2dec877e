//! The address of a server, as it is given on a command line.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;
use std::str::FromStr;

use crate::dial::without_brackets;

/// Where a server is, or is to be: `HOST:PORT` or `unix:PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A host, without brackets, and a port.
    Tcp(String, u16),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl Default for Address {
    fn default() -> Self {
        Self::Tcp("127.0.0.1".into(), 65432)
    }
}

impl FromStr for Address {
    type Err = String;

    /// Parses `HOST:PORT` or `unix:PATH`. An address of IPv6 is in brackets.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return match path {
                "" => Err("a path is missing after `unix:`".into()),
                _ if cfg!(not(unix)) => Err("there are no Unix sockets on this system".into()),
                path => Ok(Self::Unix(path.into())),
            };
        }
        let (host, port) = text.rsplit_once(':').ok_or("expected HOST:PORT or unix:PATH")?;
        if host.is_empty() {
            return Err("a host is missing before the port".into());
        }
        if host.contains(':') && without_brackets(host) == host {
            return Err(format!("an IPv6 address is in brackets where a port follows: [{host}]:{port}"));
        }
        let number = port.parse().map_err(|_| format!("the port {port:?} is not a number from 0 to 65535"))?;
        Ok(Self::Tcp(without_brackets(host).into(), number))
    }
}

impl Display for Address {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_printed_as_it_was_given() {
        for text in ["127.0.0.1:65432", "[::1]:0", "example.org:1", "unix:/run/a b", "[fe80::1%lo]:7"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_wrong_with_an_address_is_said() {
        for (text, reason) in [
            ("example.org", "expected HOST:PORT or unix:PATH"),
            ("", "expected HOST:PORT or unix:PATH"),
            (":80", "a host is missing before the port"),
            ("::1", "an IPv6 address is in brackets where a port follows: [:]:1"),
            ("a:65536", "the port \"65536\" is not a number from 0 to 65535"),
            ("a:-1", "the port \"-1\" is not a number from 0 to 65535"),
            ("unix:", "a path is missing after `unix:`"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap_err(), reason);
        }
    }
}
