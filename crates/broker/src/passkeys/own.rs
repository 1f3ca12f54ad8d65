//! A member's own passkeys: listed, named, removed.

use super::records::{OWNERS, PASSKEYS, PasskeyRecord};
use crate::broker::Broker;
use serde::Serialize;
use warifu_ports::{StoreError, Unit};
use warifu_types::UnixTime;
use warifu_wire::Problem;

/// Characters of a passkey's name.
const LONGEST_NAME: usize = 60;

/// A passkey as its member sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PasskeySummary {
    /// What pages call it.
    pub handle: String,
    /// What the member calls it.
    pub name: String,
    /// When it was added.
    pub made: UnixTime,
    /// When it last let the member in.
    pub used: Option<UnixTime>,
}

impl Broker {
    /// A member's passkeys, the oldest first.
    pub async fn passkeys(&self, member: &str) -> Result<Vec<PasskeySummary>, Problem> {
        let member = member.to_string();
        let work = move |unit: &mut dyn Unit| PASSKEYS.get(unit, &member);
        let passkeys = self.store.run::<_, StoreError>(work).await?.unwrap_or_default();
        let summary = |PasskeyRecord { handle, name, made, used, .. }| PasskeySummary {
            handle,
            name,
            made,
            used,
        };
        Ok(passkeys.into_iter().map(summary).collect())
    }

    /// Calls a member's passkey by another name.
    pub async fn name_passkey(
        &self,
        member: &str,
        handle: &str,
        name: &str,
    ) -> Result<(), Problem> {
        let (member, handle, name) = (member.to_string(), handle.to_string(), check_name(name)?);
        let work = move |unit: &mut dyn Unit| {
            let mut passkeys = PASSKEYS.get(unit, &member)?.unwrap_or_default();
            let passkey = passkeys.iter_mut().find(|passkey| passkey.handle == handle);
            passkey.ok_or_else(unknown)?.name = name;
            Ok::<_, Problem>(PASSKEYS.put(unit, &member, &passkeys)?)
        };
        self.store.run(work).await
    }

    /// Removes a member's passkey: it lets nobody in any more.
    pub async fn remove_passkey(&self, member: &str, handle: &str) -> Result<(), Problem> {
        let (member, handle) = (member.to_string(), handle.to_string());
        let work = move |unit: &mut dyn Unit| {
            let mut passkeys = PASSKEYS.get(unit, &member)?.unwrap_or_default();
            let at = passkeys.iter().position(|passkey| passkey.handle == handle);
            passkeys.remove(at.ok_or_else(unknown)?);
            OWNERS.delete(unit, &handle)?;
            Ok::<_, Problem>(PASSKEYS.put(unit, &member, &passkeys)?)
        };
        self.store.run(work).await
    }
}

fn unknown() -> Problem {
    Problem::not_found("passkey")
}

/// A passkey's name, without space around it.
pub(super) fn check_name(name: &str) -> Result<String, Problem> {
    let name = name.trim();
    let fits = !name.is_empty() && name.chars().count() <= LONGEST_NAME;
    if !fits || name.chars().any(char::is_control) {
        return Err(Problem::bad_value("name", "1 to 60 characters on one line"));
    }
    Ok(name.to_string())
}
