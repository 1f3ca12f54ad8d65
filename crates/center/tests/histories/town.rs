//! A real center with members, merchants and an issuer, and what they do.

use crate::{
    common::{
        Member, Place, Script, Wish, World,
        member::{person, top_up},
        settings, yen,
    },
    model::{self, Card, Model},
    step::{By, Step, What},
};
use std::sync::Arc;
use warifu_center::{MoneyOutcome, MoneyReceived, Rates, Settings, Way};
use warifu_ports::holds::CardId;
use warifu_protocol::{
    authorization::Authorization,
    prepaid::PrepaidCard,
    settlement::Action,
    telegram::{Funding, Instruction, Outcome, Telegram, TopUpState},
};
use warifu_types::{Money, Nonce, Rate, Role};

/// Something that is done, as often as one likes.
#[derive(Clone)]
enum Act {
    Telegram(String),
    Settle { payment: usize, action: Action, amount: Option<Money> },
    Tick { payment: usize, tick: u32, total: Money },
    Money(MoneyReceived),
    Work,
}

/// What comes of it; a refusal by its code.
type Answer = Result<Said, String>;

#[derive(Debug, Clone, PartialEq)]
enum Said {
    Outcome(Outcome),
    Signed(String),
    Money(MoneyOutcome),
    Done,
}

/// A request that waits for its money.
struct Waiting {
    request: MoneyReceived,
    asked: u64,
    /// Who asked, by which telegram, and for which card.
    member: usize,
    telegram: Nonce,
    card: Option<usize>,
}

pub struct Town {
    world: World,
    shops: [Arc<Script>; 2],
    members: Vec<Member>,
    model: Model,
    /// The cards in the order of the model's, with their owners.
    cards: Vec<(usize, PrepaidCard)>,
    /// The merchant and the authorization of each of the model's payments.
    payments: Vec<(usize, Authorization)>,
    waiting: Vec<Waiting>,
    done: Vec<(Act, Answer)>,
    /// Counts orders, credits and money.
    count: u32,
    deaths: usize,
}

impl Town {
    pub async fn new(place: Place) -> Town {
        // Nothing but money refuses anything here.
        let often = Rate { burst: 1_000_000, a_minute: 1000 };
        let rates = Rates {
            opens_of_address: often,
            opens_of_all: often,
            telegrams: often,
            applications: often,
        };
        let mut limits = settings().limits;
        for limit in &mut limits {
            (limit.card, limit.member) = (yen(10_000_000), yen(10_000_000));
        }
        limits.truncate(1);
        let world = World::at(place, Settings { rates, limits, ..settings() }).await;
        let link = (&world.center, &world.clock);
        let other = Script::start(link.0, link.1, "domain:books.example", Role::Merchant, 4).await;
        let mut town = Town {
            shops: [world.merchant.clone(), other],
            world,
            members: Vec::new(),
            model: Model::default(),
            cards: Vec::new(),
            payments: Vec::new(),
            waiting: Vec::new(),
            done: Vec::new(),
            count: 0,
            deaths: 0,
        };
        town.join(None).await;
        town
    }

