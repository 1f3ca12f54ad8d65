//! A network in memory with one center at default thresholds, for measuring.

use std::{collections::BTreeMap, sync::Arc};
use warifu_keydist::{
    CenterEpoch, CenterMatrices, CenterSeed, KeyCache, KeyRing, Share, Thresholds,
};
use warifu_protocol::{
    AtFault, ProtocolError,
    credential::{Class, Credential},
    form::{Accepts, Designation, Form},
    hpke::HpkeSecret,
    quote,
    rule::Rule,
    sealed::Draft,
    signer::{Signer, SigningKey},
    suite::{Suite, SuiteFloor},
    terminal::{KeyPolicy, Terminal},
    trust::{Anchors, CheckedForm, PinnedCenter, Trust},
    value::{FieldValue, OrderLine},
};
use warifu_types::{Currency, FieldName, Identifier, Money, Nonce, Role, UnixTime};

/// The time at which the stage stands.
pub const NOW: UnixTime = UnixTime(1_800_000_000);
const NETWORK: &str = "bench.warifu.example";

/// The parties of a four-part order.
pub struct Stage {
    matrices: CenterMatrices,
    anchors: Anchors,
    /// The holder.
    pub holder: Terminal,
    /// The merchant, whose opening is measured.
    pub merchant: Terminal,
    /// Every recipient's credential.
    pub recipients: BTreeMap<Role, Arc<Credential>>,
    /// The form as signed.
    pub form_token: String,
    /// The form as checked.
    pub form: Arc<CheckedForm>,
    /// The values of the order.
    pub values: BTreeMap<FieldName, FieldValue>,
}

type Fallible<T> = Result<T, ProtocolError>;

fn id(text: &str) -> Fallible<Identifier> {
    let bad = |_| ProtocolError::own(warifu_protocol::Reason::BadValue, "identifier");
    Identifier::parse(text).map_err(bad)
}

impl Stage {
    /// Sets the stage for one suite.
    pub fn new(suite: Suite) -> Fallible<Stage> {
        let center_id = id("domain:center.example")?;
        let center = SigningKey::from_seed(&[1; 32]);
        let epoch = CenterEpoch { center: center_id.clone(), epoch: 1 };
        let matrices = CenterMatrices::new(
            CenterSeed::from_bytes([2; 32]),
            NETWORK,
            epoch,
            Thresholds::default(),
        );
        let pinned = PinnedCenter {
            center: center_id,
            key: center.verifying_key(),
            epoch: 1,
            grace_until: UnixTime(0),
        };
        let anchors = Anchors { network: NETWORK.to_string(), centers: vec![pinned] };
        let maker = Maker { matrices: &matrices, center: &center, anchors: &anchors, suite };
        let holder = maker.terminal("mail:hanako@example.jp", Role::Holder, 10)?;
        let merchant = maker.terminal("domain:shop.example", Role::Merchant, 11)?;
        let mut recipients = BTreeMap::from([(Role::Merchant, merchant.credential.clone())]);
        for (who, role, number) in [
            ("domain:card.example", Role::Issuer, 12),
            ("domain:carrier.example", Role::Carrier, 13),
            ("domain:gateway.example", Role::Gateway, 14),
        ] {
            recipients.insert(role, Arc::new(maker.credential(&id(who)?, role, number).0));
        }
        let form_token = form(&merchant, suite).sign(merchant.signer.as_ref());
        let form = holder.trust.form(&form_token, &merchant.credential, NOW, AtFault::Own)?;
        let values = values()?;
        Ok(Stage { matrices, anchors, holder, merchant, recipients, form_token, form, values })
    }

    /// The order to seal.
    pub fn draft(&self) -> Draft<'_> {
        Draft {
            form: self.form.borrowed(),
            form_token: &self.form_token,
            values: &self.values,
            recipients: &self.recipients,
        }
    }

    /// A merchant's terminal that has seen no holder yet; its own form it knows.
    pub fn forgetful_merchant(&mut self) {
        let Terminal { trust, cache, credential, .. } = &mut self.merchant;
        *trust = Trust::new(self.anchors.clone(), 1000);
        cache.clear();
        // Sealing has checked it: it is a good one.
        let _own = trust.form(&self.form_token, credential, NOW, AtFault::Own);
    }

    /// The shares of a fresh holder and of the merchant.
    pub fn shares(&self) -> (Share, Share) {
        (
            self.matrices.holder_share(0, self.holder.id()),
            self.matrices.service_share(0, self.merchant.id()),
        )
    }
}

