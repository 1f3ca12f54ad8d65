//! Asking the authorizer: to authorize, to pay, to let go (rows A10, A11).

use crate::{
    drive::Halt,
    merchant::Merchant,
    records::{Evidence, Granted, OrderRecord},
    rules::{
        steps,
        verdict::{self, Verdict},
    },
};
use warifu_protocol::{
    AtFault, ProtocolError, Reason,
    authorization::{Authorization, AuthorizationRequest, Decision},
    credential::Credential,
    presented::{CardBeside, CardQuestion},
    settlement::{Action, Settlement, SettlementRequest},
    status::State,
};
use warifu_types::Role;
use warifu_wire::{AuthorizeAnswer, CallError, Found, SettleQuestion, SettlementAnswer};

/// How long a request to a peer is good for, in seconds.
pub const REQUEST_LIFETIME: u64 = 300;

impl Merchant {
    /// Ordered → authorized or refused.
    pub(crate) async fn authorize(&self, record: &OrderRecord) -> Result<(), Halt> {
        if record.is_on_card_network() {
            return self.authorize_on_card_network(record).await;
        }
        let authorizer = match self.find_all(record).await {
            Ok(found) => found,
            Err((_, error)) if verdict::is_nobody(&error) => {
                return self.refuse(record, "unknown_party".to_string()).await;
            }
            Err((role, error)) => return Err(Halt::Peer(role, error)),
        };
        let card = self.card_beside(record).await?;
        match self.ask_authorization(record, &authorizer, card).await {
            Ok((answer, token)) => {
                let change = move |record: &mut OrderRecord| {
                    take_answer(record, answer, token, authorizer.token)
                };
                Ok(self.change(record.id(), State::Ordered, change).await?)
            }
            Err(error) => match verdict::after_asking(&error) {
                Verdict::No(code) => self.refuse(record, code).await,
                Verdict::Wait => Err(Halt::Peer(record.authorizer, error)),
            },
        }
    }

    async fn refuse(&self, record: &OrderRecord, code: String) -> Result<(), Halt> {
        let change = |record: &mut OrderRecord| {
            record.view.state = State::Refused;
            record.reason = Some(code);
        };
        Ok(self.change(record.id(), State::Ordered, change).await?)
    }

    /// Finds every other party before anything is authorized; returns the authorizer.
    async fn find_all(&self, record: &OrderRecord) -> Result<Found, (Role, CallError)> {
        let others = record.parties.keys().filter(|role| **role != self.settings.role);
        for role in others.filter(|role| **role != record.authorizer) {
            match self.find(record, *role).await {
                Err(error) if verdict::is_nobody(&error) => return Err((*role, error)),
                // The others are not needed yet.
                _ => {}
            }
        }
        self.find(record, record.authorizer).await.map_err(|error| (record.authorizer, error))
    }

    async fn ask_authorization(
        &self,
        record: &OrderRecord,
        authorizer: &Found,
        card: Option<CardBeside>,
    ) -> Result<(Authorization, String), CallError> {
        let now = self.party.now();
        let own = self.party.id();
        let mut digests = record.shared.clone();
        digests.as_mut().extend(card.iter().flat_map(CardBeside::digests));
        let request = AuthorizationRequest {
            iss: own.clone(),
            aud: authorizer.credential.sub.clone(),
            order: record.identity,
            digests,
            iat: now,
            exp: now.plus(REQUEST_LIFETIME),
        };
        let request = request.sign(self.party.terminal().signer.as_ref());
        let mut sealed = record.sealed.only(record.authorizer);
        if record.direct {
            sealed.parts.as_mut().clear();
        }
        let question = CardQuestion { sealed, request, card };
        let to = (record.authorizer, authorizer);
        let answer: AuthorizeAnswer = self.ask(record, to, "authorize", &question).await?;
        let claims = self.verify_answer(record, &authorizer.credential, &answer.authorization)?;
        Ok((claims, answer.authorization))
    }