    pub async fn go(&mut self, step: &Step) {
        let dies = step.dies;
        match step.what {
            What::Join if self.members.len() < 4 => self.join(dies).await,
            What::Join => {}
            What::Load { member, card, by, amount } => {
                let member = usize::from(member) % self.members.len();
                self.load((member, card.into()), by, amount.into(), dies).await;
            }
            What::Late { request } => {
                if let Some(place) = of(request.into(), self.waiting.len()) {
                    let waiting = self.waiting.swap_remove(place);
                    self.money_comes(waiting, dies).await;
                }
            }
            What::Stray { amount } => self.stray(amount.into(), dies).await,
            What::Pay { card, shop, amount, metered } => {
                if let Some(card) = of(card.into(), self.cards.len()) {
                    self.pay(card, usize::from(shop) % 2, (amount.into(), metered), dies).await;
                }
            }
            What::Tick { payment, more } => {
                if let Some(payment) = of(payment.into(), self.payments.len()) {
                    self.tick(payment, more.into(), dies).await;
                }
            }
            What::Capture { payment, part } => {
                if let Some(payment) = of(payment.into(), self.payments.len()) {
                    let due = self.model.payments[payment].due();
                    let part = (1..8).contains(&part).then_some(due * u64::from(part) / 8);
                    let part = part.filter(|amount| *amount > 0);
                    self.settle(payment, Action::Capture, part, dies).await;
                }
            }
            What::Void { payment } => {
                if let Some(payment) = of(payment.into(), self.payments.len()) {
                    self.settle(payment, Action::Void, None, dies).await;
                }
            }
            What::Again { which } => self.again(which.into(), dies).await,
            What::Days(days) => self.advance(u64::from(days) * 86_400, dies).await,
            What::Minutes(minutes) => self.advance(u64::from(minutes) * 60, dies).await,
            What::Restart => self.world.restart().await,
        }
    }

    /// The center's books are the model's, account by account.
    pub async fn compare(&self) {
        let balances = self.world.center.settlement().balances().await.unwrap();
        let issuer = self.world.issuer.party.id();
        assert_eq!(model::found(balances), self.model.books(issuer.as_str()));
    }

    /// Members are told what the model says, and the audit finds nothing; how often the center died.
    pub async fn end(self) -> usize {
        for (place, (owner, card)) in self.cards.iter().enumerate() {
            let balance = self.members[*owner].balance(&self.world, &card.number).await;
            assert_eq!(balance, self.model.available(place));
        }
        self.world.audit().await;
        self.deaths
    }

    /// Does something once, and if the center is to die, once more after it has; what was answered
    /// stands.
    async fn act(&mut self, act: Act, dies: Option<u8>) -> Answer {
        let mut first = None;
        if let Some(jobs) = dies {
            let dying = self.world.dying_after(jobs.into()).await;
            first = self.perform(&act).await.ok();
            self.deaths += usize::from(dying.is_dead());
            drop(dying);
            self.world.restart().await;
        }
        let answer = self.perform(&act).await;
        if let Some(first) = first {
            assert_eq!(Ok(first), answer);
        }
        self.done.push((act, answer.clone()));
        answer
    }

    async fn perform(&self, act: &Act) -> Answer {
        let world = &self.world;
        let said = match act {
            Act::Telegram(token) => world.send(token).await.map(Said::Outcome),
            Act::Settle { payment, action, amount } => {
                let (shop, authorization) = &self.payments[*payment];
                let shop = &self.shops[*shop];
                shop.settle(authorization, *action, *amount).await.map(Said::Signed)
            }
            Act::Tick { payment, tick, total } => {
                let (shop, authorization) = &self.payments[*payment];
                self.shops[*shop].tick(authorization, *tick, *total).await.map(Said::Signed)
            }
            Act::Money(received) => {
                let settlement = world.center.settlement();
                settlement.money_received(received.clone()).await.map(Said::Money)
            }
            Act::Work => world.center.settlement().work().await.map(|()| Said::Done),
        };
        said.map_err(|problem| problem.code)
    }

    async fn tell(&mut self, token: &str, dies: Option<u8>) -> Outcome {
        match self.act(Act::Telegram(token.to_string()), dies).await {
            Ok(Said::Outcome(outcome)) => outcome,
            other => panic!("{other:?}"),
        }
    }

    async fn join(&mut self, dies: Option<u8>) {
        let profile = person(&format!("Member {}", self.members.len()));
        let (number, code) = self.world.letter(profile.clone(), "en").await;
        let keys = self.world.keys_of(&number, 20);
        let registration = self.world.registration((&number, &code), profile, &keys).await;
        let token = self.world.telegram(&keys, 0, Instruction::Register(Box::new(registration)));
        let outcome = self.tell(&token, dies).await;
        self.members.push(self.world.at_terminal(number, keys, outcome, 1).await);
    }