struct Maker<'a> {
    matrices: &'a CenterMatrices,
    center: &'a SigningKey,
    anchors: &'a Anchors,
    suite: Suite,
}

impl Maker<'_> {
    fn credential(&self, who: &Identifier, role: Role, number: u8) -> (Credential, HpkeSecret) {
        let secret = HpkeSecret::from_seed([100 + number; 32]);
        let suites = match self.suite {
            Suite::Kps => vec![Suite::Kps],
            Suite::KpsHpke => vec![Suite::KpsHpke, Suite::Kps],
        };
        let class = if role.is_holder() { Class::Holder {} } else { Class::Service { group: 0 } };
        let credential = Credential {
            iss: self.anchors.centers[0].center.clone(),
            network: NETWORK.to_string(),
            sub: who.clone(),
            class,
            roles: vec![role],
            key: SigningKey::from_seed(&[number; 32]).verifying_key(),
            hpke: vec![secret.public()],
            suites,
            epochs: vec![self.matrices.center().clone()],
            url: None,
            iat: NOW.minus(1000),
            exp: NOW.plus(1_000_000),
        };
        (credential, secret)
    }

    fn terminal(&self, who: &str, role: Role, number: u8) -> Fallible<Terminal> {
        let who = id(who)?;
        let (credential, secret) = self.credential(&who, role, number);
        let share = if role.is_holder() {
            self.matrices.holder_share(0, &who)
        } else {
            self.matrices.service_share(0, &who)
        };
        let mut ring = KeyRing::new(NETWORK, who);
        let own = |_| ProtocolError::own(warifu_protocol::Reason::Malformed, "share");
        ring.insert(share).map_err(own)?;
        Ok(Terminal {
            credential_token: credential.sign(self.center),
            credential: Arc::new(credential),
            signer: Arc::new(SigningKey::from_seed(&[number; 32])),
            hpke: vec![secret],
            ring,
            cache: KeyCache::new(1000),
            trust: Trust::new(self.anchors.clone(), 1000),
            floor: SuiteFloor::all(self.suite),
            policy: KeyPolicy::Predistributed,
        })
    }
}

fn form(merchant: &Terminal, suite: Suite) -> Form {
    let rule = Rule::minimal()
        .also(Role::Gateway, FieldName::HOLDER_NAME)
        .also(Role::Gateway, FieldName::HOLDER_TELEPHONE)
        .named("gateway");
    let parties = rule
        .parts
        .keys()
        .filter(|role| **role != Role::Merchant)
        .map(|role| (*role, Designation::Holder {}))
        .collect();
    Form {
        iss: merchant.id().clone(),
        network: NETWORK.to_string(),
        jti: Nonce([3; 32]),
        rule,
        parties,
        accepts: Accepts {
            currencies: vec![Currency::JPY],
            instalments: 12,
            issuers: vec![],
            suites: vec![suite],
        },
        direct: false,
        iat: NOW.minus(10),
        exp: NOW.plus(86_400),
    }
}

/// Values that make parts of 300 to 600 bytes of field content.
fn values() -> Fallible<BTreeMap<FieldName, FieldValue>> {
    use FieldName as F;
    let amount = Money::new(12_800, Currency::JPY)
        .map_err(|_| ProtocolError::own(warifu_protocol::Reason::BadValue, "amount"))?;
    let line = |name: &str, quantity| OrderLine { name: name.to_string(), quantity };
    Ok([
        (F::HOLDER_NAME, FieldValue::text("山田花子")),
        (F::HOLDER_TELEPHONE, FieldValue::text("+81-3-1234-5678")),
        (F::HOLDER_FAX, FieldValue::text("+81-3-1234-5679")),
        (F::CARD_NUMBER, FieldValue::text("4111111111111111")),
        (F::CARD_EXPIRY, FieldValue::text("2030-12")),
        (F::ITEM_NUMBERS, FieldValue::Numbers(vec!["T-100".into(), "K-207".into()])),
        (F::ITEMS, FieldValue::Lines(vec![line("煎茶 100g", 2), line("南部鉄器 急須", 1)])),
        (F::AMOUNT, FieldValue::Amount(amount)),
        (F::PAYMENT_TYPE, FieldValue::text("instalments:3")),
        (
            F::DESTINATION,
            FieldValue::text("山田太郎 京都府京都市左京区吉田本町 4-5-6 ハイツ吉田 203"),
        ),
        (F::QUOTE, FieldValue::text(quote::hash("a quote").to_string())),
    ]
    .into())
}
