//! What everybody expects: the center's books as a member, a merchant and a bank would keep them.
//! It shares no code with the center.

use std::collections::BTreeMap;
use warifu_ledger::Balance;
use warifu_ports::books::{AccountBalance, AccountKind};
use warifu_protocol::settlement::Action;

/// How long a hold stands, a request waits for its money, and metered goods may lie idle, in seconds.
const HOLD: u64 = 60 * 86_400;
const WAITING: u64 = 30 * 86_400;
const IDLE: u64 = 900;

/// An account by its kind and owner.
pub type Books = BTreeMap<(String, String), Balance>;

/// A prepaid card.
pub struct Card {
    /// Its pseudonym in the center's books.
    pub id: String,
    pub loaded: u64,
}

/// How a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Held,
    Captured(u64),
    Voided,
    /// By time; so much was used.
    Released(u64),
}

/// A payment that was made.
pub struct Payment {
    pub card: usize,
    pub shop: String,
    pub amount: u64,
    /// When, and whether it is for metered goods.
    at: u64,
    pub metered: bool,
    /// The last tick, how much it came to, and when it came.
    pub tick: u32,
    pub used: u64,
    ticked: u64,
    pub standing: Standing,
}

#[derive(Default)]
pub struct Model {
    pub cards: Vec<Card>,
    pub payments: Vec<Payment>,
    /// What came in at the bank, and how much of that belongs to no request.
    pub came_in: u64,
    pub unmatched: u64,
    /// What the issuer owes for cards.
    pub owed: u64,
    /// Seconds since the beginning.
    now: u64,
}

impl Model {
    /// What a card can pay.
    pub fn available(&self, card: usize) -> u64 {
        let of_card = self.payments.iter().filter(|payment| payment.card == card);
        self.cards[card].loaded - of_card.map(|payment| payment.taken()).sum::<u64>()
    }

    pub fn pay(&mut self, card: usize, shop: &str, amount: u64, metered: bool) {
        let (at, shop) = (self.now, shop.to_string());
        let (tick, used, standing) = (0, 0, Standing::Held);
        let payment = Payment { card, shop, amount, at, metered, tick, used, ticked: at, standing };
        self.payments.push(payment);
    }

    /// A tick beyond the last; the code of the refusal.
    pub fn tick(&mut self, payment: usize, total: u64) -> Result<(), &'static str> {
        let now = self.now;
        let payment = &mut self.payments[payment];
        if payment.standing != Standing::Held || !payment.metered {
            return Err("nothing_held");
        }
        (payment.tick, payment.used, payment.ticked) = (payment.tick + 1, total, now);
        Ok(())
    }

    /// A first capture or void of a payment, or another one; the code of the refusal.
    pub fn settle(
        &mut self,
        payment: usize,
        action: Action,
        amount: Option<u64>,
    ) -> Result<(), &'static str> {
        let payment = &mut self.payments[payment];
        let wanted = amount.unwrap_or(payment.due());
        payment.standing = match (payment.standing, action) {
            (Standing::Held, Action::Capture) if wanted > payment.due() => return Err("bad_value"),
            (Standing::Held, Action::Capture) => Standing::Captured(wanted),
            (Standing::Released(0), Action::Capture) => return Err("expired"),
            (Standing::Released(used), Action::Capture) if wanted == used => {
                Standing::Captured(used)
            }
            (Standing::Captured(before), Action::Capture)
                if amount.is_none_or(|amount| amount == before) =>
            {
                Standing::Captured(before)
            }
            (Standing::Held | Standing::Voided | Standing::Released(0), Action::Void) => {
                Standing::Voided
            }
            _ => return Err("conflict"),
        };
        Ok(())
    }

    /// Whether money for a request of that time still finds it waiting.
    pub fn waits(&self, asked: u64) -> bool {
        self.now < asked + WAITING
    }

    pub fn now(&self) -> u64 {
        self.now
    }

    /// Time goes by, and the center ends what it ends.
    pub fn advance(&mut self, seconds: u64) {
        self.now += seconds;
        for payment in &mut self.payments {
            let over = payment.at + HOLD <= self.now
                || (payment.metered && payment.ticked + IDLE <= self.now);
            if payment.standing == Standing::Held && over {
                payment.standing = Standing::Released(payment.used);
            }
        }
    }

    /// Every account that is not empty.
    pub fn books(&self, issuer: &str) -> Books {
        let mut books = Books::new();
        let mut account = |kind: AccountKind, owner: &str, change: &dyn Fn(&mut Balance)| {
            change(books.entry((format!("{kind:?}"), owner.to_string())).or_default());
        };
        account(AccountKind::Bank, "", &|b| b.debits_posted += self.came_in);
        account(AccountKind::Unmatched, "", &|b| b.credits_posted += self.unmatched);
        account(AccountKind::Issuer, issuer, &|b| b.debits_posted += self.owed);
        for card in &self.cards {
            account(AccountKind::Card, &card.id, &|b| b.credits_posted += card.loaded);
        }
        for payment in &self.payments {
            let (card, shop) = (&self.cards[payment.card].id, &payment.shop);
            let taken = payment.taken();
            if payment.standing == Standing::Held {
                account(AccountKind::Card, card, &|b| b.debits_pending += taken);
                account(AccountKind::Merchant, shop, &|b| b.credits_pending += taken);
            } else {
                account(AccountKind::Card, card, &|b| b.debits_posted += taken);
                account(AccountKind::Merchant, shop, &|b| b.credits_posted += taken);
            }
        }
        books.retain(|_, balance| *balance != Balance::default());
        books
    }
}

impl Payment {
    /// What a capture may take.
    pub fn due(&self) -> u64 {
        if self.metered { self.used } else { self.amount }
    }

    /// What the card has not any more.
    fn taken(&self) -> u64 {
        match self.standing {
            Standing::Held => self.amount,
            Standing::Captured(amount) | Standing::Released(amount) => amount,
            Standing::Voided => 0,
        }
    }
}

/// The center's own books in the same form.
pub fn found(balances: Vec<AccountBalance>) -> Books {
    let all = balances.into_iter().map(|account| {
        assert_eq!(account.currency.code(), "JPY");
        ((format!("{:?}", account.kind), account.owner), account.balance)
    });
    let mut books: Books = all.collect();
    books.retain(|_, balance| *balance != Balance::default());
    books
}