    /// One of the member's own cards, or none for a new one.
    fn card_of(&self, member: usize, card: usize) -> Option<usize> {
        let own = |(place, (owner, _)): (usize, &(usize, _))| (*owner == member).then_some(place);
        self.cards.iter().enumerate().filter_map(own).nth(card)
    }

    async fn load(
        &mut self,
        (member, card): (usize, usize),
        by: By,
        amount: u64,
        dies: Option<u8>,
    ) {
        self.count += 1;
        let card = self.card_of(member, card);
        let number = card.map(|card| self.cards[card].1.number.clone());
        let funding = match by {
            By::Credit => {
                let number = u8::try_from(self.count % 256).unwrap();
                self.world.credit(&self.members[member], yen(amount), number).await
            }
            By::Money { .. } => Funding::PayIn {},
        };
        let wish = top_up(yen(amount), number.as_deref(), funding);
        let token = self.members[member].telegram(&self.world, wish);
        let telegram = Telegram::peek(&token).unwrap().jti;
        let outcome = self.tell(&token, dies).await;
        match (by, outcome) {
            (By::Credit, Outcome::TopUp(_)) => {
                self.act(Act::Work, None).await.unwrap();
                self.model.owed += amount;
                self.issued(member, telegram, card, amount).await;
            }
            (By::Money { at_once }, Outcome::TopUp(TopUpState::Waiting { reference })) => {
                let (id, way) = (format!("b-{}", self.count), Way::PayIn);
                let request = MoneyReceived { id, reference, amount: yen(amount), way };
                let asked = self.model.now();
                let waiting = Waiting { request, asked, member, telegram, card };
                match at_once {
                    true => self.money_comes(waiting, dies).await,
                    false => self.waiting.push(waiting),
                }
            }
            (_, other) => panic!("{other:?}"),
        }
    }

    /// The money for a request comes, perhaps too late.
    async fn money_comes(&mut self, waiting: Waiting, dies: Option<u8>) {
        let Waiting { request, asked, member, telegram, card } = waiting;
        let amount = request.amount.minor();
        let answer = self.act(Act::Money(request), dies).await;
        self.model.came_in += amount;
        if self.model.waits(asked) {
            assert_eq!(answer, Ok(Said::Money(MoneyOutcome::Issued {})));
            self.issued(member, telegram, card, amount).await;
        } else {
            assert_eq!(answer, Ok(unmatched("not_waiting")));
            self.model.unmatched += amount;
        }
    }

    /// A card was loaded: the member's terminal takes it.
    async fn issued(&mut self, member: usize, telegram: Nonce, card: Option<usize>, amount: u64) {
        let status = Instruction::TopUpStatus { telegram };
        let status = self.members[member].tell(&self.world, status).await.unwrap();
        let Outcome::TopUp(TopUpState::Issued { card: token }) = status else {
            panic!("{status:?}")
        };
        let document = self.members[member].read_card(&self.world, &token);
        if let Some(card) = card {
            let known = &mut self.model.cards[card];
            known.loaded += amount;
            assert_eq!(document.number, self.cards[card].1.number);
            assert_eq!(document.loaded, yen(known.loaded));
            return;
        }
        assert_eq!((document.serial, document.loaded), (1, yen(amount)));
        let id = self.pseudonym(document.number.clone()).await;
        self.model.cards.push(Card { id, loaded: amount });
        self.cards.push((member, document));
    }

    /// What the center's books call a card.
    async fn pseudonym(&self, number: String) -> String {
        let store = self.world.place.open(&crate::common::key()).unwrap();
        let id = move |unit: &mut dyn warifu_ports::Unit| {
            Ok::<_, warifu_ports::StoreError>(CardId::of(unit, &number).to_string())
        };
        store.run(id).await.unwrap()
    }

