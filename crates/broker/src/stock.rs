//! How many there are of a service on a day, and how many are taken. The broker counts what it passes
//! on: an order takes its own in the job in which the user approves it, and gives them back in the job
//! in which it ends without service. The provider may still decline.

use crate::{
    records::{OrderRecord, SERVICES, TAKEN},
    rules::service::Service,
};
use warifu_ports::{StoreError, Unit};

fn key(service: &str, date: &str) -> String {
    format!("{service}/{date}")
}

/// How many of a service are left on a day; none if nobody says how many there are.
pub(crate) fn left(
    unit: &mut dyn Unit,
    service: (&str, &Service),
    date: &str,
) -> Result<Option<u32>, StoreError> {
    let (id, service) = service;
    let Some(capacity) = service.capacity else { return Ok(None) };
    let taken = TAKEN.get(unit, &key(id, date))?.unwrap_or(0);
    Ok(Some(capacity.saturating_sub(taken)))
}

/// Takes what an order wants, if there is as much: of the service as it is now, since its provider may
/// have changed it meanwhile.
pub(crate) fn take(unit: &mut dyn Unit, order: &mut OrderRecord) -> Result<bool, StoreError> {
    let id = order.service_id();
    let now = SERVICES.get(unit, &id)?;
    let service = now.as_ref().unwrap_or(&order.service);
    let left = left(unit, (&id, service), &order.date)?;
    if left.is_some_and(|left| left < order.quantity) {
        return Ok(false);
    }
    if left.is_some() {
        let key = key(&id, &order.date);
        let taken = TAKEN.get(unit, &key)?.unwrap_or(0);
        TAKEN.put(unit, &key, &taken.saturating_add(order.quantity))?;
        order.holds_stock = true;
    }
    Ok(true)
}

/// Gives back what an order has taken, once it is at an end without service.
pub(crate) fn settle(unit: &mut dyn Unit, order: &mut OrderRecord) -> Result<(), StoreError> {
    if !order.holds_stock || !order.state.is_without_service() {
        return Ok(());
    }
    order.holds_stock = false;
    let key = key(&order.service_id(), &order.date);
    match TAKEN.get(unit, &key)?.unwrap_or(0).saturating_sub(order.quantity) {
        0 => TAKEN.delete(unit, &key).map(|_| ()),
        taken => TAKEN.put(unit, &key, &taken),
    }
}
