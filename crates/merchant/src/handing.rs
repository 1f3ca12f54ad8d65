//! `goods` and `goods_receipt`: files are handed out after authorization, piece by piece, and
//! claimed with the holder's receipt (rows B10, B11).

use crate::{
    drive::Halt,
    files,
    merchant::{Merchant, put_changed},
    records::{Evidence, HANDED, ORDERS, OrderRecord},
    rules::handing,
};
use warifu_ports::Unit;
use warifu_protocol::{
    encode::b64,
    goods::{Content, GoodsReceipt, MAX_PIECE},
    status::State,
};
use warifu_types::{Identifier, OrderId, UnixTime};
use warifu_wire::{GoodsAnswer, GoodsQuestion, GoodsReceiptQuestion, Peer, Problem, StatusAnswer};

impl Merchant {
    /// A piece of a file. That it is out is in the records before it is.
    pub(crate) async fn goods(
        &self,
        peer: &Peer,
        question: GoodsQuestion,
    ) -> Result<GoodsAnswer, Problem> {
        let (holder, now) = (peer.credential.sub.clone(), self.party.now());
        let hand_out = move |unit: &mut dyn Unit| hand_out(unit, &holder, &question, now);
        Ok(GoodsAnswer { piece: b64(&self.store.run(hand_out).await?) })
    }

    /// The holder's receipt: authorized → delivered, and further.
    pub(crate) async fn goods_receipt(
        &self,
        peer: &Peer,
        question: GoodsReceiptQuestion,
    ) -> Result<StatusAnswer, Problem> {
        let (order, now) = (question.order, self.party.now());
        let record = self.known(order).await?;
        check_holder(&record, &peer.credential.sub)?;
        if record.files.is_empty() {
            return Err(Problem::bad_value("order", "this order has no files"));
        }
        let promised =
            record.files.iter().map(|(number, content)| (number.as_str(), &content.sha256));
        let own = self.party.id();
        let (holder, identity) = (&peer.credential, &record.identity);
        GoodsReceipt::verify(&question.receipt, holder, &own, identity, promised)?;
        let receipt = Evidence { token: question.receipt, credential: peer.token.clone() };
        self.store.run(move |unit| take_receipt(unit, order, receipt, now)).await?;
        self.go_on(order).await?;
        self.signed_status(order).await
    }

    /// Authorized → delivered without a receipt, some time after all was handed out.
    pub(crate) async fn claim_in_time(&self, record: &OrderRecord) -> Result<(), Halt> {
        let Some(handed_out) = record.handed_out else { return Ok(()) };
        let until = record.hold_until();
        if handing::claim_at(handed_out, self.receipt_patience, until) > self.party.now() {
            return Ok(());
        }
        let change = |record: &mut OrderRecord| {
            if !record.cancelling {
                record.view.state = State::Delivered;
            }
        };
        Ok(self.change(record.id(), State::Authorized, change).await?)
    }
}

/// Another holder learns no more than that there is no such order for it.
pub(crate) fn check_holder(record: &OrderRecord, holder: &Identifier) -> Result<(), Problem> {
    if record.holder == *holder { Ok(()) } else { Err(Problem::not_found("order")) }
}

/// Nothing goes out before authorization, nor of an order that is given up. What is paid for may be
/// fetched again.
fn check_state(record: &OrderRecord) -> Result<(), Problem> {
    match record.state() {
        State::Authorized if !record.cancelling => Ok(()),
        State::Delivered | State::Settled => Ok(()),
        _ => Err(wrong_state("the goods are for orders that are authorized and stand")),
    }
}

pub(crate) fn wrong_state(title: &str) -> Problem {
    Problem::new(409, "wrong_state", title, Some("state"))
}

fn hand_out(
    unit: &mut dyn Unit,
    holder: &Identifier,
    question: &GoodsQuestion,
    now: UnixTime,
) -> Result<Vec<u8>, Problem> {
    let missing = || Problem::not_found("order");
    let mut record = ORDERS.get(unit, &question.order.to_string())?.ok_or_else(missing)?;
    check_holder(&record, holder)?;
    let content = record.files.get(&question.item).ok_or_else(|| Problem::not_found("item"))?;
    check_state(&record)?;
    if question.offset >= content.size {
        return Err(Problem::bad_value("offset", "the file ends before this offset"));
    }
    if !(1..=MAX_PIECE).contains(&question.length) {
        return Err(Problem::bad_value("length", "a piece has 1 to 262,144 bytes"));
    }
    let from = question.offset;
    let to = (from + u64::from(question.length)).min(content.size);
    let piece = files::read(unit, content, from, to)?;
    note_handed(unit, &question.order, content, (from, to))?;
    if record.handed_out.is_none() && all_handed(unit, &record)? {
        record.handed_out = Some(now);
        put_changed(unit, record.state(), record, now)?;
    }
    Ok(piece)
}

fn note_handed(
    unit: &mut dyn Unit,
    order: &OrderId,
    content: &Content,
    (from, to): (u64, u64),
) -> Result<(), Problem> {
    let key = handed_key(order, content);
    let known = HANDED.get(unit, &key)?;
    let mut handed = known.clone().unwrap_or_default();
    if !handed.add(from, to) {
        return Err(Problem::bad_value("offset", "too many single pieces: close the gaps first"));
    }
    if known.as_ref() != Some(&handed) {
        HANDED.put(unit, &key, &handed)?;
    }
    Ok(())
}

fn all_handed(unit: &mut dyn Unit, record: &OrderRecord) -> Result<bool, Problem> {
    for content in record.files.values() {
        let handed = HANDED.get(unit, &handed_key(&record.id(), content))?.unwrap_or_default();
        if !handed.is_whole(content.size) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn handed_key(order: &OrderId, content: &Content) -> String {
    format!("{order}/{}", content.sha256)
}

/// Keeps the first receipt, with the state that it brings. One that comes after the merchant has
/// claimed is kept as evidence.
fn take_receipt(
    unit: &mut dyn Unit,
    order: OrderId,
    receipt: Evidence,
    now: UnixTime,
) -> Result<(), Problem> {
    let missing = || Problem::not_found("order");
    let mut record = ORDERS.get(unit, &order.to_string())?.ok_or_else(missing)?;
    check_state(&record)?;
    if record.handed_out.is_none() {
        return Err(wrong_state("not all of the goods have been handed out"));
    }
    if record.goods_receipt.is_some() {
        return Ok(());
    }
    let before = record.state();
    record.goods_receipt = Some(receipt);
    if before == State::Authorized {
        record.view.state = State::Delivered;
    }
    Ok(put_changed(unit, before, record, now)?)
}
