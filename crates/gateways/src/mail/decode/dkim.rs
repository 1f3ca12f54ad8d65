//! Verifies the signature of an author's domain (RFC 6376).

use super::{domain_of, speaks_for};
use mail_auth::{
    AuthenticatedMessage, DkimOutput, DkimResult, DnsError, Error, MessageAuthenticator,
    Parameters, ResolverCache, Txt,
    common::{parse::TxtRecordParser, verify::DomainKey},
    dkim::DkimError,
    hickory_resolver::{
        config::{ResolverConfig, ResolverOpts},
        proto::op::ResponseCode,
    },
};
use std::{borrow::Borrow, collections::HashMap, hash::Hash, sync::Arc, time::Instant};
use warifu_ports::mail::{MailError, SenderCheck};

/// Where the domains' public keys come from.
#[derive(Clone)]
pub struct DkimKeys {
    resolver: MessageAuthenticator,
    fixed: Option<Arc<HashMap<String, Txt>>>,
}

impl std::fmt::Debug for DkimKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DkimKeys").field("fixed", &self.fixed.is_some()).finish_non_exhaustive()
    }
}

impl DkimKeys {
    /// Keys from DNS, asked as the machine is configured to.
    ///
    /// # Errors
    /// [`MailError::Setup`] where the machine has no such configuration.
    pub fn from_dns() -> Result<DkimKeys, MailError> {
        let resolver = MessageAuthenticator::new_system_conf();
        let resolver = resolver.map_err(|_| MailError::Setup("the machine has no resolver"))?;
        Ok(DkimKeys { resolver, fixed: None })
    }

    /// These keys and no others: for a closed network without DNS. Each is the name of a TXT record
    /// (`selector._domainkey.example.jp`) and its value.
    ///
    /// # Errors
    /// [`MailError::Setup`] for a value that is no key.
    pub fn fixed(records: &[(&str, &str)]) -> Result<DkimKeys, MailError> {
        let mut keys = HashMap::new();
        for (name, value) in records {
            let key = DomainKey::parse(value.as_bytes());
            let key = key.map_err(|_| MailError::Setup("a DKIM record cannot be read"))?;
            let name = format!("{}.", name.trim_end_matches('.').to_lowercase());
            keys.insert(name, Txt::DomainKey(Arc::new(key)));
        }
        let nobody = ResolverConfig::from_parts(None, Vec::new(), Vec::new());
        let resolver = MessageAuthenticator::new(nobody, ResolverOpts::default());
        let resolver = resolver.map_err(|_| MailError::Setup("no resolver can be made"))?;
        Ok(DkimKeys { resolver, fixed: Some(Arc::new(keys)) })
    }

    /// Passes where one signature of the author's domain is good; fails where there are some and
    /// none is. A key that cannot be asked for now is no failure, nor is a signature that covers
    /// only the beginning of the text: it says nothing.
    pub(super) async fn check(&self, bytes: &[u8], from: &str) -> SenderCheck {
        let Some(author) = domain_of(from) else { return SenderCheck::None };
        let Some(message) = AuthenticatedMessage::parse(bytes) else { return SenderCheck::None };
        let parameters = Parameters::new(&message);
        let outputs = match &self.fixed {
            Some(keys) => {
                let keys = Fixed(keys);
                self.resolver
                    .verify_dkim(parameters.with_txt_cache(&keys))
                    .await
                    .iter()
                    .map(|output| judged(output, &author))
                    .collect::<Vec<_>>()
            }
            None => self
                .resolver
                .verify_dkim(parameters)
                .await
                .iter()
                .map(|output| judged(output, &author))
                .collect(),
        };
        let has = |check| outputs.contains(&check);
        if has(SenderCheck::Pass) {
            SenderCheck::Pass
        } else if has(SenderCheck::Fail) {
            SenderCheck::Fail
        } else {
            SenderCheck::None
        }
    }
}

fn judged(output: &DkimOutput<'_>, author: &str) -> SenderCheck {
    let Some(signature) = output.signature() else { return SenderCheck::None };
    if !speaks_for(&signature.d, author) || signature.l > 0 {
        return SenderCheck::None;
    }
    if !signature.h.iter().any(|header| header.eq_ignore_ascii_case("from")) {
        return SenderCheck::None;
    }
    match output.result() {
        DkimResult::Pass => SenderCheck::Pass,
        DkimResult::Fail(_) | DkimResult::PermError(_) => SenderCheck::Fail,
        DkimResult::Neutral(Error::Dkim(DkimError::FailedBodyHashMatch)) => SenderCheck::Fail,
        DkimResult::Neutral(_) | DkimResult::TempError(_) | DkimResult::None => SenderCheck::None,
    }
}

/// The fixed keys, as what the library believes it has asked before.
struct Fixed<'a>(&'a HashMap<String, Txt>);

impl ResolverCache<Box<str>, Txt> for Fixed<'_> {
    fn get<Q>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let found = self.0.iter().find(|(known, _)| {
            let known: Box<str> = known.as_str().into();
            known.borrow() == name
        });
        let none = || Txt::Error(Error::Dns(DnsError::RecordNotFound(ResponseCode::NXDomain)));
        Some(found.map_or_else(none, |(_, key)| key.clone()))
    }

    fn remove<Q>(&self, _: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _: Box<str>, _: Txt, _: Instant) {}
}
