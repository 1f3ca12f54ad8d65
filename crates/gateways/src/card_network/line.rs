//! What a line is: a TCP connection, under mutual TLS unless both ends are on this machine, and the
//! frames on it.

use super::message::MAX_MESSAGE;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use std::{io, sync::Arc};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use zeroize::Zeroizing;

/// A connection, plain or under TLS.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Why a line cannot be set up. Nothing of a key is in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// A PEM text has no certificate, no key, or a damaged one.
    #[error("{0}: no certificate or key in PEM that can be used")]
    Pem(&'static str),
    /// The certificates or the key do not fit.
    #[error("the line's certificates do not fit: {0}")]
    Tls(String),
    /// Card data would cross a network in clear.
    #[error("address: only a loopback address may be used without TLS")]
    Plain,
    /// The address cannot be used.
    #[error("address: {0}")]
    Address(String),
}

/// One end's certificate and key, and whom it believes, all in PEM.
#[derive(Clone, Copy)]
pub struct Identity<'a> {
    /// The certificate, and those between it and its root.
    pub chain: &'a [u8],
    /// Its key.
    pub key: &'a [u8],
    /// The roots that sign the other end's certificates.
    pub roots: &'a [u8],
}

impl std::fmt::Debug for Identity<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(..)")
    }
}

/// TLS for the issuer's end: every client must show a certificate.
///
/// # Errors
/// If the texts are not certificates and a key that fit.
pub fn server_tls(identity: &Identity<'_>) -> Result<Arc<ServerConfig>, LineError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let roots = Arc::new(roots(identity.roots)?);
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone())
        .build()
        .map_err(|error| LineError::Tls(error.to_string()))?;
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| LineError::Tls(error.to_string()))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificates(identity.chain)?, key(identity.key)?)
        .map(Arc::new)
        .map_err(|error| LineError::Tls(error.to_string()))
}

/// TLS for the provider's end.
///
/// # Errors
/// As [`server_tls`].
pub fn client_tls(identity: &Identity<'_>) -> Result<Arc<ClientConfig>, LineError> {
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| LineError::Tls(error.to_string()))?
        .with_root_certificates(roots(identity.roots)?)
        .with_client_auth_cert(certificates(identity.chain)?, key(identity.key)?)
        .map(Arc::new)
        .map_err(|error| LineError::Tls(error.to_string()))
}

/// The first certificate of a PEM text, as a connection shows it.
///
/// # Errors
/// [`LineError::Pem`].
pub fn certificate(pem: &[u8]) -> Result<CertificateDer<'static>, LineError> {
    certificates(pem)?.into_iter().next().ok_or(LineError::Pem("certificate"))
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, LineError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(LineError::Pem("certificate")),
    }
}

fn key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, LineError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| LineError::Pem("key"))
}

fn roots(pem: &[u8]) -> Result<RootCertStore, LineError> {
    let mut store = RootCertStore::empty();
    for root in certificates(pem)? {
        store.add(root).map_err(|error| LineError::Tls(error.to_string()))?;
    }
    Ok(store)
}

/// Reads one message, header apart; `None` at the end of the line between two messages.
///
/// # Errors
/// If the line ends within a message, or one is longer than [`MAX_MESSAGE`].
pub async fn read_frame(
    stream: &mut (impl AsyncRead + Unpin),
) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut header = [0u8; 2];
    if stream.read(&mut header[..1]).await? == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut header[1..]).await?;
    let length = usize::from(u16::from_be_bytes(header));
    if length > MAX_MESSAGE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a message longer than any"));
    }
    let mut body = Zeroizing::new(vec![0; length]);
    stream.read_exact(&mut body).await?;
    Ok(Some(body))
}
