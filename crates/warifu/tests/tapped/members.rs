//! Joining a settlement center, loading prepaid cards and paying with them: every byte recorded, every
//! value of the member and of every order a canary.

use crate::{
    canary::Canary,
    keys::Keys,
    member::{Member, person, profile},
    network::{PATIENCE, Tapped},
    trades::{Script, Trade},
};
use warifu::{newcomer::Invited, serve::Service};
use warifu_center::MoneyReceived;
use warifu_holder::{
    Card, OrderRecord, Source as MoneySource, Standing, TopUpRecord, TopUpWish, Way,
    joining::{CheckedGuide, Joiner, Letter},
};
use warifu_issuer::{CardApplication, CardKind};
use warifu_protocol::{joining::MemberKind, status::State, telegram::Profile};
use warifu_types::{Currency, Identifier, Money};
use warifu_wire::TelegramSession;

/// The label of the prepaid card.
const PREPAID: &str = "prepaid";
/// The label of the credit card.
const CREDIT: &str = "credit";
/// How a load is paid back to the issuer: center and issuer read it, and nobody else.
const INSTALMENTS: &str = "instalments:11";

fn yen(digits: &str) -> Money {
    Money::new(digits.parse().unwrap(), Currency::JPY).unwrap()
}

impl Tapped {
    /// A person becomes a member, with a credit card of the issuer.
    pub async fn join(&mut self) {
        let mut source = self.source("member");
        let person = person(&mut source);
        let folder = self.folder("member");
        let member = Member::join(&self.network, person.clone(), &folder, &mut source).await;
        let profile = profile(&mut source);
        let card = Card {
            label: CREDIT.to_string(),
            issuer: Identifier::parse("domain:card.example").unwrap(),
            number: source.card_number(),
            expiry: "2039-11".to_string(),
        };
        let application = CardApplication {
            kind: CardKind::Credit,
            card_number: card.number.clone(),
            expiry: card.expiry.clone(),
            holder: member.newcomer.membership.identifier.clone(),
            holder_name: profile.name.clone(),
            holder_telephone: profile.telephone.clone(),
            limits: vec![yen("1000000000000")],
            zones: Vec::new(),
            max_instalments: 12,
        };
        let Service::Issuer(issuer) = &self.network.services["issuer"] else { panic!("no issuer") };
        issuer.add_card(application).await.unwrap();
        member.holder.set_profile(profile.clone()).await.unwrap();
        member.holder.add_card(card.clone()).await.unwrap();
        let issuers = |what: &str, value: &str| {
            Canary::of(&format!("member: {what}"), value, &["issuer"]).seen_by(&["member"])
        };
        self.canaries.extend([
            issuers("name on the credit card", &profile.name),
            issuers("telephone on the credit card", &profile.telephone),
            issuers("fax on the load", &profile.fax).that_may_be_gone(),
            issuers("credit card", &card.number),
            issuers("credit card's expiry", &format!("\"{}\"", card.expiry)),
        ]);
        let center = |what: &str, value: String| {
            Canary::of(&format!("member: {what}"), value, &["center"]).seen_by(&["member"])
        };
        self.canaries.extend([
            center("name", person.name.clone()),
            center("address", person.address.clone()),
            center("date of birth", format!("\"{}\"", person.born)),
        ]);
        self.canaries.extend(member.canaries());
        self.member = Some(member);
    }

    pub fn the_member(&self) -> &Member {
        self.member.as_ref().unwrap()
    }

