//! Where an order's card comes from: the authorizer's part, or beside it, or by a reference (row C7).

use crate::Issuer;
use warifu_ports::{card_network::PresentedCard, holds::ReferenceQuestion};
use warifu_protocol::{
    ProtocolError, Reason,
    presented::{CardBeside, ReadCard},
    rule::BROKER,
    sealed::OpenedOrder,
    value::FieldValue,
};
use warifu_types::{FieldName, Role};
use warifu_wire::Problem;

/// An order's card.
pub(crate) enum Shown {
    /// It stands in the part.
    InPart,
    /// The front has shown it, with these salts.
    Beside { card: PresentedCard, salts: [String; 2] },
    /// The registry has named it.
    Named { card: PresentedCard },
    /// The registry knows no card for the reference and this order.
    Unknown,
}

impl Issuer {
    /// The card of an order. A front may show one under the rule `broker` alone, and orders under the
    /// brokers' rules are for brokers alone.
    pub(crate) async fn card_of(
        &self,
        opened: &OpenedOrder,
        beside: Option<&CardBeside>,
    ) -> Result<Shown, Problem> {
        let rule = &opened.form.form.rule;
        let broker = opened.holder.has_role(Role::Broker);
        if rule.is_for_brokers() && !broker {
            return Err(ProtocolError::holder(Reason::WrongParty, "credential.roles").into());
        }
        match (rule.name == BROKER, beside) {
            (true, Some(beside)) => {
                let ReadCard { number, expiry } = beside.read()?;
                let card = PresentedCard { number, expiry };
                Ok(Shown::Beside { card, salts: beside.salts()? })
            }
            (true, None) => Err(ProtocolError::sender(Reason::OutsideRule, "card").into()),
            (false, Some(_)) => Err(ProtocolError::sender(Reason::OutsideRule, "card").into()),
            (false, None) if rule.is_for_brokers() => self.named_card(opened).await,
            (false, None) => Ok(Shown::InPart),
        }
    }

    /// Asks the registry. Nothing is held before it has answered.
    async fn named_card(&self, opened: &OpenedOrder) -> Result<Shown, Problem> {
        let missing = |field: FieldName| {
            let field = format!("form.rule.parts.issuer.{field}");
            Problem::from(ProtocolError::sender(Reason::OutsideRule, field))
        };
        let amount = opened.fields.get(&FieldName::AMOUNT).and_then(FieldValue::as_amount);
        let asked = ReferenceQuestion {
            reference: opened.text(&FieldName::CARD_REFERENCE).to_string(),
            merchant: opened.form.form.iss.clone(),
            amount: amount.ok_or_else(|| missing(FieldName::AMOUNT))?,
            order: opened.identity,
        };
        let Some(registry) = &self.references else {
            let text = "this issuer has no line to a registry";
            let field = Some("order.fields.card_reference");
            return Err(Problem::new(422, "no_registry", text, field));
        };
        match registry.resolve(&asked).await {
            Ok(Some(card)) => Ok(Shown::Named { card }),
            Ok(None) => Ok(Shown::Unknown),
            Err(error) => {
                tracing::warn!(%error, "a reference could not be resolved");
                let text = "the registry does not answer; ask again";
                Err(Problem::new(503, "registry_unreachable", text, None))
            }
        }
    }
}
