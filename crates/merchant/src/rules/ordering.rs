//! Whether an opened order says what the quote says, and what the form accepts.

use std::collections::BTreeMap;
use warifu_protocol::{
    AtFault, ProtocolError, Reason,
    goods::Kind,
    quote::{self, Quote},
    sealed::{OpenedOrder, SealedOrder, check_relayed},
    signer::VerifyingKey,
    value::{FieldValue, PaymentType},
};
use warifu_types::{Digest, FieldName, Identifier, Role, UnixTime};

/// Refuses an order whose other parts are not the ones that the holder signed. Where the form says
/// so, the authorizer's part goes directly and may be absent.
pub fn check_parts(opened: &OpenedOrder, bundle: &SealedOrder) -> Result<(), ProtocolError> {
    let form = &opened.form.form;
    for role in form.rule.parts.keys().filter(|role| **role != opened.role) {
        let goes_directly = form.direct && *role == form.rule.authorizer;
        if goes_directly && !bundle.parts.contains_key(role) {
            continue;
        }
        check_relayed(&opened.claims, bundle, *role)?;
    }
    Ok(())
}

/// The brokers' rules are for brokers, and brokers order under no other (row C6): a plain holder's
/// order would have no card, and a broker's users have no keys for theirs.
pub fn check_sender(opened: &OpenedOrder) -> Result<(), ProtocolError> {
    let for_brokers = opened.form.form.rule.is_for_brokers();
    match (for_brokers, opened.holder.has_role(Role::Broker)) {
        (true, false) => Err(ProtocolError::holder(Reason::WrongParty, "credential.roles")),
        (false, true) => Err(ProtocolError::holder(Reason::OutsideRule, "form.rule.name")),
        _ => Ok(()),
    }
}

/// Checks the quote that an order goes with. None if the form's rule knows no quote, as at a door.
pub fn check_quote(
    opened: &OpenedOrder,
    token: Option<&str>,
    own: (&Identifier, &VerifyingKey),
    now: UnixTime,
) -> Result<Option<Quote>, ProtocolError> {
    let rule = &opened.form.form.rule;
    let wanted = rule.part(rule.front).contains(&FieldName::QUOTE);
    let token = match (wanted, token) {
        (false, None) => return Ok(None),
        (true, Some(token)) => token,
        _ => return Err(ProtocolError::sender(Reason::Mismatch, "quote")),
    };
    let named = opened.text(&FieldName::QUOTE).parse::<Digest>().ok();
    if named != Some(quote::hash(token)) {
        return Err(wrong(&FieldName::QUOTE));
    }
    let quote = Quote::verify(token, &opened.claims.form, own, now, AtFault::Sender)?;
    check_values(opened, &quote)?;
    Ok(Some(quote))
}

/// Every field of the merchant's part that the quote also states must agree with it.
fn check_values(opened: &OpenedOrder, quote: &Quote) -> Result<(), ProtocolError> {
    for (field, value) in &opened.fields {
        let agrees = match (field.as_str(), value) {
            ("amount", value) => value.as_amount() == Some(quote.total),
            ("item_numbers", FieldValue::Numbers(numbers)) => {
                numbers.iter().eq(quote.lines.iter().map(|line| &line.number))
            }
            ("items", FieldValue::Lines(lines)) => lines
                .iter()
                .map(|line| (&line.name, line.quantity))
                .eq(quote.lines.iter().map(|line| (&line.name, line.quantity))),
            ("item_numbers" | "items", _) => false,
            _ => true,
        };
        if !agrees {
            return Err(wrong(field));
        }
    }
    Ok(())
}

/// Refuses a currency or a way of paying that the form does not accept.
pub fn check_accepted(opened: &OpenedOrder) -> Result<(), ProtocolError> {
    let accepts = &opened.form.form.accepts;
    let refuse = |field: FieldName| {
        Err(ProtocolError::holder(Reason::BadValue, format!("order.fields.{field}")))
    };
    if let Some(amount) = opened.fields.get(&FieldName::AMOUNT).and_then(FieldValue::as_amount)
        && !accepts.currencies.contains(&amount.currency())
    {
        return refuse(FieldName::AMOUNT);
    }
    if let Some(payment) = opened.fields.get(&FieldName::PAYMENT_TYPE) {
        let count = payment.as_text().and_then(PaymentType::parse).map(PaymentType::count);
        if count.is_none_or(|count| count > accepts.instalments.max(1)) {
            return refuse(FieldName::PAYMENT_TYPE);
        }
    }
    Ok(())
}

/// How many of what an order takes from the stock. What goes through the network does not run out.
pub fn taken(quote: Option<&Quote>) -> BTreeMap<String, u64> {
    let mut taken = BTreeMap::new();
    let lines = quote.into_iter().flat_map(|quote| &quote.lines);
    for line in lines.filter(|line| line.kind() == Kind::Later) {
        let count: &mut u64 = taken.entry(line.number.clone()).or_default();
        *count = count.saturating_add(u64::from(line.quantity));
    }
    taken
}

/// The parties that get a notice: those with a part that are neither front, authorizer nor carrier.
pub fn noticed(opened: &OpenedOrder) -> Vec<Role> {
    let rule = &opened.form.form.rule;
    let others = [rule.front, rule.authorizer, Role::Carrier];
    rule.parts.keys().copied().filter(|role| !others.contains(role)).collect()
}

fn wrong(field: &FieldName) -> ProtocolError {
    ProtocolError::holder(Reason::Mismatch, format!("order.fields.{field}"))
}