    /// Asks for value on the prepaid card.
    async fn top_up(
        &mut self,
        what: &str,
        source: MoneySource,
        readers: &[&'static str],
    ) -> TopUpRecord {
        let amount = self.source(what).digits(12);
        let wish = TopUpWish { amount: yen(&amount), onto: PREPAID.to_string(), source };
        let asked = self.the_member().holder.top_up(&wish).await.unwrap();
        self.snapshot();
        let canary = Canary::of(&format!("{what}: amount"), amount, readers);
        self.canaries.push(canary.seen_by(&["member"]));
        asked
    }

    /// Value on the prepaid card, for which the issuer gives credit; the card.
    pub async fn load_by_issuer(&mut self) -> Card {
        // Others of this network pay by instalments: that would be no value of this order alone.
        let credit =
            MoneySource::Issuer { card: CREDIT.to_string(), payment_type: "one".to_string() };
        let asked = self.top_up("load", credit, &["center", "issuer"]).await;
        let holder = self.the_member().holder.clone();
        let issued = holder.wait_for_top_up(asked.telegram, PATIENCE).await.unwrap();
        assert_eq!(issued.standing, Standing::Issued {});
        let document = holder.prepaid_cards().await.unwrap().remove(0).card.unwrap();
        let center = |what: &str, value: String| {
            Canary::of(&format!("load: {what}"), value, &["center", "member"])
        };
        self.canaries.extend([
            center("prepaid card", document.number.clone()),
            center("prepaid card's expiry", format!("\"{}\"", document.expiry)),
        ]);
        Card {
            label: PREPAID.to_string(),
            issuer: document.iss,
            number: document.number,
            expiry: document.expiry,
        }
    }

    /// The same, which the issuer refuses: it knows the member under another telephone number.
    async fn load_refused_by_the_issuer(&mut self) {
        let profile = profile(&mut self.source("refused load"));
        let holder = self.the_member().holder.clone();
        holder.set_profile(profile.clone()).await.unwrap();
        let credit =
            MoneySource::Issuer { card: CREDIT.to_string(), payment_type: INSTALMENTS.to_string() };
        let asked = self.top_up("refused load", credit, &["center", "issuer"]).await;
        let refused = holder.wait_for_top_up(asked.telegram, PATIENCE).await.unwrap();
        assert!(matches!(refused.standing, Standing::Refused { .. }), "{refused:?}");
        for (what, value) in [("name", profile.name), ("telephone", profile.telephone)] {
            let canary = Canary::of(&format!("refused load: {what}"), value, &["issuer"]);
            self.canaries.push(canary.seen_by(&["member"]));
        }
    }

    async fn ask_for_the_balance(&mut self) {
        let balance = self.the_member().holder.balance(PREPAID).await.unwrap();
        // Any later payment writes another one over it.
        let canary = Canary::of("balance", balance.minor().to_string(), &["member"]);
        let canary = canary.that_may_be_gone();
        self.canaries.push(canary.seen_by(&["center"]));
    }

    /// Another signature key. What the vault held before leaks as little as what it holds now.
    async fn change_key(&mut self) {
        let before = self.the_member().secrets();
        let mut member = self.member.take().unwrap();
        member.change_key(&self.network).await;
        let now = member.secrets();
        self.member = Some(member);
        self.snapshot();
        let seed = |secrets: &[Canary]| {
            let named = secrets.iter().find(|secret| secret.name == "member: signing seed");
            named.unwrap().value.clone()
        };
        assert_ne!(seed(&before), seed(&now));
        self.canaries.extend(before.into_iter().map(Canary::that_may_be_gone));
    }

    /// A prepaid card that money brings which comes by another way.
    async fn load_by_money(&mut self, way: Way, source: MoneySource) {
        let what = format!("load by {way:?}");
        let asked = self.top_up(&what, source, &["center"]).await;
        let Standing::Waiting { reference } = asked.standing else { panic!("{asked:?}") };
        let received = MoneyReceived {
            id: format!("bank {what}"),
            reference: reference.clone(),
            amount: asked.amount,
            way,
        };
        self.network.center.settlement().money_received(received).await.unwrap();
        let holder = &self.the_member().holder;
        let issued = holder.wait_for_top_up(asked.telegram, PATIENCE).await.unwrap();
        assert_eq!(issued.standing, Standing::Issued {});
        self.snapshot();
        let canary = Canary::nobodys(&format!("{what}: reference"), reference);
        self.canaries.push(canary.seen_by(&["center", "member"]));
    }

    /// Makes a trade with the prepaid card and waits for its end.
    pub async fn prepaid_trade(&mut self, script: Script, card: &Card) -> OrderRecord {
        let trade =
            self.next_trade(|seed, number| Trade::prepaid(script, seed, number, card.clone()));
        let merchant = self.network.merchant().unwrap().clone();
        let items = serde_json::from_value(trade.catalogue()).unwrap();
        merchant.import_catalogue(items).await.unwrap();
        for (number, content) in trade.files() {
            merchant.add_file(number, content.as_bytes()).await.unwrap();
        }
        let holder = self.the_member().holder.clone();
        holder.set_profile(trade.entered().0).await.unwrap();
        let purchase = trade.purchase(self.network.url("merchant"));
        let id = holder.buy(&purchase).await.unwrap().id;
        self.snapshot();
        let cancelled = script.name == "prepaid-cancelled";
        if !script.refused && script.rule != "prepaid" {
            let record = holder.wait_for(id, State::Authorized, PATIENCE).await.unwrap();
            assert_eq!(record.state, Some(State::Authorized), "{}", script.name);
        }
        match script.rule {
            _ if script.refused => {}
            _ if cancelled => assert_eq!(merchant.cancel(&id).await.unwrap(), State::Cancelled),
            "prepaid-download" => {
                // Beside the folders that are looked into: what was bought lies there in clear.
                let folder = self.folder("downloads");
                std::fs::create_dir_all(&folder).unwrap();
                assert_eq!(holder.download(id, &folder).await.unwrap().len(), 2);
            }
            "prepaid-metered" => {
                holder.play(id, 1).await.unwrap();
                holder.stop(id, PATIENCE).await.unwrap();
            }
            _ => {}
        }
        let end = match script.refused {
            true => State::Refused,
            _ if cancelled => State::Cancelled,
            _ => State::Settled,
        };
        let record = holder.wait_for(id, end, PATIENCE).await.unwrap();
        assert_eq!(record.state, Some(end), "{}: {:?}", script.name, record.reason);
        self.snapshot();
        self.canaries.extend(trade.canaries(&record));
        record
    }

    /// Another letter after the key was revoked, for a new terminal.
    async fn register_again(&mut self) {
        let settlement = self.network.center.settlement();
        let number = self.the_member().newcomer.membership.number.clone();
        let Profile::Member(person) = settlement.members().await.unwrap().remove(0).profile else {
            panic!("a member")
        };
        settlement.revoke_key(&number).await.unwrap();
        let posted = settlement.letter(&number, true).await.unwrap();
        let guide = TelegramSession::guide(&self.network.url("center")).await.unwrap();
        let guide = CheckedGuide::new(guide, warifu::setup::now()).unwrap();
        let (_, terms) = guide.terms(MemberKind::Member);
        let letter =
            Letter { number, code: posted.code.clone(), terms, who: Joiner::Member(person) };
        let before = self.the_member().secrets();
        self.canaries.extend(before.into_iter().map(Canary::that_may_be_gone));
        let file = self.folder("member").join("second.vault");
        let mut source = self.source("second terminal");
        let invited = Invited { guide, letter };
        let member = Member::register(&self.network, invited, &file, &mut source).await;
        self.canaries.extend(member.canaries());
        self.member = Some(member);
        self.snapshot();
    }

    /// The telegrams' keys that are looked for are those of the sessions that there were.
    pub fn assert_telegrams_were_recorded(&self) {
        let sessions = self.the_member().session_roots();
        assert!(!sessions.is_empty());
        for (ek, _) in sessions {
            assert!(self.was_heard(ek.as_bytes()), "a session that nobody has recorded");
        }
    }
}

/// The whole life of a member: every way to value, a question, a refusal, another key, another
/// terminal.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_member_leaks() {
    for keys in Keys::HPKE.with_each_suite() {
        let mut tapped = Tapped::start(keys).await;
        tapped.join().await;
        tapped.load_by_money(Way::Transfer, MoneySource::Transfer).await;
        tapped.load_by_money(Way::PayIn, MoneySource::PayIn).await;
        tapped.load_by_money(Way::RegisteredMail, MoneySource::RegisteredMail).await;
        tapped.ask_for_the_balance().await;
        tapped.load_refused_by_the_issuer().await;
        tapped.change_key().await;
        tapped.register_again().await;
        tapped.assert_recorded_of(&["center", "issuer"]);
        tapped.assert_telegrams_were_recorded();
        let faults = tapped.faults();
        assert!(faults.is_empty(), "{faults:#?}");
    }
}