    /// Verifies the authorizer's answer, however it came: to the merchant's question, or as a
    /// center's notice. A center's yes has a transaction number (row B9).
    pub(crate) fn verify_answer(
        &self,
        record: &OrderRecord,
        authorizer: &Credential,
        token: &str,
    ) -> Result<Authorization, ProtocolError> {
        let role = record.authorizer;
        let (own, now) = (self.party.id(), self.party.now());
        let answer = Authorization::verify(token, (role, authorizer), &own, &record.identity, now)?;
        let is_payment = role == Role::Center && answer.decision == Decision::Authorized;
        if is_payment && answer.transaction.as_deref().and_then(verdict::transaction).is_none() {
            let field = "authorization.transaction";
            return Err(ProtocolError::new(AtFault::Role(role), Reason::BadValue, field));
        }
        Ok(answer)
    }

    /// Delivered → settled.
    pub(crate) async fn capture(&self, record: &OrderRecord) -> Result<(), Halt> {
        if record.is_on_card_network() {
            return self.capture_on_card_network(record).await;
        }
        let settled = self.settle(record, Action::Capture).await;
        let settlement = settled.map_err(|error| Halt::Peer(record.authorizer, error))?;
        let change = |record: &mut OrderRecord| {
            record.view.state = State::Settled;
            record.settlement = Some(settlement);
        };
        Ok(self.change(record.id(), State::Delivered, change).await?)
    }

    /// Authorized → cancelled; refused stays refused, when a center has taken the money all the
    /// same.
    pub(crate) async fn void(&self, record: &OrderRecord) -> Result<(), Halt> {
        if record.is_on_card_network() {
            return self.reverse_on_card_network(record).await;
        }
        let until = record.hold_until();
        let settlement = match self.settle(record, Action::Void).await {
            Ok(settlement) => Some(settlement),
            Err(error) => match verdict::after_void(&error, until, self.party.now()) {
                Verdict::No(_) => None,
                Verdict::Wait => return Err(Halt::Peer(record.authorizer, error)),
            },
        };
        let change = |record: &mut OrderRecord| {
            record.settlement = settlement;
            match record.state() {
                State::Authorized => record.view.state = State::Cancelled,
                _ => record.cancelling = false,
            }
        };
        Ok(self.change(record.id(), record.state(), change).await?)
    }

    async fn settle(&self, record: &OrderRecord, action: Action) -> Result<Evidence, CallError> {
        let missing = || ProtocolError::own(Reason::Mismatch, "order.authorization");
        let granted = record.authorization.as_ref().ok_or_else(missing)?;
        let authorizer = self.find(record, record.authorizer).await?;
        let now = self.party.now();
        let own = self.party.id();
        let request = SettlementRequest {
            iss: own.clone(),
            aud: authorizer.credential.sub.clone(),
            order: record.identity,
            authorization: granted.id,
            action,
            amount: record.owed().filter(|_| action == Action::Capture),
            iat: now,
            exp: now.plus(REQUEST_LIFETIME),
        };
        let request = request.sign(self.party.terminal().signer.as_ref());
        let to = (record.authorizer, &authorizer);
        let answer: SettlementAnswer =
            self.ask(record, to, "settle", &SettleQuestion { request }).await?;
        Settlement::verify(
            &answer.settlement,
            &authorizer.credential,
            &own,
            &record.identity,
            action,
        )
        .map_err(|error| ProtocolError { at_fault: AtFault::Role(record.authorizer), ..error })?;
        Ok(Evidence { token: answer.settlement, credential: authorizer.token })
    }
}

/// Ordered → authorized or refused, by a verified answer of the authorizer whose credential this is.
pub(crate) fn take_answer(
    record: &mut OrderRecord,
    answer: Authorization,
    token: String,
    credential: String,
) {
    record.view.state = steps::after_authorization(answer.decision);
    record.reason = answer.reason.as_deref().map(verdict::code);
    let transaction = answer.transaction.as_deref().and_then(verdict::transaction);
    let (id, until) = (answer.jti, answer.exp);
    record.authorization = Some(Granted { token, id, transaction, until, credential });
}
