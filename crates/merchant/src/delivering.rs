//! Asking the carrier, only after a good authorization (row A12); or handing over without one.

use crate::{
    authorizing::REQUEST_LIFETIME,
    drive::Halt,
    merchant::Merchant,
    records::{Evidence, OrderRecord},
    rules::steps,
};
use warifu_protocol::{
    ProtocolError, Reason,
    delivery::{Delivery, DeliveryRequest},
    status::State,
};
use warifu_types::{Identifier, Role};
use warifu_wire::{CallError, DeliverQuestion, DeliveryAnswer, DeliveryStatusQuestion, Found};

impl Merchant {
    /// Authorized → dispatched, or delivered already.
    pub(crate) async fn deliver(&self, record: &OrderRecord) -> Result<(), Halt> {
        let peer = |error| Halt::Peer(Role::Carrier, error);
        let carrier = self.find(record, Role::Carrier).await.map_err(peer)?;
        self.meet_carrier(record, &carrier).await.map_err(peer)?;
        if !record.carrier_asked {
            // From here on the carrier may have the order, whatever is heard of it.
            let asked = |record: &mut OrderRecord| record.carrier_asked = true;
            self.change(record.id(), State::Authorized, asked).await?;
        }
        let question = DeliverQuestion {
            sealed: record.sealed.only(Role::Carrier),
            request: self.delivery_request(record, &carrier.credential.sub).map_err(peer)?,
        };
        let answer: DeliveryAnswer = self
            .ask(record, (Role::Carrier, &carrier), "deliver", &question)
            .await
            .map_err(peer)?;
        self.heard(record, carrier, answer).await
    }

    /// Dispatched → delivered, once the carrier says so.
    pub(crate) async fn ask_delivery(&self, record: &OrderRecord) -> Result<(), Halt> {
        let peer = |error| Halt::Peer(Role::Carrier, error);
        let carrier = self.find(record, Role::Carrier).await.map_err(peer)?;
        let question = DeliveryStatusQuestion { order: record.identity };
        let to = (Role::Carrier, &carrier);
        let answer: DeliveryAnswer =
            self.ask(record, to, "delivery_status", &question).await.map_err(peer)?;
        self.heard(record, carrier, answer).await
    }

    /// Authorized → delivered: over the counter, or through the door.
    pub(crate) async fn hand_over(&self, record: &OrderRecord) -> Result<(), Halt> {
        let change = |record: &mut OrderRecord| record.view.state = State::Delivered;
        Ok(self.change(record.id(), State::Authorized, change).await?)
    }

    /// A delivery request for the carrier, or for a further party as its notice.
    pub(crate) fn delivery_request(
        &self,
        record: &OrderRecord,
        to: &Identifier,
    ) -> Result<String, CallError> {
        let missing = || ProtocolError::own(Reason::Mismatch, "order.authorization");
        let granted = record.authorization.as_ref().ok_or_else(missing)?;
        let now = self.party.now();
        let request = DeliveryRequest {
            iss: self.party.id(),
            aud: to.clone(),
            order: record.identity,
            authorization: granted.token.clone(),
            issuer_credential: granted.credential.clone(),
            instructions: self.settings.instructions.clone(),
            iat: now,
            exp: now.plus(REQUEST_LIFETIME),
        };
        Ok(request.sign(self.party.terminal().signer.as_ref()))
    }

    /// Meets the carrier before anything counts as asked.
    async fn meet_carrier(&self, record: &OrderRecord, carrier: &Found) -> Result<(), CallError> {
        let roles = (self.settings.role, Role::Carrier);
        let trade = self.party.hands_out().then(|| record.id());
        let expected = Some(&carrier.credential.sub);
        let connections = self.party.connections();
        connections.for_trade(&self.party, carrier.url()?, roles, expected, None, trade).await?;
        Ok(())
    }

    /// Verifies the carrier's answer and keeps it with the state that it brings.
    async fn heard(
        &self,
        record: &OrderRecord,
        carrier: Found,
        answer: DeliveryAnswer,
    ) -> Result<(), Halt> {
        let own = self.party.id();
        let delivery =
            Delivery::verify(&answer.delivery, &carrier.credential, &own, &record.identity)
                .map_err(|error| Halt::Peer(Role::Carrier, error.into()))?;
        let state = steps::after_delivery(delivery.state);
        if state == record.state() {
            return Ok(());
        }
        let evidence = Evidence { token: answer.delivery, credential: carrier.token };
        let change = move |record: &mut OrderRecord| {
            record.view.state = state;
            record.delivery = Some(evidence);
        };
        Ok(self.change(record.id(), record.state(), change).await?)
    }
}
