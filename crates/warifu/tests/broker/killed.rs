//! Services killed while orders run: whatever dies and when, every order ends in one state on which
//! broker, registry, provider and issuer agree, the user is told, no card goes out twice, nothing is
//! captured twice.

use crate::{
    agreed::{Course, Ended, agree},
    chance::Chance,
    evidence::{leaks, spool_is_clear},
    people::{HANAKO, Person, TARO},
    providers::{Kind, Provider},
    town::{Replies, Town},
    until,
    user::{Letter, Order, User},
};
use std::{
    thread::{scope, sleep},
    time::{Duration, Instant, UNIX_EPOCH},
};

/// Whose clerk declines every order.
const HUT: Provider = Provider { name: "hut", kind: Kind::Fax, clerk: true };
/// Those at whom is ordered. The last, whose card is posted anew only after half a minute, is for long
/// runs.
const PROVIDERS: [Provider; 5] = [
    HUT,
    Provider { name: "inn", kind: Kind::Fax, clerk: false },
    Provider { name: "bath", kind: Kind::CardNetwork, clerk: false },
    Provider { name: "hall", kind: Kind::Reference, clerk: false },
    Provider { name: "tea", kind: Kind::Line, clerk: false },
];
/// Has a card whose limit every price is above.
const POOR: Person = Person { limit: Provider::PRICE - 1, ..TARO };

/// Those who order, and from whom.
struct Market<'a> {
    /// Has all that it takes.
    user: User<'a>,
    /// Whose card is not good enough, and the membership number.
    poor: User<'a>,
    poor_member: &'a str,
    /// Without the one whose clerk declines.
    providers: &'a [Provider],
    /// How long an order takes when nobody is killed.
    usual: Duration,
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_all_parties_agree() {
    let long = std::env::var_os("WARIFU_LONG").is_some();
    let (seconds, providers) = if long { (900, &PROVIDERS[..]) } else { (30, &PROVIDERS[..4]) };
    let mut chance = Chance::new();
    let (town, members) = Town::open(Replies::Lmtp, providers, &[HANAKO, POOR]).await;
    let user = User::login(&town, HANAKO, &members[0]);
    let poor = User::login(&town, POOR, &members[1]);
    let begun = Instant::now();
    let first = whole(&user, "order-0", providers[1], Course::Reply);
    let usual = begun.elapsed();
    let market = Market { user, poor, poor_member: &members[1], providers: &providers[1..], usual };
    let mut orders = market.unanswered(&mut chance);
    let silent = orders.len();
    orders.push(first);
    let mut kills = 0;
    for nth in 0.. {
        if nth >= UNHAPPY.len() && begun.elapsed() >= Duration::from_secs(seconds) {
            break;
        }
        kills += market.round(&mut chance, UNHAPPY[nth % UNHAPPY.len()], &mut orders);
    }
    market.expire(&mut chance, &orders[..silent]);
    println!("{} orders, {kills} kills, an order takes {usual:?}", orders.len());
    agree(&town, providers, &orders);
    town.stop();
    for person in [&HANAKO, &POOR] {
        spool_is_clear(&town, person);
    }
    let first = (orders[silent].provider, &orders[silent].order);
    assert_eq!(leaks(&town, providers, &HANAKO, first), []);
}

/// How one order of each round ends, in turns.
const UNHAPPY: [Course; 3] = [Course::Blocked, Course::Declined, Course::OverLimit];

