//! What a server listens on, as options of a command line.

use std::io;
use std::net::{SocketAddr, TcpListener};
#[cfg(unix)]
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use jsonframe_cli::dial::without_brackets;
use jsonframe_cli::tls::ServerTls;
use jsonframe_std::server::{Address, Listener};

use crate::metrics;

/// Where a server listens.
#[derive(Args)]
pub struct ListenOptions {
    /// Where to listen: an address, or a name, of whose addresses the first is taken that can be listened on
    #[arg(default_value = "127.0.0.1")]
    host: String,

    /// The port; 0 for a free one
    #[arg(default_value_t = 65432)]
    port: u16,

    /// Listen on a Unix socket too, whose file is removed at the end
    #[cfg(unix)]
    #[arg(long, value_name = "PATH")]
    unix: Option<PathBuf>,

    /// Expect a PROXY header before each connection over TCP, and show the client's address that it gives
    ///
    /// It is believed, so that only a proxy must be able to connect
    #[arg(long)]
    proxy_protocol: bool,

    /// Serve figures for Prometheus at http://HOST:PORT/metrics; port 0 for a free one
    ///
    /// They are for whoever can connect there
    #[arg(long, value_name = "HOST:PORT", value_parser = metrics::host_and_port)]
    metrics: Option<String>,

    #[command(flatten)]
    tls: ServerTls,
}

/// What a server listens on.
pub struct Listening {
    /// The first.
    pub first: Listener,
    /// The others, if there are any.
    pub others: Vec<Listener>,
    /// What each is called, in their order, and last where metrics are served, if they are.
    pub names: Vec<String>,
}

impl ListenOptions {
    /// Listens: on the sockets that the program was started with, as systemd does it, otherwise on TCP; and on a Unix socket,
    /// if there is to be one. With `--metrics`, figures are served from then on. To be called once, before there are other threads,
    /// and before the server is made.
    ///
    /// # Errors
    ///
    /// Why that is not possible, in words.
    pub fn listen(&self) -> Result<Listening, String> {
        let tls = self.tls.config()?.map(Arc::new);
        #[cfg(not(unix))]
        let inherited = Vec::new();
        #[cfg(unix)]
        let inherited = Listener::inherited().map_err(|error| format!("cannot take the sockets over: {error}"))?;
        let prepared = |listener: Listener| {
            if !matches!(listener.address(), Address::Ip(_)) {
                // Nobody can listen in.
                return listener;
            }
            let listener = if self.proxy_protocol { listener.with_proxy_header() } else { listener };
            match &tls {
                Some(config) => listener.with_tls(Arc::clone(config)),
                None => listener,
            }
        };
        let mut listeners = inherited.into_iter();
        let first = prepared(listeners.next().map_or_else(|| self.tcp(), Ok)?);
        let mut others: Vec<_> = listeners.map(prepared).collect();
        let mut names: Vec<_> = [&first].into_iter().chain(&others).map(|one| one.address().to_string()).collect();
        #[cfg(unix)]
        if let Some(path) = &self.unix {
            let shown = path.display().to_string();
            others.push(Listener::unix(path).map_err(|error| format!("cannot listen on {shown}: {error}"))?);
            names.push(shown);
        }
        if let Some(at) = &self.metrics {
            names.push(format!("http://{}/metrics", metrics::serve(at)?));
        }
        Ok(Listening { first, others, names })
    }

    fn tcp(&self) -> Result<Listener, String> {
        Listener::tcp((without_brackets(&self.host), self.port)).map_err(cannot_listen(&self.host, self.port))
    }
}

/// Listens at this address, or at the first of this name's addresses where that is possible, and returns which it is.
///
/// # Errors
///
/// Why that is not possible, in words.
pub fn bind(host: &str, port: u16) -> Result<(TcpListener, SocketAddr), String> {
    let bound = TcpListener::bind((without_brackets(host), port));
    let bound = bound.and_then(|listener| listener.local_addr().map(|address| (listener, address)));
    bound.map_err(cannot_listen(host, port))
}

fn cannot_listen(host: &str, port: u16) -> impl FnOnce(io::Error) -> String {
    move |error| format!("cannot listen on {host} port {port}: {error}")
}
