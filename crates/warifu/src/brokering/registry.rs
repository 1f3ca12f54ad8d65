//! The registry's outside: its card keys, its fax, its closed line; and an issuer's way to it.

use super::{line_failure, mail};
use crate::{
    Failure,
    config::brokering::{FaxConfig, LinePeerConfig, RegistryConfig},
    setup::{read_key, read_secret_line},
};
use async_trait::async_trait;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use warifu_gateways::fax::{
    hylafax::{Hylafax, HylafaxSettings},
    machine::MachineLine,
    mail_to_fax::MailToFax,
    page::Typeface,
};
use warifu_ports::{
    Entropy, Store,
    card_network::PresentedCard,
    fax::{Fax, FaxError},
    holds::{CardReferences, ReferenceError, ReferenceQuestion},
};
use warifu_protocol::encode::{b64, sha256};
use warifu_registry::{CardKeys, ClosedLine, PrivateClosedLine, Registry, Settings, Ways};
use warifu_store::OsEntropy;
use warifu_wire::{
    CallError, Party,
    private_line::{CardAnswer, CardReference, LineClient, LineIdentity, ResolveQuestion},
};
use zeroize::Zeroizing;

/// A registry over its party and store.
pub fn registry(
    party: Arc<Party>,
    store: Arc<dyn Store>,
    config: &RegistryConfig,
) -> Result<Arc<Registry>, Failure> {
    let fax = config.fax.as_ref().map(fax).transpose()?;
    let own = LineIdentity::read(&config.line.files).map_err(line_failure)?;
    let line: Arc<dyn ClosedLine> = Arc::new(PrivateClosedLine(own));
    let settings = Settings::new(&config.broker, config.issuers.clone());
    let keys = card_keys(&config.card_keys)?;
    Ok(Registry::new(party, store, keys, settings, Ways { fax, line: Some(line) }))
}

/// The keys that cards are under. A key's id follows from the key, so that files may be renamed.
fn card_keys(files: &[PathBuf]) -> Result<CardKeys, Failure> {
    let mut keys = Vec::new();
    for file in files {
        let key = read_key(file)?;
        keys.push((key_id(&key), key));
    }
    let missing = || Failure::input("registry.card_keys", "names at least one file");
    let current = keys.first().map(|(id, _)| id.clone()).ok_or_else(missing)?;
    CardKeys::new(&current, keys).map_err(|error| Failure::input("card_keys", error.to_string()))
}

fn key_id(key: &[u8; 32]) -> String {
    let mut text = Zeroizing::new(b"warifu registry key ".to_vec());
    text.extend_from_slice(key);
    b64(&sha256(&text).0[..9])
}

/// Writes a fresh card key into a file that is not there yet, for the owner alone.
pub fn create_card_key(file: &Path) -> Result<(), Failure> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let key = Zeroizing::new(OsEntropy.bytes32());
    let text = Zeroizing::new(b64(&*key));
    let failed = |error| Failure::File { path: file.to_path_buf(), error };
    let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let mut opened = opened.map_err(failed)?;
    opened.write_all(text.as_bytes()).and_then(|()| opened.sync_all()).map_err(failed)
}

fn fax(config: &FaxConfig) -> Result<Arc<dyn Fax>, Failure> {
    let failure = |error: FaxError| Failure::input("registry.fax", error.to_string());
    Ok(match config {
        FaxConfig::Hylafax { address, private_line, user, password_file, admin_password_file } => {
            let mut settings = match private_line {
                true => HylafaxSettings::over_private_line(*address),
                false => HylafaxSettings::here(*address).map_err(failure)?,
            };
            if let Some(user) = user {
                settings.user.clone_from(user);
            }
            settings.password = password_file.as_deref().map(read_secret_line).transpose()?;
            settings.admin_password =
                admin_password_file.as_deref().map(read_secret_line).transpose()?;
            Arc::new(Hylafax::new(settings, Typeface::find().map_err(failure)?))
        }
        FaxConfig::Mail { smtp, from, domain } => {
            let typeface = Typeface::find().map_err(failure)?;
            let access = mail::access(smtp)?;
            Arc::new(MailToFax::new(&access, from, domain, typeface).map_err(failure)?)
        }
        FaxConfig::Simulator { machine } => Arc::new(MachineLine::to(*machine).map_err(failure)?),
    })
}

/// An issuer's private line to the registry.
pub struct References(LineClient);

impl References {
    /// As it is configured.
    pub fn open(config: &LinePeerConfig) -> Result<References, Failure> {
        Ok(References(super::line_client(config)?))
    }
}

#[async_trait]
impl CardReferences for References {
    async fn resolve(
        &self,
        asked: &ReferenceQuestion,
    ) -> Result<Option<PresentedCard>, ReferenceError> {
        let question = ResolveQuestion {
            reference: CardReference(Zeroizing::new(asked.reference.clone())),
            merchant: asked.merchant.clone(),
            amount: asked.amount,
            order: asked.order,
        };
        match self.0.ask::<CardAnswer>("/v1/line/resolve", &question).await {
            Ok(CardAnswer { card_number: number, card_expiry: expiry, .. }) => {
                Ok(Some(PresentedCard { number, expiry }))
            }
            // Whoever answers has shown the registry's certificate, so that a no is its own.
            Err(CallError::Problem(problem) | CallError::Unproven(problem))
                if [403, 404, 409].contains(&problem.status) && problem.field.is_some() =>
            {
                tracing::info!(code = problem.code, "the registry says no");
                Ok(None)
            }
            Err(error) => Err(ReferenceError(error.to_string())),
        }
    }
}
