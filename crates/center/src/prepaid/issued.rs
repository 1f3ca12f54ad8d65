//! The signed cards of a member once more, for a terminal that has lost them (row B8).

use super::records::{CARDS, HOLDINGS};
use crate::{
    settlement::Settlement,
    telegrams::record::{Entry, note},
};
use warifu_ports::Unit;
use warifu_protocol::{
    jws::Unsigned,
    telegram::{IssuedCards, Outcome},
};
use warifu_wire::Problem;

/// So many cards are looked at for one answer, which then fits a message by far.
const PAGE: u32 = 100;

impl Settlement {
    /// Answers with the documents as they were signed at each card's last load: nothing is issued.
    pub(crate) async fn issued_cards(&self, entry: Entry, from: u32) -> Result<Unsigned, Problem> {
        let work = move |unit: &mut dyn Unit| {
            note(unit, &entry)?;
            let cards = page(unit, &entry, from)?;
            Ok(entry.answer(Outcome::Cards(cards)))
        };
        self.store.run(work).await
    }
}

/// A member's cards in the order of their first issue: that list only ever grows, so that a count
/// is a place in it.
fn page(unit: &mut dyn Unit, entry: &Entry, from: u32) -> Result<IssuedCards, Problem> {
    let known = HOLDINGS.get(unit, entry.telegram.iss.as_str())?.unwrap_or_default();
    let mut documents = Vec::new();
    for id in known.cards.iter().skip(from as usize).take(PAGE as usize) {
        let card = CARDS.get(unit, id.as_str())?.ok_or_else(Problem::internal)?;
        if entry.now < card.until {
            documents.push(card.document.clone());
        }
    }
    let end = from.saturating_add(PAGE);
    let next = ((end as usize) < known.cards.len()).then_some(end);
    Ok(IssuedCards { documents, next })
}
