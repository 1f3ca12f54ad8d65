//! Taking from the stock and giving back, within an order's own unit of work.

use crate::records::STOCK;
use std::collections::BTreeMap;
use warifu_ports::{StoreError, Unit};
use warifu_wire::Problem;

/// Takes all or nothing: the caller's job is rolled back on a problem, which names the item.
pub fn take(unit: &mut dyn Unit, taken: &BTreeMap<String, u64>) -> Result<(), Problem> {
    for (number, count) in taken {
        let mut stock = STOCK.get(unit, number)?.unwrap_or_default();
        if stock.left() < *count {
            let title = format!("there is too little stock of {number}");
            return Err(Problem::new(409, "out_of_stock", &title, Some("quote.lines")));
        }
        stock.taken += count;
        STOCK.put(unit, number, &stock)?;
    }
    Ok(())
}

/// Gives back what a refused or cancelled order had taken.
pub fn give_back(unit: &mut dyn Unit, taken: &BTreeMap<String, u64>) -> Result<(), StoreError> {
    for (number, count) in taken {
        let mut stock = STOCK.get(unit, number)?.unwrap_or_default();
        stock.taken = stock.taken.saturating_sub(*count);
        STOCK.put(unit, number, &stock)?;
    }
    Ok(())
}