    async fn stray(&mut self, amount: u64, dies: Option<u8>) {
        self.count += 1;
        let (id, reference) = (format!("b-{}", self.count), "a gift".to_string());
        let received = MoneyReceived { id, reference, amount: yen(amount), way: Way::Transfer };
        let answer = self.act(Act::Money(received), dies).await;
        assert_eq!(answer, Ok(unmatched("unknown_reference")));
        self.model.came_in += amount;
        self.model.unmatched += amount;
    }

    async fn pay(
        &mut self,
        card: usize,
        shop: usize,
        (amount, metered): (u64, bool),
        dies: Option<u8>,
    ) {
        self.count += 1;
        let (owner, document) = &self.cards[card];
        let wish = Wish::new(self.count, document).of(yen(amount));
        let wish = if metered { wish.metered() } else { wish };
        let (member, merchant) = (&self.members[*owner], self.shops[shop].clone());
        let sealed = self.world.seal_at(&merchant, member, &wish).await;
        let token = member.telegram(&self.world, self.world.payment_at(&merchant, &sealed));
        let available = self.model.available(card);
        match self.tell(&token, dies).await {
            Outcome::Paid(paid) if amount <= available => {
                assert_eq!(paid.balance, yen(available - amount));
                let authorization = merchant.authorization(&sealed).await.unwrap();
                self.payments.push((shop, authorization));
                self.model.pay(card, merchant.party.id().as_str(), amount, metered);
            }
            Outcome::Refused { reason, .. } if amount > available => {
                assert_eq!(reason, "balance_too_low");
            }
            other => panic!("{amount} of {available}: {other:?}"),
        }
    }

    async fn tick(&mut self, payment: usize, more: u64, dies: Option<u8>) {
        let known = &self.model.payments[payment];
        let (tick, total) = (known.tick + 1, known.amount.min(known.used + more));
        let answer = self.act(Act::Tick { payment, tick, total: yen(total) }, dies).await;
        let expected = self.model.tick(payment, total);
        assert_eq!(answer.map(drop), expected.map_err(str::to_string));
    }

    async fn settle(
        &mut self,
        payment: usize,
        action: Action,
        part: Option<u64>,
        dies: Option<u8>,
    ) {
        let amount = part.map(yen);
        let answer = self.act(Act::Settle { payment, action, amount }, dies).await;
        let expected = self.model.settle(payment, action, part);
        assert_eq!(answer.map(drop), expected.map_err(str::to_string));
    }

    /// Whatever was answered is answered again, however much has happened since.
    async fn again(&mut self, which: usize, dies: Option<u8>) {
        let Some(place) = of(which, self.done.len()) else { return };
        let (act, before) = self.done[place].clone();
        let answer = self.act(act.clone(), dies).await;
        match act {
            Act::Telegram(_) | Act::Money(_) | Act::Work => assert_eq!(answer, before),
            // A settlement that was refused may be good by now, and the other way round for ticks.
            Act::Settle { payment, action, amount } => match before {
                Ok(_) => assert_eq!(answer, before),
                Err(_) => {
                    let part = amount.map(|amount| amount.minor());
                    let expected = self.model.settle(payment, action, part);
                    assert_eq!(answer.map(drop), expected.map_err(str::to_string));
                }
            },
            Act::Tick { payment, tick, .. } => {
                let last = self.model.payments[payment].tick == tick;
                match before {
                    Ok(_) if last => assert_eq!(answer, before),
                    _ => assert!(answer.is_err(), "{answer:?}"),
                }
            }
        }
    }

    async fn advance(&mut self, seconds: u64, dies: Option<u8>) {
        // The credentials live for 400 days.
        if self.model.now() + seconds > 350 * 86_400 {
            return;
        }
        self.world.clock.advance(seconds);
        self.model.advance(seconds);
        self.act(Act::Work, dies).await.unwrap();
    }
}

fn unmatched(reason: &str) -> Said {
    Said::Money(MoneyOutcome::Unmatched { reason: reason.to_string() })
}

/// One of so many, counted round.
fn of(which: usize, many: usize) -> Option<usize> {
    which.checked_rem(many)
}
