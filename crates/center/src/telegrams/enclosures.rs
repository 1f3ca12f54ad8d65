//! What telegrams name by its hash: credentials and forms, kept once however many payments name them,
//! and as long as those (row B13).

use crate::settlement::Settlement;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use warifu_ports::{Collection, StoreError, Unit};
use warifu_protocol::{
    AtFault, ProtocolError, Reason, credential::CREDENTIAL, encode::sha256, joining::MAX_ENCLOSED,
    jws, telegram::Payment,
};
use warifu_types::{Digest, UnixTime};
use warifu_wire::Problem;

/// Documents, by their SHA-256.
const ENCLOSURES: Collection<String> = Collection::new("center_enclosures");

/// No more of them are remembered; then all are forgotten.
const MOST: usize = 4_096;

/// The documents that were named of late.
#[derive(Default)]
pub(crate) struct Enclosures(Mutex<HashMap<Digest, Arc<str>>>);

/// The documents that a payment names.
pub(crate) struct Named {
    pub credential: Arc<str>,
    pub form: Arc<str>,
    pub front: Arc<str>,
}

impl Settlement {
    /// Keeps documents. Each of them proves itself, so that nobody has others kept here.
    pub(crate) async fn enclose(&self, documents: Vec<String>) -> Result<(), Problem> {
        if documents.len() > MAX_ENCLOSED {
            return Err(ProtocolError::sender(Reason::TooLarge, "enclosures").into());
        }
        self.check_enclosed(&documents, self.party.now())?;
        let work = move |unit: &mut dyn Unit| {
            documents.iter().try_for_each(|document| {
                let hash = sha256(document.as_bytes()).to_string();
                ENCLOSURES.insert(unit, &hash, document).map(drop)
            })
        };
        Ok(self.store.run::<_, StoreError>(work).await?)
    }

    fn check_enclosed(&self, documents: &[String], now: UnixTime) -> Result<(), Problem> {
        let terminal = self.party.terminal();
        let (credentials, forms): (Vec<&String>, Vec<&String>) =
            documents.iter().partition(|document| jws::is_of(CREDENTIAL, document));
        let credentials: Result<Vec<_>, _> = credentials
            .into_iter()
            .map(|token| terminal.trust.credential(token, now, AtFault::Sender))
            .collect();
        let credentials = credentials?;
        for form in forms {
            let checked = credentials
                .iter()
                .map(|merchant| terminal.trust.form(form, merchant, now, AtFault::Sender));
            let unsigned = ProtocolError::sender(Reason::Untrusted, "enclosures");
            // The merchant's word on its form, or else the first that was asked.
            checked.reduce(Result::or).unwrap_or(Err(unsigned))?;
        }
        Ok(())
    }

    /// The documents that a payment names. Of one that is missing nothing is recorded: the payer
    /// encloses it, and sends the telegram again.
    pub(crate) async fn named(&self, payment: &Payment) -> Result<Named, Problem> {
        let all = [
            (payment.credential, "enclosures.credential"),
            (payment.form, "enclosures.form"),
            (payment.front, "enclosures.front"),
        ];
        if let Some(found) = self.enclosures.all(&all.map(|(hash, _)| hash)) {
            return Ok(found.into());
        }
        let work = move |unit: &mut dyn Unit| {
            let mut found = Vec::with_capacity(all.len());
            for (hash, field) in all {
                let document = kept(unit, &hash)?.ok_or_else(|| missing(field))?;
                found.push((hash, Arc::from(document)));
            }
            Ok::<_, Problem>(found)
        };
        let found = self.store.run(work).await?;
        self.enclosures.remember(&found);
        let documents: Vec<Arc<str>> = found.into_iter().map(|(_, document)| document).collect();
        let documents: [Arc<str>; 3] = documents.try_into().map_err(|_| Problem::internal())?;
        Ok(documents.into())
    }
}

/// A document, if it was enclosed once.
pub(crate) fn kept(unit: &mut dyn Unit, hash: &Digest) -> Result<Option<String>, StoreError> {
    ENCLOSURES.get(unit, &hash.to_string())
}

/// The documents behind a payment that was taken: with them its telegram can be verified again.
pub(crate) fn behind(unit: &mut dyn Unit, payment: &Payment) -> Result<Vec<String>, StoreError> {
    let hashes = [payment.credential, payment.form, payment.front];
    let kept: Result<Vec<_>, _> = hashes.iter().map(|hash| kept(unit, hash)).collect();
    Ok(kept?.into_iter().flatten().collect())
}

fn missing(field: &str) -> Problem {
    let title = "the center does not have this document: enclose it, and send the telegram again";
    Problem::new(409, "enclosure_missing", title, Some(field))
}

impl From<[Arc<str>; 3]> for Named {
    fn from([credential, form, front]: [Arc<str>; 3]) -> Named {
        Named { credential, form, front }
    }
}

impl Enclosures {
    fn all(&self, hashes: &[Digest; 3]) -> Option<[Arc<str>; 3]> {
        let known = self.lock();
        let find = |hash: &Digest| known.get(hash).cloned();
        let [credential, form, front] = hashes.each_ref().map(find);
        Some([credential?, form?, front?])
    }

    fn remember(&self, documents: &[(Digest, Arc<str>)]) {
        let mut known = self.lock();
        if known.len() + documents.len() > MOST {
            known.clear();
        }
        known.extend(documents.iter().cloned());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Arc<str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
