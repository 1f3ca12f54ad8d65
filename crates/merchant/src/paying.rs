//! `payment_notices`: the center says by itself that orders are paid (row B9). The merchant's own
//! question brings the same answer; whichever comes second changes nothing.

use crate::{
    authorizing::take_answer,
    merchant::{Merchant, put_changed},
    records::{BY_IDENTITY, ORDERS, OrderRecord, UNFINISHED},
};
use futures_util::future::join_all;
use warifu_ports::{StoreError, Unit};
use warifu_protocol::{
    AtFault, ProtocolError, Reason,
    authorization::{AUTHORIZATION, Authorization, Decision},
    jws,
    status::State,
};
use warifu_types::{Digest, OrderId, Role, UnixTime};
use warifu_wire::{
    Answer, MAX_NOTICES, PaymentNoticesAnswer, PaymentNoticesQuestion, Peer, Problem,
    ReceivedAnswer,
};

impl Merchant {
    /// Takes notices, each by itself: what is wrong with one holds up no other.
    pub(crate) async fn payment_notices(
        &self,
        peer: &Peer,
        question: PaymentNoticesQuestion,
    ) -> Result<PaymentNoticesAnswer, Problem> {
        let tokens = question.authorizations;
        if tokens.is_empty() || tokens.len() > MAX_NOTICES {
            let at_fault = AtFault::Role(Role::Center);
            let field = "payment_notices.authorizations";
            return Err(ProtocolError::new(at_fault, Reason::BadValue, field).into());
        }
        let each = tokens.into_iter().map(|token| self.payment_notice(peer, token));
        let answers = join_all(each).await.into_iter().map(|answer| match answer {
            Ok(received) => Answer::Ok(received),
            Err(problem) => Answer::Problem(problem),
        });
        Ok(PaymentNoticesAnswer { answers: answers.collect() })
    }

    async fn payment_notice(&self, peer: &Peer, token: String) -> Result<ReceivedAnswer, Problem> {
        let named: Authorization = jws::peek(AUTHORIZATION, &token, AtFault::Sender)?;
        let record = self.by_identity(named.order).await?;
        let center = &peer.credential;
        let is_its_own = record.authorizer == Role::Center
            && record.parties.get(&Role::Center) == Some(&center.sub);
        if !is_its_own {
            return Err(Problem::forbidden("authorization.iss"));
        }
        let answer = self.verify_answer(&record, center, &token)?;
        if answer.decision != Decision::Authorized {
            let at_fault = AtFault::Role(Role::Center);
            let field = "authorization.decision";
            return Err(ProtocolError::new(at_fault, Reason::BadValue, field).into());
        }
        let (order, now, credential) = (record.id(), self.party.now(), peer.token.clone());
        let paid =
            move |unit: &mut dyn Unit| take_payment(unit, order, answer, (token, credential), now);
        self.store.run(paid).await?;
        self.go_on(order).await?;
        Ok(ReceivedAnswer { order: record.identity })
    }

    /// An order by its identity. The holder's order and the center's notice race: an order that is
    /// not here may come, so that the center is to try again.
    async fn by_identity(&self, identity: Digest) -> Result<OrderRecord, Problem> {
        let key = identity.to_string();
        let order = self.store.run(move |unit| BY_IDENTITY.get(unit, &key)).await?;
        let not_here = || {
            let title = "the order has not come yet; try again";
            Problem::new(503, "order_not_here", title, Some("authorization.order"))
        };
        self.load(order.ok_or_else(not_here)?).await?.ok_or_else(not_here)
    }
}

/// Takes a verified payment on. An order that was refused here meanwhile, by nobody's signed word,
/// stays refused, and the money is to go back.
fn take_payment(
    unit: &mut dyn Unit,
    order: OrderId,
    answer: Authorization,
    (token, credential): (String, String),
    now: UnixTime,
) -> Result<(), StoreError> {
    let key = order.to_string();
    let Some(mut record) = ORDERS.get(unit, &key)? else { return Ok(()) };
    let (before, reason) = (record.state(), record.reason.clone());
    match before {
        State::Ordered => take_answer(&mut record, answer, token, credential),
        State::Refused if record.authorization.is_none() => {
            take_answer(&mut record, answer, token, credential);
            record.view.state = State::Refused;
            record.reason = reason;
            record.cancelling = true;
            UNFINISHED.put(unit, &key, &true)?;
        }
        _ => return Ok(()),
    }
    put_changed(unit, before, record, now)
}
