//! TLS, as options of a command line.

use std::io::{self, ErrorKind, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use jsonframe_std::tls::{self, ConfigError};
use rustls::{ClientConfig, InvalidMessage, ServerConfig, ServerConnection};

use crate::address::Address;

/// With which certificates a server speaks TLS, if it does.
#[derive(Args)]
pub struct ServerTls {
    /// Speak TLS over TCP, with this certificate and those that certify it, in PEM
    #[arg(long = "tls-cert", help_heading = "TLS", value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,

    /// Its private key, in PEM
    #[arg(long = "tls-key", help_heading = "TLS", value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// Serve only clients that have a certificate of one of these authorities, in PEM
    #[arg(long = "tls-client-ca", help_heading = "TLS", value_name = "FILE", requires = "cert")]
    client_ca: Option<PathBuf>,
}

impl ServerTls {
    /// The configuration, if TLS is to be spoken at this address.
    ///
    /// # Errors
    ///
    /// What is wrong with a file or with the address, in words.
    pub(crate) fn config_at(&self, address: &Address) -> Result<Option<Arc<ServerConfig>>, String> {
        match (self.config()?, address) {
            (Some(_), Address::Unix(_)) => Err("there is no TLS over a Unix socket".into()),
            (config, _) => Ok(config.map(Arc::new)),
        }
    }

    /// The configuration, if TLS is to be spoken.
    ///
    /// # Errors
    ///
    /// What is wrong with a file, in words.
    pub fn config(&self) -> Result<Option<ServerConfig>, String> {
        let files = self.cert.as_ref().zip(self.key.as_ref());
        let config = files.map(|(cert, key)| tls::server_config(cert, key, self.client_ca.as_deref()));
        config.transpose().map_err(in_words)
    }
}

/// Completes the handshake with a client.
///
/// # Errors
///
/// What went wrong, in words: of the kind [`ErrorKind::UnexpectedEof`] if the client has left.
pub(crate) fn handshake(session: &mut ServerConnection, mut stream: impl Read + Write) -> io::Result<()> {
    let mut shake = || {
        while session.is_handshaking() {
            // If something had come before a read was too late, rustls does not say that it was: the next read will be.
            if session.complete_io(&mut stream)? == (0, 0) {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    };
    shake().map_err(|error: io::Error| {
        let hint = match error.get_ref().and_then(|error| error.downcast_ref()) {
            Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => "; the peer does not speak TLS",
            _ => "",
        };
        io::Error::new(error.kind(), format!("no TLS: {error}{hint}"))
    })
}

/// Whom a client trusts over TLS, and who it is, if it speaks TLS.
#[derive(Args)]
pub struct ClientTls {
    #[command(flatten)]
    trust: Trust,

    /// The client's own certificate, for servers that ask for it, and those that certify it, in PEM
    #[arg(long = "tls-cert", help_heading = "TLS", value_name = "FILE", requires_all = ["peer", "key"])]
    cert: Option<PathBuf>,

    /// Its private key, in PEM
    #[arg(long = "tls-key", help_heading = "TLS", value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
}

/// Which servers a client trusts.
#[derive(Args, Clone)]
struct Trust {
    /// Speak TLS, with a server that has a certificate of one of these authorities, in PEM
    #[arg(long = "tls-ca", help_heading = "TLS", value_name = "FILE", group = "peer")]
    ca: Option<PathBuf>,

    /// The name or the address that the server's certificate must be for [default: HOST]
    #[arg(long = "tls-name", help_heading = "TLS", value_name = "NAME", requires = "ca")]
    name: Option<String>,
}

impl ClientTls {
    /// The configuration, if TLS is to be spoken.
    ///
    /// # Errors
    ///
    /// What is wrong with a file, in words.
    pub fn config(&self) -> Result<Option<ClientConfig>, String> {
        let own = self.cert.as_deref().zip(self.key.as_deref());
        let config = self.trust.ca.as_ref().map(|ca| tls::client_config(ca, own));
        config.transpose().map_err(in_words)
    }

    /// The configuration of a server with this certificate at this address, if there is one, for programs that can be either.
    /// Their option to be a server is one of the group `peer`, without which no certificate can be given.
    ///
    /// # Errors
    ///
    /// What is wrong with a file or with the address, in words.
    pub(crate) fn server_config_at(&self, address: &Address) -> Result<Option<Arc<ServerConfig>>, String> {
        ServerTls { cert: self.cert.clone(), key: self.key.clone(), client_ca: None }.config_at(address)
    }

    /// What the certificate of a server must be for that is reached at this host.
    pub fn name<'a>(&'a self, host: &'a str) -> &'a str {
        self.trust.name.as_deref().unwrap_or(host)
    }
}

/// TLS on both sides of a program that is a server to its clients, and a client to a server.
#[derive(Args)]
pub(crate) struct BothTls {
    /// On the side of the clients.
    #[command(flatten)]
    pub(crate) server: ServerTls,

    #[command(flatten)]
    trust: Trust,

    /// The certificate that is shown to a server that asks for it, and those that certify it, in PEM
    #[arg(long = "tls-to-cert", help_heading = "TLS", value_name = "FILE", requires_all = ["ca", "to_key"])]
    to_cert: Option<PathBuf>,

    /// Its private key, in PEM
    #[arg(long = "tls-to-key", help_heading = "TLS", value_name = "FILE", requires = "to_cert")]
    to_key: Option<PathBuf>,
}

impl BothTls {
    /// On the side of the server.
    pub(crate) fn client(&self) -> ClientTls {
        ClientTls { trust: self.trust.clone(), cert: self.to_cert.clone(), key: self.to_key.clone() }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "to be given to `map_err`")]
fn in_words(error: ConfigError) -> String {
    format!("cannot speak TLS: {error}")
}
