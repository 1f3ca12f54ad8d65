//! What comes before an order, for whoever signs it: a holder's terminal, or a broker. The merchant's
//! form is checked, the parties that it designates are found, and its quote is asked for.

use crate::{CallError, Found, Party, QuoteAnswer, QuoteQuestion, operation::FormAnswer};
use std::sync::Arc;
use warifu_protocol::{
    AtFault, ProtocolError, Reason, form::Designation, quote::Quote, trust::CheckedForm,
};
use warifu_types::{Identifier, OrderId, Role};

/// Checks a merchant's form, which may come from `expected` alone if that is given. Returns the
/// merchant with it.
pub fn check_form(
    party: &Party,
    answer: &FormAnswer,
    expected: Option<&Identifier>,
) -> Result<(Found, Arc<CheckedForm>), CallError> {
    let token = answer.credential.clone();
    let front = Found { credential: party.credential(&token, AtFault::Sender)?, token };
    if expected.is_some_and(|expected| *expected != front.credential.sub) {
        return Err(ProtocolError::sender(Reason::Impostor, "form.iss").into());
    }
    let terminal = party.terminal();
    let form =
        terminal.trust.form(&answer.form, &front.credential, party.now(), AtFault::Sender)?;
    Ok((front, form))
}

/// Whom a designation means: `chosen` where the form leaves the choice to the holder, or else whom the
/// merchant has shown, or whom the directory finds.
pub async fn find_recipient(
    party: &Arc<Party>,
    designation: &Designation,
    shown: Option<&String>,
    chosen: &Identifier,
) -> Result<Found, CallError> {
    let directory = party.directory();
    match (designation, shown) {
        (Designation::Holder {}, _) => directory.find(party, chosen).await,
        (_, Some(token)) => Ok(Found {
            credential: party.credential(token, AtFault::Sender)?,
            token: token.clone(),
        }),
        (Designation::Identifier(who), None) => directory.find(party, who).await,
        (Designation::Name(name), None) => directory.find_name(party, name).await,
    }
}

/// Asks `front`, who answers at `url`, for a quote within a meeting about this very form, and checks
/// that it is for what was asked. Whether its price will do is the caller's to say.
pub async fn ask_quote(
    party: &Arc<Party>,
    (url, front): (&str, &Found),
    form: &CheckedForm,
    question: &QuoteQuestion,
    id: OrderId,
) -> Result<(Quote, String), CallError> {
    let front = &front.credential;
    let roles = (Role::Holder, form.form.rule.front);
    let connections = party.connections();
    let (expected, trade) = (Some(&front.sub), party.hands_out().then_some(id));
    connections.for_trade(party, url, roles, expected, Some(form.hash), trade).await?;
    let asked = ("quote", question);
    let answer: QuoteAnswer = connections.ask(party, url, roles, expected, asked, trade).await?;
    let at_fault = AtFault::Role(Role::Merchant);
    let key = (&front.sub, &front.key);
    let quote = Quote::verify(&answer.quote, &form.hash, key, party.now(), at_fault)?;
    let items = &question.items;
    let same = quote.lines.len() == items.len()
        && quote
            .lines
            .iter()
            .zip(items)
            .all(|(line, item)| line.number == item.number && line.quantity == item.quantity);
    if !same {
        return Err(ProtocolError::new(at_fault, Reason::Mismatch, "quote.lines").into());
    }
    Ok((quote, answer.quote))
}
