//! Sealed orders: at the merchant with a prepaid card, and at the center for value that an issuer
//! pays for.

use super::{Member, Script, World, net, yen};
use std::collections::BTreeMap;
use warifu_ports::Clock;
use warifu_protocol::{
    AtFault,
    form::{Accepts, Designation, Form},
    prepaid::PrepaidCard,
    rule::Rule,
    sealed::{Draft, Sealed},
    suite::Suite,
    telegram::{Funding, Instruction, Payment},
    value::FieldValue,
};
use warifu_types::{Currency, FieldName, Money, Nonce, OrderId, Role};
use warifu_wire::FormAnswer;

/// An order that a test wishes for.
#[derive(Clone)]
pub struct Wish {
    pub number: u32,
    pub salt: u8,
    pub rule: Rule,
    pub amount: Money,
    pub values: BTreeMap<FieldName, FieldValue>,
}

impl Wish {
    /// An order of 1980 yen with this card.
    pub fn new(number: u32, card: &PrepaidCard) -> Wish {
        let values = [
            (FieldName::CARD_NUMBER, FieldValue::text(card.number.clone())),
            (FieldName::CARD_EXPIRY, FieldValue::text(card.expiry.clone())),
        ];
        let rule = Rule::prepaid().without_party(Role::Carrier);
        Wish { number, salt: 1, rule, amount: yen(1980), values: values.into() }
    }

    pub fn of(mut self, amount: Money) -> Wish {
        self.amount = amount;
        self
    }

    pub fn metered(mut self) -> Wish {
        self.rule = self.rule.named("prepaid-metered");
        self
    }

    pub fn text(mut self, field: FieldName, text: &str) -> Wish {
        self.values.insert(field, FieldValue::text(text));
        self
    }

    pub fn order(&self) -> OrderId {
        let mut bytes = [7; 32];
        bytes[..4].copy_from_slice(&self.number.to_be_bytes());
        bytes[4] = self.salt;
        OrderId(bytes)
    }
}

impl World {
    /// A merchant's form for a rule.
    fn form(&self, shop: &Script, rule: &Rule) -> String {
        let merchant = shop.party.terminal();
        let others = rule.parts.keys().filter(|role| **role != Role::Merchant);
        let now = self.clock.now();
        let form = Form {
            iss: merchant.id().clone(),
            network: super::NETWORK.into(),
            jti: Nonce([9; 32]),
            rule: rule.clone(),
            parties: others.map(|role| (*role, Designation::Holder {})).collect(),
            accepts: Accepts {
                currencies: vec![Currency::JPY, Currency::EUR],
                instalments: 1,
                issuers: vec![],
                suites: vec![Suite::KpsHpke, Suite::Kps],
            },
            direct: false,
            iat: now.minus(10),
            exp: now.plus(86_400),
        };
        form.sign(merchant.signer.as_ref())
    }

    /// Seals an order; the center has what its payment names.
    pub async fn seal(&self, member: &Member, wish: &Wish) -> Sealed {
        self.seal_at(&self.merchant, member, wish).await
    }

    /// An order at one of several merchants.
    pub async fn seal_at(&self, shop: &Script, member: &Member, wish: &Wish) -> Sealed {
        let sealed = self.seal_only(shop, member, wish).await;
        let enclosures = Payment::enclosures(&sealed.bundle, &shop.credential());
        self.session().await.enclose(&enclosures).await.unwrap();
        sealed
    }

    /// An order whose payment names what the center may not have.
    pub async fn seal_only(&self, shop: &Script, member: &Member, wish: &Wish) -> Sealed {
        let token = self.form(shop, &wish.rule);
        let front = shop.party.terminal().credential.clone();
        let now = self.clock.now();
        let checked =
            member.party.terminal().trust.form(&token, &front, now, AtFault::Own).unwrap();
        let mut values = net::values("quote");
        values.extend(wish.values.clone());
        values.insert(FieldName::AMOUNT, FieldValue::Amount(wish.amount));
        let fields = checked.form.rule.fields();
        values.retain(|field, _| fields.contains(field));
        let recipients =
            [(Role::Merchant, front), (Role::Center, self.credential())].into_iter().collect();
        let draft = Draft {
            form: checked.borrowed(),
            form_token: &token,
            values: &values,
            recipients: &recipients,
        };
        member.party.seal(&draft, wish.order()).await.unwrap()
    }

    /// The payment instruction for a sealed order.
    pub fn payment(&self, sealed: &Sealed) -> Instruction {
        self.payment_at(&self.merchant, sealed)
    }

    pub fn payment_at(&self, shop: &Script, sealed: &Sealed) -> Instruction {
        Instruction::Pay(Box::new(Payment::of(&sealed.bundle, &shop.credential()).unwrap()))
    }

    /// An order for value that the issuer pays for.
    pub async fn credit(&self, member: &Member, amount: Money, number: u8) -> Funding {
        let shown: FormAnswer = reqwest::get(format!("{}/v1/form?rule=top-up", self.url))
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let front = self.credential();
        assert_eq!(shown.credential, self.center.party().terminal().credential_token);
        let now = self.clock.now();
        let checked =
            member.party.terminal().trust.form(&shown.form, &front, now, AtFault::Own).unwrap();
        let mut values = net::values("quote");
        values.insert(FieldName::AMOUNT, FieldValue::Amount(amount));
        let fields = checked.form.rule.fields();
        values.retain(|field, _| fields.contains(field));
        let issuer = self.issuer.party.terminal().credential.clone();
        let recipients = [(Role::Center, front), (Role::Issuer, issuer)].into_iter().collect();
        let draft = Draft {
            form: checked.borrowed(),
            form_token: &shown.form,
            values: &values,
            recipients: &recipients,
        };
        let sealed = member.party.seal(&draft, OrderId([number; 32])).await.unwrap();
        Funding::Issuer { sealed: sealed.bundle }
    }
}
