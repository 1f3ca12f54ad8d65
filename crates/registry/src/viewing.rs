//! What the registry can read of an order: a card, and a number. For reports and tests.

use crate::{
    records::{CARDS, OUTBOX},
    registry::Registry,
};
use std::collections::BTreeMap;
use warifu_protocol::value::FieldValue;
use warifu_types::FieldName;
use warifu_wire::{Problem, private_line::SheetState};

/// What the registry knows of an order whose card it sends.
#[derive(Debug, Clone)]
pub struct SheetView {
    /// The card's fields.
    pub fields: BTreeMap<FieldName, FieldValue>,
    /// How far the sheet has come.
    pub state: SheetState,
}

impl Registry {
    /// What the registry's own records hold of the order with this number; none if no sheet goes out
    /// for it.
    pub async fn sheet_view(&self, number: &str) -> Result<Option<SheetView>, Problem> {
        let key = number.to_string();
        let found = self
            .store
            .run(move |unit| {
                let Some(sheet) = OUTBOX.get(unit, &key)? else { return Ok(None) };
                Ok::<_, Problem>(CARDS.get(unit, &sheet.card)?.map(|card| (sheet, card)))
            })
            .await?;
        let Some((sheet, record)) = found else { return Ok(None) };
        let card = self.open(&sheet.card, &record)?;
        let fields = BTreeMap::from([
            (FieldName::HOLDER_NAME, FieldValue::text(card.holder_name.as_str())),
            (FieldName::CARD_NUMBER, FieldValue::text(card.number.as_str())),
            (FieldName::CARD_EXPIRY, FieldValue::text(card.expiry.as_str())),
        ]);
        Ok(Some(SheetView { fields, state: sheet.state }))
    }
}
