//! What this implementation makes of messages to and from a center, and of what is shown later.
use crate::{bytes::Bytes, judge::Judge};
use serde_json::{Value, json};
use warifu_protocol::{
    AtFault,
    encode::from_json_object,
    enrolment::renewal::{self, Renewal, RenewalRequest},
    error::Result,
    goods::{GoodsReceipt, ReceivedFile},
    joining::Message,
    metering::{Meter, MeterRequest},
    prepaid::PrepaidCard,
    presented::CardBeside,
    receipt::Receipt,
    telegram::{
        Telegram, TelegramAnswer,
        session::{Opened, accept, open},
    },
    trade_number::TradeNumber,
};
use warifu_types::{Identifier, OrderId, Role};

const CENTER: AtFault = AtFault::Role(Role::Center);

impl Judge<'_> {
    pub fn epoch(&self) -> Result<Value> {
        let anchors = self.terminal.trust.anchors();
        let learnt = renewal::learn(anchors, &[self.text("token").into()], self.now, CENTER)?;
        Ok(json!({"centers": learnt.centers}))
    }

    pub fn renewal_request(&self) -> Result<Value> {
        let (party, trust) = (self.party("party"), &self.terminal.trust);
        let asked = (trust.network(), self.terminal.id());
        let of = (&party.sub, &party.key);
        let request = RenewalRequest::verify(self.text("token"), of, asked, self.now)?;
        Ok(json!({"sub": request.iss}))
    }

    pub fn renewal(&self) -> Result<Value> {
        let (renewal, center): (Renewal, Identifier) = (self.read("renewal"), self.read("center"));
        let anchors = self.terminal.trust.anchors();
        let pinned = anchors.centers.iter().find(|pinned| pinned.center == center).unwrap();
        let (own, keys) = (self.terminal.id(), &self.terminal.hpke);
        let shares = renewal.open(&anchors.network, pinned, own, keys)?;
        let files = shares.iter().map(|s| String::from_utf8(s.to_file().to_vec()).unwrap());
        Ok(json!({"shares": files.collect::<Vec<_>>()}))
    }

    pub fn telegram(&self) -> Result<Value> {
        let key = self.read("key");
        let telegram = Telegram::verify(self.text("token"), &key, self.terminal.id())?;
        telegram.check_time(self.now)?;
        Ok(json!({"instruction": telegram.instruction.word(), "seq": telegram.seq}))
    }

    pub fn telegram_answer(&self) -> Result<Value> {
        let (center, own) = (self.party("center"), self.terminal.id());
        let (token, telegram) = (self.text("token"), self.text("telegram"));
        let answer = TelegramAnswer::verify(token, &center, own, telegram)?;
        Ok(json!({"outcome": answer.outcome}))
    }

    fn random(&self, field: &str) -> Bytes {
        Bytes::new(&hex::decode(self.text(field)).unwrap())
    }

    /// The center gets an opening, and then messages.
    pub fn telegram_session(&self) -> Result<Value> {
        let mut random = self.random("center_random");
        let (mut session, opened) = accept(self.terminal, &self.read("open"), &mut random)?;
        let mut heard = Vec::new();
        for token in self.read::<Vec<String>>("messages") {
            let (seq, text) = session.hear(&token)?;
            heard.push(json!({"seq": seq, "text": String::from_utf8(text.to_vec()).unwrap()}));
        }
        Ok(json!({"opened": opened, "heard": heard}))
    }

    /// The terminal has opened a session, and gets the center's answers.
    pub fn telegram_opened(&self) -> Result<Value> {
        let mut random = self.random("terminal_random");
        let network = self.terminal.trust.network();
        let (waiting, open) = open(network, &self.party("center"), &mut random)?;
        let opened: Opened = self.read("opened");
        let session = waiting.finish(&opened);
        let mut heard = Vec::new();
        for (seq, token) in (0..).zip(self.read::<Vec<String>>("answers")) {
            let text = session.hear_answer(seq, &token)?;
            heard.push(String::from_utf8(text.to_vec()).unwrap());
        }
        Ok(json!({"open": open, "heard": heard}))
    }

    pub fn application(&self) -> Result<Value> {
        let message = self.text("message").as_bytes();
        let message: Message = from_json_object(message, AtFault::Sender, "message")?;
        let Message::Apply(application) = message else { panic!("no application") };
        application.check()?;
        Ok(json!({"kind": application.profile.kind()}))
    }

    pub fn prepaid_card(&self) -> Result<Value> {
        let card = PrepaidCard::verify(self.text("token"), &self.party("center"), self.now)?;
        Ok(json!({"number": card.number, "loaded": card.loaded, "serial": card.serial}))
    }

    pub fn goods_receipt(&self) -> Result<Value> {
        let (holder, own, order) = (self.party("holder"), self.terminal.id(), self.read("order"));
        let promised: Vec<ReceivedFile> = self.read("promised");
        let promised = promised.iter().map(|file| (file.number.as_str(), &file.sha256));
        GoodsReceipt::verify(self.text("token"), &holder, own, &order, promised)?;
        Ok(json!({}))
    }

    pub fn meter_request(&self) -> Result<Value> {
        let (front, own) = (self.party("front"), self.terminal.id());
        let request = MeterRequest::verify(self.text("token"), &front, own, self.now)?;
        Ok(json!({"tick": request.tick, "amount": request.amount}))
    }

    pub fn meter(&self) -> Result<Value> {
        let (center, asked) = (self.party("center"), self.read("request"));
        Meter::verify(self.text("token"), &center, &asked)?;
        Ok(json!({}))
    }

    pub fn receipt(&self) -> Result<Value> {
        let verified = self.read::<Receipt>("receipt").verify(self.terminal, self.now)?;
        Ok(json!({"fields": verified.fields, "state": verified.status.map(|s| s.state)}))
    }

    pub fn card_beside(&self) -> Result<Value> {
        let card: CardBeside = self.read("card");
        let read = card.read()?;
        let digests: serde_json::Map<String, Value> = card
            .digests()
            .iter()
            .map(|(field, digest)| (field.to_string(), json!(digest)))
            .collect();
        Ok(json!({"number": *read.number, "expiry": *read.expiry, "digests": digests}))
    }

    pub fn trade_number(&self) -> Value {
        let number = match self.input["text"].as_str() {
            Some(text) => text.parse(),
            None => Ok(TradeNumber::of(&self.read::<OrderId>("order"))),
        };
        match number {
            Ok(number) => json!({"accepted": {"number": number.as_str()}}),
            Err(_) => json!({"refused": {"problem": "no trade number"}}),
        }
    }
}
