//! A new registry key: every data key is wrapped again, in small jobs, and again from where it was
//! left.

use crate::{
    records::{CARDS, CardRecord},
    registry::{Registry, own},
};
use std::collections::BTreeMap;
use warifu_ports::Unit;
use warifu_wire::Problem;

/// Records in one job.
const PAGE: usize = 50;

impl Registry {
    /// Wraps every data key that is not under the current registry key; returns how many. Broken off
    /// at any point, it goes on where it was.
    pub async fn rotate(&self) -> Result<usize, Problem> {
        let (mut after, mut count) = (String::new(), 0);
        loop {
            let from = after.clone();
            let page = self.store.run(move |unit| CARDS.scan(unit, &from, PAGE)).await?;
            let Some((last, _)) = page.last() else { return Ok(count) };
            after.clone_from(last);
            let mut again = Vec::new();
            let mut random = self.party.random();
            for (place, card) in page {
                if card.key == self.keys.current() {
                    continue;
                }
                let old = (card.key.as_str(), card.wrapped.as_str());
                let wrapped = self.keys.rewrap(&place, old, &mut random).map_err(own)?;
                again.push((place, card.wrapped, wrapped));
            }
            let key = self.keys.current().to_string();
            count += self.store.run(move |unit| write_again(unit, &key, again)).await?;
        }
    }

    /// How many cards are under each registry key: one that has none may be destroyed.
    pub async fn keys_in_use(&self) -> Result<BTreeMap<String, usize>, Problem> {
        let cards: Vec<(String, CardRecord)> = self.store.run(|unit| CARDS.all(unit)).await?;
        let mut counts = BTreeMap::new();
        for (_, card) in cards {
            *counts.entry(card.key).or_default() += 1;
        }
        Ok(counts)
    }
}

/// A card that was registered anew meanwhile stays as it is.
fn write_again(
    unit: &mut dyn Unit,
    key: &str,
    again: Vec<(String, String, String)>,
) -> Result<usize, Problem> {
    let mut count = 0;
    for (place, before, wrapped) in again {
        let Some(mut card) = CARDS.get(unit, &place)? else { continue };
        if card.wrapped == before {
            card.wrapped = wrapped;
            card.key = key.to_string();
            CARDS.put(unit, &place, &card)?;
            count += 1;
        }
    }
    Ok(count)
}
