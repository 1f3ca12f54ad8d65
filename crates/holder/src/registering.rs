//! Registering a card at a card registry, for orders through a broker (row C2): beforehand, and apart
//! from any order. The broker has no part in it.

use crate::{Holder, HolderError};
use warifu_protocol::{AtFault, ProtocolError, Reason};
use warifu_types::{Identifier, Role, UnixTime};
use warifu_wire::private_line::{CardRegistration, RegisteredAnswer};
use zeroize::Zeroizing;

impl Holder {
    /// Registers the card of this label under the membership number that the broker gave, with the
    /// one-time code of its operator. The same again changes nothing. Returns when it was registered.
    pub async fn register_card(
        &self,
        registry: &Identifier,
        (member, code): (&str, Zeroizing<String>),
        label: &str,
    ) -> Result<UnixTime, HolderError> {
        let (profile, card) = self.who(label).await?;
        let registration = CardRegistration {
            member: member.to_string(),
            code,
            holder_name: Zeroizing::new(profile.name),
            card_number: Zeroizing::new(card.number.clone()),
            card_expiry: Zeroizing::new(card.expiry.clone()),
            issuer: card.issuer.clone(),
        };
        let found = self.party.directory().find(&self.party, registry).await?;
        found.credential.require_role(Role::Registry, AtFault::Own)?;
        if self.party.hands_out() {
            let field = "registry";
            return Err(ProtocolError::own(Reason::BadValue, field).into());
        }
        let roles = (Role::Holder, Role::Registry);
        let asked = ("register_card", &registration);
        let url = found.url()?;
        let connections = self.party.connections();
        let answer: RegisteredAnswer =
            connections.ask(&self.party, url, roles, Some(registry), asked, None).await?;
        Ok(answer.registered)
    }
}
