//! A small network in memory, for the tests of this crate: fixed seeds, small matrices.
#![allow(dead_code, missing_docs, reason = "each test file uses its own share of this")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

pub mod forge;

use std::{collections::BTreeMap, sync::Arc};
use warifu_keydist::{
    CenterEpoch, CenterMatrices, CenterSeed, KeyCache, KeyRing, Matrix, Thresholds,
};
use warifu_protocol::{
    ChaCha20Rng, SeedableRng,
    credential::{Class, Credential},
    encode::UniqueMap,
    form::{Accepts, Designation, Form},
    hpke::HpkeSecret,
    quote::{Quote, QuoteLine},
    rule::Rule,
    sealed::{Draft, Sealed, seal},
    signer::{Signer, SigningKey},
    suite::{Suite, SuiteFloor},
    terminal::{KeyPolicy, Terminal},
    trust::{Anchors, PinnedCenter, Trust},
    value::{FieldValue, OrderLine},
};
use warifu_types::{Currency, FieldName, Identifier, Money, Nonce, OrderId, Role, UnixTime};

pub const NOW: UnixTime = UnixTime(1_800_000_000);
pub const NETWORK: &str = "test.warifu.example";

pub fn id(text: &str) -> Identifier {
    Identifier::parse(text).unwrap()
}

pub fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

/// Two centers, so that every key is the sum of two.
pub struct Net {
    pub centers: Vec<(CenterMatrices, SigningKey)>,
    pub anchors: Anchors,
    pub suites: Vec<Suite>,
    pub floor: SuiteFloor,
    pub epoch: u32,
    pub thresholds: (usize, usize),
}

impl Net {
    pub fn new() -> Net {
        Net::with(1, &[Suite::KpsHpke, Suite::Kps], SuiteFloor::default())
    }

    pub fn kps() -> Net {
        Net::with(1, &[Suite::Kps], SuiteFloor::all(Suite::Kps))
    }

    pub fn with(epoch: u32, suites: &[Suite], floor: SuiteFloor) -> Net {
        let thresholds = (24, 8);
        let mut centers = Vec::new();
        let mut pinned = Vec::new();
        for number in 1..=2u8 {
            let center = id(&format!("domain:center{number}.example"));
            let key = SigningKey::from_seed(&[100 + number; 32]);
            pinned.push(PinnedCenter {
                center: center.clone(),
                key: key.verifying_key(),
                epoch,
                grace_until: UnixTime(0),
            });
            let matrices = CenterMatrices::new(
                CenterSeed::from_bytes([number ^ epoch as u8; 32]),
                NETWORK,
                CenterEpoch { center, epoch },
                Thresholds::new(thresholds.0, thresholds.1).unwrap(),
            );
            centers.push((matrices, key));
        }
        Net {
            centers,
            anchors: Anchors { network: NETWORK.to_string(), centers: pinned },
            suites: suites.to_vec(),
            floor,
            epoch,
            thresholds,
        }
    }

    pub fn epochs(&self) -> Vec<CenterEpoch> {
        self.anchors
            .centers
            .iter()
            .map(|c| CenterEpoch { center: c.center.clone(), epoch: self.epoch })
            .collect()
    }

    /// A party's terminal; `number` makes its keys.
    pub fn terminal(&self, who: &str, role: Role, number: u8) -> Terminal {
        let who = id(who);
        let key = SigningKey::from_seed(&[number; 32]);
        let hpke = HpkeSecret::from_seed([200 ^ number; 32]);
        let class = if role.is_holder() { Class::Holder {} } else { Class::Service { group: 0 } };
        let credential = Credential {
            iss: self.anchors.centers[0].center.clone(),
            network: NETWORK.to_string(),
            sub: who.clone(),
            class,
            roles: vec![role],
            key: key.verifying_key(),
            hpke: vec![hpke.public()],
            suites: self.suites.clone(),
            epochs: self.epochs(),
            url: None,
            iat: NOW.minus(1000),
            exp: NOW.plus(1_000_000),
        };
        let token = credential.sign(&self.centers[0].1);
        let mut ring = KeyRing::new(NETWORK, who.clone());
        for (matrices, _) in &self.centers {
            if role.is_holder() {
                ring.insert(matrices.holder_share(0, &who)).unwrap();
            } else {
                ring.insert(matrices.service_share(0, &who)).unwrap();
                ring.insert(matrices.services_share(0, 0, &who)).unwrap();
            }
        }
        Terminal {
            credential: Arc::new(credential),
            credential_token: token,
            signer: Arc::new(key),
            hpke: vec![hpke],
            ring,
            cache: KeyCache::new(100),
            trust: Trust::new(self.anchors.clone(), 100),
            floor: self.floor.clone(),
            policy: KeyPolicy::Predistributed,
        }
    }

    pub fn matrix(&self) -> Matrix {
        Matrix::Holders { group: 0 }
    }
}

/// The four parties of a purchase.
pub struct Cast {
    pub net: Net,
    pub holder: Terminal,
    pub merchant: Terminal,
    pub issuer: Terminal,
    pub carrier: Terminal,
}