impl<'a> Market<'a> {
    fn town(&self) -> &'a Town {
        self.user.town
    }

    /// Two orders at once, one of which ends unhappily, while services are killed and started again;
    /// how many.
    fn round(&self, chance: &mut Chance, unhappy: Course, orders: &mut Vec<Ended<'a>>) -> u64 {
        let count = orders.len();
        let words = [Course::Reply, Course::Approve, Course::Approve, Course::Cancel];
        let at = if unhappy == Course::Declined { HUT } else { chance.one(self.providers) };
        let buyer = if unhappy == Course::Declined { &self.user } else { &self.poor };
        let usual = (&self.user, chance.one(self.providers), chance.one(&words));
        let wishes = [(buyer, at, unhappy), usual];
        let mut victims = vec!["broker", "registry", "issuer"];
        victims.extend(wishes.map(|(_, provider, _)| provider.name));
        let span = self.usual.as_micros() as u64 * 5 / 4;
        let kills = 1 + chance.below(3);
        self.town().block(self.poor_member, unhappy == Course::Blocked);
        scope(|scope| {
            let threads = [0, 1].map(|n| {
                let (user, provider, course) = wishes[n];
                let key = format!("order-{}", count + n);
                scope.spawn(move || whole(user, &key, provider, course))
            });
            for _ in 0..kills {
                let before = chance.below(span);
                self.kill_one(chance, &victims, (before, span / 3));
            }
            orders.extend(threads.map(|thread| thread.join().unwrap()));
        });
        kills
    }

    /// Kills one of several after a time, and starts it after another; both in microseconds.
    fn kill_one(&self, chance: &mut Chance, of: &[&'static str], (before, away): (u64, u64)) {
        sleep(Duration::from_micros(before));
        let victim = chance.one(of);
        self.town().kill(victim);
        sleep(Duration::from_micros(chance.below(away)));
        self.town().start(victim);
    }

    /// Orders whose mail nobody answers, placed while services are killed. They have a minute, while
    /// others run.
    fn unanswered(&self, chance: &mut Chance) -> Vec<Ended<'a>> {
        let (usual, short) = ("[broker]\n", "[broker]\nreply_minutes = 1\n");
        self.town().change_setting("broker", (usual, short));
        let orders = scope(|scope| {
            let threads = [0, 1, 2].map(|n| {
                let (provider, key) = (self.providers[n], format!("silent-{n}"));
                scope.spawn(move || whole(&self.user, &key, provider, Course::Silence))
            });
            let span = self.usual.as_micros() as u64 / 3;
            for _ in 0..3 {
                let before = chance.below(span);
                self.kill_one(chance, &["broker", "registry"], (before, span));
            }
            threads.map(|thread| thread.join().unwrap())
        });
        self.town().change_setting("broker", (short, usual));
        orders.into()
    }

    /// The minute is over, and services are killed while these orders end.
    fn expire(&self, chance: &mut Chance, silent: &[Ended<'a>]) {
        let user = &self.user;
        let due = silent.iter().map(|ended| {
            let view = until("the broker's answer", || user.look(&ended.order));
            view["until"].as_u64().unwrap()
        });
        let due = Duration::from_secs(due.max().unwrap());
        sleep(due.saturating_sub(UNIX_EPOCH.elapsed().unwrap()));
        for _ in 0..5 {
            let before = chance.below(700_000);
            self.kill_one(chance, &["broker", "broker", "registry"], (before, 100_000));
        }
        for ended in silent {
            user.wait_for(&ended.order, ended.course.state());
        }
    }
}

/// An order from its beginning to its end, whoever is away meanwhile; one that nobody answers as far
/// as its mail.
fn whole<'a>(user: &User<'a>, key: &str, provider: Provider, course: Course) -> Ended<'a> {
    let town = user.town;
    let order = user.order(provider.name, key);
    let ended = |order| Ended { town, person: user.person, order, provider, course };
    if course == Course::Blocked {
        user.wait_for(&order, course.state());
        return ended(order);
    }
    let letter = until("the confirmation", || user.confirmation(&order));
    match course {
        // The mail server keeps it as long as the broker is away.
        Course::Reply => user.reply(&letter),
        Course::Cancel => decide(user, &order, &letter, "cancel"),
        Course::Silence => return ended(order),
        _ => decide(user, &order, &letter, "approve"),
    }
    if course == Course::Declined {
        until("the clerk's no", || town.decline(provider.name, &order).then_some(()));
    } else if provider.has_fax() && course != Course::Cancel {
        until(&format!("the fax of {} ({course:?})", order.number), || town.fax_job(&order));
        until(&format!("{} at {}", order.number, provider.name), || {
            town.type_in(provider.name, &order, user.person.card).status.success().then_some(())
        });
    }
    user.wait_for(&order, course.state());
    ended(order)
}

/// Presses a button until it has told: the broker may die before the click, or before its answer.
fn decide(user: &User<'_>, order: &Order, letter: &Letter, decision: &str) {
    until("the page", || {
        user.press(letter, decision);
        let view = user.look(order)?;
        let open = ["placed", "held", "confirming"].contains(&view["state"].as_str()?);
        (!open).then_some(())
    });
}
