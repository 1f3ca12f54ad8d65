//! The private line: mutual TLS between parties that know each other beforehand, such as broker and
//! registry (row C2), beside the network and not in it.
//!
//! Both sides show a certificate of one certificate authority of the operators' own, which is pinned:
//! no other authority counts, and none of the system's. A side is told apart by the one DNS name in
//! its certificate (RFC 6125, subjectAltName; the common name is not looked at). TLS 1.3 by rustls
//! with aws-lc (docs/adr/0014).

mod client;
mod messages;
mod server;
#[cfg(test)]
mod tests;

pub use client::LineClient;
pub use messages::{
    AuthenticateAnswer, AuthenticateQuestion, CardAnswer, CardPost, CardReference,
    CardRegistration, CodeQuestion, DispatchAnswer, DispatchQuestion, LineDone, NumberQuestion,
    Refusal, RegisteredAnswer, ResolveQuestion, SheetState, VoidAnswer, WITHOUT_SHEET, code_hash,
};
pub use server::{LinePeer, serve_private};

use rustls::{
    RootCertStore,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Where one side's certificate, key and authority are: PEM files, named in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineFiles {
    /// The one authority that both sides' certificates come from.
    pub ca: PathBuf,
    /// This side's certificate, and those between it and the authority.
    pub certificate: PathBuf,
    /// This side's private key (PKCS #8, SEC 1 or PKCS #1).
    pub key: PathBuf,
}

/// Why a private line cannot be set up: the operator's to mend. No variant carries a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// A file cannot be read.
    #[error("{setting}: {} cannot be read: {kind}", .path.display())]
    File {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        kind: std::io::ErrorKind,
    },
    /// A text that holds no such PEM section.
    #[error("{0}: no PEM section of its kind, or a damaged one")]
    Pem(&'static str),
    /// The certificate does not have exactly one DNS name.
    #[error("certificate: it needs exactly one DNS name (subjectAltName)")]
    Name,
    /// Key, certificate and authority do not fit together.
    #[error("{0}: the TLS library refuses it")]
    Refused(&'static str),
    /// An address that is none.
    #[error("url: a private line has an https address with a name or a number")]
    Url,
}

/// One side of a private line.
#[derive(Clone)]
pub struct LineIdentity {
    name: String,
    chain: Vec<CertificateDer<'static>>,
    key: Arc<PrivateKeyDer<'static>>,
    authority: Arc<RootCertStore>,
}

impl LineIdentity {
    /// Reads the three files.
    pub fn read(files: &LineFiles) -> Result<LineIdentity, LineError> {
        let ca = read(&files.ca, "ca")?;
        let certificate = read(&files.certificate, "certificate")?;
        let key = zeroize::Zeroizing::new(read(&files.key, "key")?);
        LineIdentity::from_pem(&ca, &certificate, &key)
    }

    /// From three PEM texts.
    pub fn from_pem(ca: &[u8], certificate: &[u8], key: &[u8]) -> Result<LineIdentity, LineError> {
        let mut authority = RootCertStore::empty();
        let roots = certificates(ca, "ca")?;
        let [root] = roots.as_slice() else { return Err(LineError::Pem("ca")) };
        authority.add(root.clone()).map_err(|_| LineError::Refused("ca"))?;
        let chain = certificates(certificate, "certificate")?;
        let name = chain.first().and_then(one_name).ok_or(LineError::Name)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| LineError::Pem("key"))?;
        let own = LineIdentity { name, chain, key: Arc::new(key), authority: Arc::new(authority) };
        own.client_config()?;
        Ok(own)
    }

    /// The DNS name in this side's certificate.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn client_config(&self) -> Result<rustls::ClientConfig, LineError> {
        rustls::ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|_| LineError::Refused("tls"))?
            .with_root_certificates(self.authority.clone())
            .with_client_auth_cert(self.chain.clone(), self.key.clone_key())
            .map_err(|_| LineError::Refused("certificate"))
    }

    fn server_config(&self) -> Result<rustls::ServerConfig, LineError> {
        let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
            self.authority.clone(),
            provider(),
        )
        .build()
        .map_err(|_| LineError::Refused("ca"))?;
        rustls::ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|_| LineError::Refused("tls"))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.chain.clone(), self.key.clone_key())
            .map_err(|_| LineError::Refused("certificate"))
    }
}

impl fmt::Debug for LineIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LineIdentity({})", self.name)
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn read(path: &Path, setting: &'static str) -> Result<Vec<u8>, LineError> {
    let fail = |error: std::io::Error| LineError::File {
        setting,
        path: path.to_path_buf(),
        kind: error.kind(),
    };
    std::fs::read(path).map_err(fail)
}

fn certificates(
    pem: &[u8],
    setting: &'static str,
) -> Result<Vec<CertificateDer<'static>>, LineError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or(LineError::Pem(setting))
}

/// The certificate's one DNS name, in lower case. Several would leave open who asks.
fn one_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let read = webpki::EndEntityCert::try_from(certificate).ok()?;
    let mut names = read.valid_dns_names();
    let name = names.next()?.to_ascii_lowercase();
    (names.next().is_none() && !name.contains('*')).then_some(name)
}
