//! TLS, as options of a command line.

use std::path::PathBuf;

use clap::Args;
use jsonframe_std::tls::{self, ConfigError};
use rustls::{ClientConfig, ServerConfig};

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

/// Whom a client trusts over TLS, and who it is, if it speaks TLS.
#[derive(Args)]
pub struct ClientTls {
    /// Speak TLS, with a server that has a certificate of one of these authorities, in PEM
    #[arg(long = "tls-ca", help_heading = "TLS", value_name = "FILE")]
    ca: Option<PathBuf>,

    /// The client's own certificate, for servers that ask for it, and those that certify it, in PEM
    #[arg(long = "tls-cert", help_heading = "TLS", value_name = "FILE", requires_all = ["ca", "key"])]
    cert: Option<PathBuf>,

    /// Its private key, in PEM
    #[arg(long = "tls-key", help_heading = "TLS", value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

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
        let config = self.ca.as_ref().map(|ca| tls::client_config(ca, own));
        config.transpose().map_err(in_words)
    }

    /// What the certificate of a server must be for that is reached at this host.
    pub fn name<'a>(&'a self, host: &'a str) -> &'a str {
        self.name.as_deref().unwrap_or(host)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "to be given to `map_err`")]
fn in_words(error: ConfigError) -> String {
    format!("cannot speak TLS: {error}")
}
