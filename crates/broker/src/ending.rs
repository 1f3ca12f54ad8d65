//! How an order ends that its provider does not end: the card is called back as far as it can be, and
//! where it cannot, the issuer's word counts.

use crate::{
    broker::Broker,
    drive::{follow, take},
    mails::queue,
    records::{MailKind, OrderRecord},
    rules::steps::{Next, SILENT, State},
};
use warifu_protocol::{AtFault, ProtocolError, Reason, status::Status};
use warifu_types::Role;
use warifu_wire::{
    CallError, Problem, StatusAnswer, WithdrawQuestion, private_line::NumberQuestion,
};

/// The trouble of an order that has ended without service after its card went out.
const CARD_OUT: &str = "card_out";
/// The trouble of an order whose provider does not answer any more.
const PROVIDER_SILENT: &str = "provider_silent";
/// How long until the issuer is asked again how far such an order is, in seconds.
const ASK_AGAIN: u64 = 3_600;
/// Broker and issuer in a session: the broker stands where a holder stands.
const ROLES: (Role, Role) = (Role::Holder, Role::Issuer);

impl Broker {
    /// The provider is silent: if nothing has gone out, nothing will, and the order is void.
    pub(crate) async fn withdraw(&self, record: &OrderRecord) -> Result<(), Problem> {
        // Its last word may have come since.
        if record.received
            && let Ok(heard) = self.hear(record).await
        {
            let step = Next::Withdraw;
            self.change(record.id, step, move |unit, order, now| take(unit, order, heard, now))
                .await?;
            let now = self.load(record.id).await?;
            if now.is_none_or(|now| now.state != record.state) {
                return Ok(());
            }
        }
        let step = Next::Withdraw;
        match self.registry.void(&NumberQuestion { number: record.number() }).await {
            Ok(answer) if answer.void => {
                self.change(record.id, step, |unit, order, now| {
                    order.released = true;
                    order.reason = Some(SILENT.to_string());
                    order.come_to(State::Cancelled, now);
                    queue(unit, order, MailKind::Silent, 0, now)
                })
                .await
            }
            // The card is out, or an issuer has resolved it: the provider's word ends the order, or
            // the issuer's.
            Ok(_) => {
                self.change(record.id, step, |_, order, _| {
                    order.released = true;
                    order.trouble = Some(PROVIDER_SILENT.to_string());
                    Ok(())
                })
                .await
            }
            Err(error) => self.trouble(record.id, step, "registry", &error).await,
        }
    }

    /// At an end without service: nothing of the reference is left to use. The operator sees whose card
    /// may be out for nothing.
    pub(crate) async fn release(&self, record: &OrderRecord) -> Result<(), Problem> {
        let step = Next::Release;
        match self.registry.void(&NumberQuestion { number: record.number() }).await {
            Ok(answer) => {
                self.change(record.id, step, move |_, order, _| {
                    order.released = true;
                    order.trouble = (!answer.void).then(|| CARD_OUT.to_string());
                    Ok(())
                })
                .await
            }
            Err(error) => self.trouble(record.id, step, "registry", &error).await,
        }
    }

    /// The provider is away, and its time is over: whatever the issuer says of the order is so. What
    /// nobody has asked it about, it refuses from then on, so that a provider that comes back finds
    /// the order at its end.
    pub(crate) async fn ask_issuer(&self, record: &OrderRecord) -> Result<(), Problem> {
        let step = Next::Ask;
        match self.hear_issuer(record).await {
            Ok(status) => {
                self.change(record.id, step, move |unit, order, now| {
                    order.until = now.plus(ASK_AGAIN);
                    follow(unit, order, (status.state, Some(SILENT)), now)?;
                    // Also at its end: the card may lie with a provider that is no more.
                    order.trouble = Some(PROVIDER_SILENT.to_string());
                    Ok(())
                })
                .await
            }
            Err(error) => self.trouble(record.id, step, "issuer", &error).await,
        }
    }

    /// The issuer's verified word.
    async fn hear_issuer(&self, record: &OrderRecord) -> Result<Status, CallError> {
        let missing = || ProtocolError::own(Reason::Mismatch, "order.passing");
        let identity = record.passing.as_ref().ok_or_else(missing)?.identity;
        let issuer = record.issuer.as_ref().ok_or_else(missing)?;
        let merchant = self.provider(&record.provider).await?.provider;
        let found = self.party.directory().find(&self.party, issuer).await?;
        let question = WithdrawQuestion { order: record.id, identity, merchant };
        let trade = self.party.hands_out().then_some(record.id);
        let (connections, asked) = (self.party.connections(), ("withdraw", &question));
        let expected = Some(&found.credential.sub);
        let answer: StatusAnswer =
            connections.ask(&self.party, found.url()?, ROLES, expected, asked, trade).await?;
        let (own, at_fault) = (self.party.id(), AtFault::Role(Role::Issuer));
        let status = Status::verify(&answer.status, &found.credential, &own, &identity, at_fault)?;
        Ok(status)
    }
}