impl Cast {
    pub fn new(net: Net) -> Cast {
        Cast {
            holder: net.terminal("mail:hanako@example.jp", Role::Holder, 1),
            merchant: net.terminal("domain:shop.example", Role::Merchant, 2),
            issuer: net.terminal("domain:card.example", Role::Issuer, 3),
            carrier: net.terminal("name:黒猫運輸|domain:carrier.example", Role::Carrier, 4),
            net,
        }
    }

    pub fn form(&self, rule: Rule) -> Form {
        let parties = rule
            .parts
            .keys()
            .filter(|role| **role != rule.front)
            .map(|role| {
                let designation = match role {
                    Role::Carrier => Designation::Identifier(self.carrier.id().clone()),
                    _ => Designation::Holder {},
                };
                (*role, designation)
            })
            .collect();
        Form {
            iss: self.merchant.id().clone(),
            network: NETWORK.to_string(),
            jti: Nonce([9; 32]),
            rule,
            parties,
            accepts: Accepts {
                currencies: vec![Currency::JPY],
                instalments: 12,
                issuers: vec![],
                suites: self.net.suites.clone(),
            },
            direct: false,
            iat: NOW.minus(10),
            exp: NOW.plus(86_400),
        }
    }

    pub fn quote(&self, form: warifu_types::Digest) -> String {
        let line = QuoteLine {
            number: "T-100".into(),
            name: "煎茶".into(),
            quantity: 2,
            unit_price: Money::new(990, Currency::JPY).unwrap(),
            content: None,
            tick_seconds: None,
        };
        Quote {
            iss: self.merchant.id().clone(),
            jti: Nonce([8; 32]),
            form,
            total: Money::new(1980, Currency::JPY).unwrap(),
            lines: vec![line],
            iat: NOW.minus(5),
            exp: NOW.plus(600),
        }
        .sign(self.merchant.signer.as_ref())
    }

    pub fn recipients(&self) -> BTreeMap<Role, Arc<Credential>> {
        [
            (Role::Merchant, self.merchant.credential.clone()),
            (Role::Issuer, self.issuer.credential.clone()),
            (Role::Carrier, self.carrier.credential.clone()),
        ]
        .into()
    }

    /// Seals an order under a rule with the usual values.
    pub fn order(&self, rule: Rule) -> Sealed {
        let form = self.form(rule);
        self.order_on(&form, &self.recipients(), 7).unwrap()
    }

    pub fn order_on(
        &self,
        form: &Form,
        recipients: &BTreeMap<Role, Arc<Credential>>,
        seed: u8,
    ) -> warifu_protocol::error::Result<Sealed> {
        let token = form.sign(self.merchant.signer.as_ref());
        let at_fault = warifu_protocol::AtFault::Own;
        let checked = self.holder.trust.form(&token, &self.merchant.credential, NOW, at_fault)?;
        let mut values = values(&self.quote(checked.hash));
        let fields = checked.form.rule.fields();
        values.retain(|field, _| fields.contains(field));
        let draft =
            Draft { form: checked.borrowed(), form_token: &token, values: &values, recipients };
        seal(&self.holder, &draft, OrderId([seed; 32]), NOW, &mut rng(seed))
    }
}

/// A value for each of the usual fields.
pub fn values(quote: &str) -> BTreeMap<FieldName, FieldValue> {
    use FieldName as F;
    [
        (F::HOLDER_NAME, FieldValue::text("山田花子")),
        (F::HOLDER_ADDRESS, FieldValue::text("東京都港区芝1-2-3")),
        (F::HOLDER_TELEPHONE, FieldValue::text("+81-3-1234-5678")),
        (F::HOLDER_FAX, FieldValue::text("")),
        (F::CARD_NUMBER, FieldValue::text("4111111111111111")),
        (F::CARD_EXPIRY, FieldValue::text("2030-12")),
        (F::ITEM_NUMBERS, FieldValue::Numbers(vec!["T-100".into()])),
        (F::ITEMS, FieldValue::Lines(vec![OrderLine { name: "煎茶".into(), quantity: 2 }])),
        (F::AMOUNT, FieldValue::Amount(Money::new(1980, Currency::JPY).unwrap())),
        (F::PAYMENT_TYPE, FieldValue::text("one")),
        (F::DESTINATION, FieldValue::text("山田太郎 京都府京都市左京区4-5-6")),
        (F::QUOTE, FieldValue::text(warifu_protocol::quote::hash(quote).to_string())),
        (F::ACCESS_ZONE, FieldValue::text("lab-2")),
    ]
    .into()
}

/// A rule as a network may have of its own: the merchant does not learn who buys, and the carrier
/// learns what it carries, for the customs.
pub fn own_rule() -> Rule {
    use FieldName as F;
    let who = [F::HOLDER_NAME, F::HOLDER_TELEPHONE];
    who.iter()
        .fold(Rule::minimal().without(&F::HOLDER_FAX), |rule, field| {
            rule.withheld(Role::Merchant, field)
        })
        .withheld(Role::Issuer, &F::ITEM_NUMBERS)
        .also(Role::Carrier, F::ITEMS)
        .also(Role::Carrier, F::AMOUNT)
        .named("customs")
}

pub fn one<K: Ord, V>(key: K, value: V) -> UniqueMap<K, V> {
    [(key, value)].into_iter().collect()
}
