//! How to reach a mail server: name, port, TLS, login.

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName},
};
use std::{net::IpAddr, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use warifu_ports::mail::MailError;
use zeroize::Zeroizing;

/// A server, and what it wants from us.
#[derive(Debug, Clone)]
pub struct Access {
    /// Its name or address; with TLS, the name in its certificate.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
    /// How the line is protected.
    pub tls: Tls,
    /// The user that the server knows us by, if it wants one.
    pub login: Option<Login>,
}

/// How a line to a mail server is protected.
#[derive(Debug, Clone)]
pub enum Tls {
    /// TLS from the first byte (RFC 8314).
    Implicit(Roots),
    /// TLS after `STARTTLS`, without which nothing is sent.
    StartTls(Roots),
    /// None: allowed on this machine alone.
    None,
}

/// Whose certificates count.
#[derive(Debug, Clone)]
pub enum Roots {
    /// Those that the machine trusts.
    System,
    /// These alone, in DER.
    Only(Vec<CertificateDer<'static>>),
}

/// A user and a password. The password is wiped after use and never shown.
#[derive(Clone)]
pub struct Login {
    user: String,
    password: Zeroizing<String>,
}

impl Login {
    /// Keeps both.
    pub fn new(user: impl Into<String>, password: Zeroizing<String>) -> Login {
        Login { user: user.into(), password }
    }

    pub(super) fn user(&self) -> &str {
        &self.user
    }

    pub(super) fn password(&self) -> &str {
        &self.password
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").finish_non_exhaustive()
    }
}

/// A line to a server, with or without TLS.
pub(super) trait Line: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug> Line for T {}

impl Access {
    /// Refuses what would send mail or a password in clear over a network.
    pub(super) fn checked(&self) -> Result<&Access, MailError> {
        let local = self.host == "localhost"
            || self.host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        if matches!(self.tls, Tls::None) && !local {
            return Err(MailError::Setup("without TLS only a server on this machine is allowed"));
        }
        Ok(self)
    }

    pub(super) async fn connect(&self) -> Result<TcpStream, MailError> {
        let line = TcpStream::connect((self.host.as_str(), self.port)).await;
        line.map_err(|error| MailError::Unreachable(format!("no connection: {}", error.kind())))
    }

    /// Puts TLS on a line.
    pub(super) async fn secured(
        &self,
        roots: &Roots,
        line: impl Line + 'static,
    ) -> Result<Box<dyn Line>, MailError> {
        let name = ServerName::try_from(self.host.clone())
            .map_err(|_| MailError::Setup("the server's name is none that a certificate has"))?;
        let connector = TlsConnector::from(Arc::new(client_config(roots)?));
        let line = connector.connect(name, line).await;
        Ok(Box::new(line.map_err(|_| MailError::Unreachable("no TLS with the server".into()))?))
    }
}

fn client_config(roots: &Roots) -> Result<ClientConfig, MailError> {
    let mut store = RootCertStore::empty();
    match roots {
        Roots::System => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Roots::Only(certificates) => {
            for certificate in certificates {
                let added = store.add(certificate.clone());
                added.map_err(|_| MailError::Setup("a root certificate cannot be read"))?;
            }
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| MailError::Setup("no common TLS version"))?;
    Ok(config.with_root_certificates(store).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(host: &str) -> Access {
        Access { host: host.to_string(), port: 25, tls: Tls::None, login: None }
    }

    #[test]
    fn nothing_goes_in_clear_to_another_machine() {
        assert!(plain("127.0.0.1").checked().is_ok());
        assert!(plain("::1").checked().is_ok());
        assert!(plain("localhost").checked().is_ok());
        for host in ["mail.example.jp", "192.0.2.1", "localhost.evil.test"] {
            assert!(matches!(plain(host).checked(), Err(MailError::Setup(_))), "{host}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let login = Login::new("broker", Zeroizing::new("hidden-4711".to_string()));
        let access = Access { login: Some(login), ..plain("localhost") };
        assert!(!format!("{access:?}").contains("4711"));
    }
}
