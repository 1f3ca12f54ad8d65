//! What the operator does with applications and members.

use super::{
    Letter,
    apply::terms,
    letter,
    records::{
        APPLICATIONS, ApplicationRecord, ApplicationState, Ended, LETTERS, LetterRecord,
        MEMBERSHIPS, Membership, end_key,
    },
    register::code_hash,
};
use crate::{
    network,
    rules::{codes, numbers::member_number},
    settlement::{Settlement, count},
};
use serde::Serialize;
use warifu_ports::Unit;
use warifu_protocol::{
    joining::{MemberKind, terms_hash},
    telegram::Profile,
};
use warifu_types::{Identifier, UnixTime};
use warifu_wire::Problem;

/// An application as the operator reads it.
#[derive(Debug, Clone, Serialize)]
pub struct ApplicationSummary {
    /// The form's number.
    pub application: String,
    /// As what.
    pub kind: MemberKind,
    /// Who applies.
    pub profile: Profile,
    /// The letter's language.
    pub language: String,
    /// When it came, in seconds since 1970.
    pub at: UnixTime,
    /// What has become of it.
    pub state: ApplicationState,
}

/// A member or a store as the operator reads it.
#[derive(Debug, Clone, Serialize)]
pub struct MemberSummary {
    /// The number.
    pub number: String,
    /// Member or merchant.
    pub kind: MemberKind,
    /// Who it is.
    pub profile: Profile,
    /// Under which identifier; none before registration.
    pub identifier: Option<Identifier>,
    /// When registered, in seconds since 1970.
    pub registered: Option<UnixTime>,
    /// Whether telegrams of it are acted on.
    pub active: bool,
}

impl Settlement {
    /// Every application, by the form's number.
    pub async fn applications(&self) -> Result<Vec<ApplicationSummary>, Problem> {
        let all = self.store.run(|unit| APPLICATIONS.all(unit)).await?;
        let summary = |(application, record): (String, ApplicationRecord)| ApplicationSummary {
            application,
            kind: record.application.profile.kind(),
            profile: record.application.profile,
            language: record.application.language,
            at: record.at,
            state: record.state,
        };
        Ok(all.into_iter().map(summary).collect())
    }

    /// Every member and store, by number.
    pub async fn members(&self) -> Result<Vec<MemberSummary>, Problem> {
        let all = self.store.run(|unit| MEMBERSHIPS.all(unit)).await?;
        let summary = |(number, known): (String, Membership)| MemberSummary {
            number,
            kind: known.kind,
            profile: known.profile,
            identifier: known.identifier,
            registered: known.registered,
            active: known.key.is_some(),
        };
        Ok(all.into_iter().map(summary).collect())
    }

    /// Approves an application, named by the beginning of its form's number: gives a membership or
    /// store number, which it returns. Approving again returns the same.
    pub async fn approve(&self, application: &str) -> Result<String, Problem> {
        let (wanted, now) = (application.to_string(), self.party.now());
        self.store.run(move |unit| approve(unit, &wanted, now)).await
    }

    /// Rejects an application that waits.
    pub async fn reject(&self, application: &str) -> Result<(), Problem> {
        let wanted = application.to_string();
        let work = move |unit: &mut dyn Unit| {
            let (key, mut record) = find(unit, &wanted)?;
            if let ApplicationState::Approved { .. } = record.state {
                return Err(Problem::bad_value("application", "it was approved already"));
            }
            record.state = ApplicationState::Rejected {};
            Ok(APPLICATIONS.put(unit, &key, &record)?)
        };
        self.store.run(work).await
    }

    /// Makes the letter of a number, with a new one-time code; once, or again and again with
    /// `again`, and then the earlier letter is worth nothing.
    pub async fn letter(&self, number: &str, again: bool) -> Result<Letter, Problem> {
        let anchors = self.party.terminal().trust.anchors().clone();
        let (number, now) = (number.to_string(), self.party.now());
        let random = self.party.random32();
        let work = move |unit: &mut dyn Unit| {
            let known = MEMBERSHIPS.get(unit, &number)?;
            let known = known.ok_or_else(|| Problem::not_found("number"))?;
            if !again && LETTERS.get(unit, &number)?.is_some() {
                let text = "there was a letter already: --again makes one with a new code";
                return Err(Problem::bad_value("number", text));
            }
            if known.key.is_some() {
                let text = "registered already: revoke the key first if the terminal is lost";
                return Err(Problem::bad_value("number", text));
            }
            let terms = terms(unit)?;
            let terms = match known.kind {
                MemberKind::Member => terms.member,
                MemberKind::Merchant => terms.merchant,
            };
            let code = zeroize::Zeroizing::new(codes::spell(&random[..codes::CODE_LENGTH - 1]));
            let record = LetterRecord {
                code: code_hash(unit, &number, &code),
                terms: terms_hash(&terms),
                at: now,
                tries: Vec::new(),
                used: None,
            };
            LETTERS.put(unit, &number, &record)?;
            Ok(letter::write(&known, &code, &terms, &anchors))
        };
        self.store.run(work).await
    }

    /// Revokes the key of a lost terminal. Balance and cards stay with the member, who registers a
    /// new key with a new letter; the old key never verifies again.
    pub async fn revoke_key(&self, number: &str) -> Result<(), Problem> {
        let (number, now) = (number.to_string(), self.party.now());
        let work = move |unit: &mut dyn Unit| {
            let known = MEMBERSHIPS.get(unit, &number)?;
            let mut known = known.ok_or_else(|| Problem::not_found("number"))?;
            let Some(identifier) = known.identifier.clone() else {
                // A letter that is lost: its code is worth nothing any more.
                LETTERS.delete(unit, &number)?;
                return Ok(());
            };
            if let Some(key) = known.key.take() {
                end_key(unit, &identifier, &key, (Ended::Revoked, now))?;
            }
            LETTERS.delete(unit, &number)?;
            MEMBERSHIPS.put(unit, &number, &known)?;
            network::revoke(unit, &identifier).map_err(Problem::from)
        };
        self.store.run(work).await
    }
}

fn approve(unit: &mut dyn Unit, wanted: &str, now: UnixTime) -> Result<String, Problem> {
    let (key, mut record) = find(unit, wanted)?;
    match &record.state {
        ApplicationState::Approved { number } => return Ok(number.clone()),
        ApplicationState::Rejected {} => {
            return Err(Problem::bad_value("application", "it was rejected"));
        }
        ApplicationState::Waiting {} => {}
    }
    let application = &record.application;
    let kind = application.profile.kind();
    let number = member_number(kind, count(unit, kind.as_str())?);
    let membership = Membership {
        number: number.clone(),
        kind,
        profile: application.profile.clone(),
        language: application.language.clone(),
        identifier: None,
        key: None,
        approved: now,
        registered: None,
    };
    MEMBERSHIPS.put(unit, &number, &membership)?;
    record.state = ApplicationState::Approved { number: number.clone() };
    APPLICATIONS.put(unit, &key, &record)?;
    Ok(number)
}

/// The one application whose number begins so.
fn find(unit: &mut dyn Unit, wanted: &str) -> Result<(String, ApplicationRecord), Problem> {
    let mut found = APPLICATIONS.all(unit)?;
    found.retain(|(key, _)| !wanted.is_empty() && key.starts_with(wanted));
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(_), false) => {
            Err(Problem::bad_value("application", "several begin so: give more of the number"))
        }
        (None, _) => Err(Problem::not_found("application")),
    }
}
