//! A card for a reference, for issuers alone: billing without a card at the provider (row C7).

use crate::{
    records::{ANSWERS, Bound, CARDS, Given, REFERENCES},
    registry::{Registry, reference_key},
};
use warifu_ports::Unit;
use warifu_types::Identifier;
use warifu_wire::{
    Problem,
    private_line::{CardAnswer, ResolveQuestion},
};

impl Registry {
    /// The card, for the issuer that has issued it, and for the first order that asks: the same order
    /// again gets the same, another one nothing.
    pub(crate) async fn resolve(
        &self,
        issuer: &Identifier,
        question: ResolveQuestion,
    ) -> Result<CardAnswer, Problem> {
        let (now, lifetime) = (self.party.now(), self.settings.reference_lifetime);
        let issuer = issuer.clone();
        let work = move |unit: &mut dyn Unit| {
            let unknown = || Problem::not_found("reference");
            let key = reference_key(unit, &question.reference.0);
            let number = REFERENCES.get(unit, &key)?.ok_or_else(unknown)?;
            let mut record = ANSWERS.get(unit, &number)?.ok_or_else(unknown)?;
            let Given::Yes { card, issuer: of, .. } = &record.answer else { return Err(unknown()) };
            if *of != issuer || record.void || record.at.plus(lifetime) < now {
                return Err(unknown());
            }
            let place = card.clone();
            let ResolveQuestion { merchant, amount, order, .. } = question;
            let asks = Bound { order, merchant, amount };
            match &record.bound {
                Some(bound) if *bound != asks => {
                    tracing::error!(alarm = "second_order", number, "a reference is used twice");
                    return Err(Problem::conflict("reference"));
                }
                Some(_) => {}
                None => {
                    record.bound = Some(asks);
                    ANSWERS.put(unit, &number, &record)?;
                }
            }
            let card = CARDS.get(unit, &place)?.ok_or_else(unknown)?;
            if card.blocked {
                let title = "the card is blocked";
                return Err(Problem::new(403, "blocked", title, Some("reference")));
            }
            Ok::<_, Problem>((place, card))
        };
        let (place, record) = self.store.run(work).await?;
        let card = self.open(&place, &record)?;
        Ok(CardAnswer {
            holder_name: card.holder_name,
            card_number: card.number,
            card_expiry: card.expiry,
        })
    }
}
