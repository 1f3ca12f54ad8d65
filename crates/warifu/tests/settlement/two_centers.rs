//! Two processes of one center on one PostgreSQL database: they are one center.

use crate::{
    agreement::{self, books},
    fork::Fork,
    network::Network,
    ports::reserve_port,
    service::Service,
    terminal::Terminal,
    told::{Goods, Order, Told},
    town::{Town, fails, wait_until},
};
use std::fs;
use tokio::task::JoinSet;
use warifu::config::Config;
use warifu_ports::books::AccountKind;
use warifu_protocol::telegram::Outcome;
use warifu_types::Role;
use warifu_wire::CallError;

/// Two processes, each on a port of its own, and the relay that everybody takes for the center.
struct Two {
    ports: [u16; 2],
    processes: [Option<Service>; 2],
    fork: Fork,
    network: Network,
}

impl Two {
    /// The network with a prepaid card of 5000 yen, of which a tea of 1980 is paid, so that the
    /// merchant knows Hanako; and so many more purchases that wait, since nobody is the center yet.
    fn with_waiting(purchases: usize) -> Two {
        Two::prepared(purchases, |_| {})
    }

    /// As [`Two::with_waiting`], after what is prepared while the center still answers.
    fn prepared(purchases: usize, prepare: impl FnOnce(&Town)) -> Two {
        let mut network = Network::on_postgres();
        let town = &mut network.town;
        town.holder(&["top-up", "--amount", "5000", "--card", "card"]);
        town.buy();
        prepare(town);
        let port = Config::read(&town.path("center.toml")).unwrap().listen.port();
        town.kill("center");
        for _ in 0..purchases {
            let line = fails(&town.try_to_buy());
            assert!(line.contains("cannot be reached"), "{line}");
        }
        let ports = [reserve_port(), reserve_port()];
        let fork = Fork::on(port);
        Two { ports, processes: [None, None], fork, network }
    }

    fn town(&self) -> &Town {
        &self.network.town
    }

    /// Starts both, and lets everybody turn to either.
    fn start(&mut self) {
        for which in 0..2 {
            self.start_one(which);
        }
        self.fork.send_to(&self.ports);
    }

    fn start_one(&mut self, which: usize) {
        let (town, port) = (&self.network.town, self.ports[which]);
        let folder = town.path(&format!("center-{port}"));
        fs::create_dir_all(&folder).unwrap();
        let own = fs::read_to_string(town.path("center.toml")).unwrap();
        let data = |text: &str| text.replace("\"center", "\"../center");
        let lines = own.lines().map(|line| match line.split_once(" = ") {
            Some(("listen", _)) => format!("listen = \"127.0.0.1:{port}\"\n"),
            _ => format!("{}\n", data(line)),
        });
        fs::write(folder.join("center.toml"), lines.collect::<String>()).unwrap();
        self.processes[which] = Some(Service::start(&folder, "center", port));
    }

    /// Kills one, and lets nobody turn to it any more.
    fn kill(&mut self, which: usize) {
        self.fork.send_to(&[self.ports[1 - which]]);
        // Dropping it kills it.
        self.processes[which] = None;
    }

    /// Takes up what waits until all orders have these states, sorted.
    fn wait_for(&self, states: &[&str]) {
        wait_until("every order is at its end", || {
            // A session with the other process is none.
            self.town().type_holder(&["resume"], crate::town::PASSWORDS);
            let orders = self.town().holder_json(&["orders"]);
            let orders = orders.as_array().unwrap().iter();
            let mut known: Vec<_> = orders.map(|o| o["state"].as_str().unwrap_or("")).collect();
            known.sort_unstable();
            known == states
        });
    }

    /// What the cards have paid, what is held on them, and what is loaded, in yen.
    async fn sums(&self) -> [u64; 3] {
        let books = books(self.town(), Role::Center).await;
        [
            books.sum(AccountKind::Card, |b| b.debits_posted),
            books.sum(AccountKind::Card, |b| b.debits_pending),
            books.sum(AccountKind::Card, |b| b.credits_posted),
        ]
    }

    /// Sends a hundred copies of a telegram at once, half of them to either; what the one signed
    /// answer says.
    async fn hundred(&self, terminal: &Terminal, token: &str) -> Outcome {
        let mut sessions = Vec::new();
        for copy in 0..100 {
            sessions.push(terminal.session(self.ports[copy % 2]).await);
        }
        let mut sent = JoinSet::new();
        for session in sessions {
            let token = token.to_string();
            sent.spawn(async move { session.send(&token).await.unwrap() });
        }
        let answers = sent.join_all().await;
        assert!(answers.iter().all(|answer| *answer == answers[0]), "the same bytes");
        terminal.read(&answers[0], token)
    }

    /// Ends both, and compares the records of all parties.
    async fn check(mut self) {
        let mut told = Told::default();
        for order in self.town().holder_json(&["orders"]).as_array().unwrap() {
            let tea = Order { buyer: 0, shop: 0, goods: Goods::Teas(1) };
            told.orders.insert(order["order"].as_str().unwrap().to_string(), tea);
        }
        agreement::check(&mut self.network, &told).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_copies_of_a_payment_over_two_centers_move_money_once() {
    let mut two = Two::with_waiting(1);
    two.start();
    let terminal = Terminal::of(two.town()).await;
    let [token] = &terminal.waiting[..] else { panic!("one payment waits") };
    let outcome = two.hundred(&terminal, token).await;
    assert!(matches!(outcome, Outcome::Paid(_)), "{outcome:?}");
    two.wait_for(&["settled"; 2]);
    assert_eq!(two.sums().await, [2 * 1980, 0, 5000]);
    assert_eq!(two.town().balance(), 5000 - 2 * 1980);
    two.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_copies_of_a_top_up_over_two_centers_load_the_card_once() {
    let more = ["top-up", "--amount", "2000", "--card", "card", "--later"];
    let mut two = Two::prepared(0, |town| drop(town.holder(&more)));
    two.start();
    let terminal = Terminal::of(two.town()).await;
    let [token] = &terminal.top_ups[..] else { panic!("one top-up waits") };
    let outcome = two.hundred(&terminal, token).await;
    // Under such a load the issuer may take longer than an answer waits.
    assert!(matches!(outcome, Outcome::TopUp(_)), "{outcome:?}");
    wait_until("the card is loaded", || {
        two.town().type_holder(&["resume"], crate::town::PASSWORDS);
        let all = two.town().holder_json(&["top-up-status"]);
        all.as_array().unwrap().iter().all(|asked| asked["standing"]["issued"].is_object())
    });
    assert_eq!(two.sums().await, [1980, 0, 7000]);
    assert_eq!(two.town().balance(), 7000 - 1980);
    two.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_payments_that_race_at_two_centers_for_one_balance_one_wins() {
    let mut two = Two::with_waiting(2);
    two.start();
    let terminal = Terminal::of(two.town()).await;
    let [one, other] = &terminal.waiting[..] else { panic!("two payments wait") };
    let (here, there) = (two.ports[0], two.ports[1]);
    let raced = tokio::join!(terminal.send(here, one), terminal.send(there, other));
    let answers = [raced.0.unwrap(), raced.1.unwrap()];
    let outcomes = [terminal.read(&answers[0], one), terminal.read(&answers[1], other)];
    let won = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Paid(_))).count();
    let lost = outcomes.iter().filter(
        |outcome| matches!(outcome, Outcome::Refused { reason, .. } if reason == "balance_too_low"),
    );
    assert_eq!((won, lost.count()), (1, 1), "{outcomes:?}");
    // Each gives the other's answer again, byte for byte.
    let again = [terminal.send(there, one).await, terminal.send(here, other).await];
    assert_eq!(again.map(Result::unwrap), answers);
    two.wait_for(&["refused", "settled", "settled"]);
    assert_eq!(two.sums().await, [2 * 1980, 0, 5000]);
    two.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_changed_at_one_center_is_refused_at_the_other() {
    let mut two = Two::with_waiting(1);
    two.start();
    let terminal = Terminal::of(two.town()).await;
    let [token] = &terminal.waiting[..] else { panic!("one payment waits") };
    let (here, there) = (two.ports[0], two.ports[1]);
    // Both know the key from a payment.
    let answer = terminal.send(there, token).await.unwrap();
    assert_eq!(terminal.send(here, token).await.unwrap(), answer);
    two.wait_for(&["settled"; 2]);
    // The change goes to one of them alone.
    two.fork.send_to(&[here]);
    two.town().holder(&["key", "change"]);
    let late = terminal.anew(token);
    for port in [there, here] {
        match terminal.send(port, &late).await {
            Err(CallError::Problem(problem)) => assert_eq!(problem.code, "key_replaced"),
            other => panic!("{other:?}"),
        }
    }
    // What the old key paid in its time is answered again, and the new key is good at the other.
    assert_eq!(terminal.send(there, token).await.unwrap(), answer);
    two.fork.send_to(&[there]);
    assert_eq!(two.town().balance(), 5000 - 2 * 1980);
    two.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_turns_to_either_center_and_goes_on_when_one_dies() {
    let mut two = Two::with_waiting(0);
    two.start();
    let town = two.town();
    for _ in 0..3 {
        town.holder(&["top-up", "--amount", "2000", "--card", "card"]);
        town.buy();
    }
    assert_eq!(two.town().balance(), 5000 + 3 * 2000 - 4 * 1980);
    two.kill(0);
    two.town().buy();
    two.start_one(0);
    two.kill(1);
    assert_eq!(two.town().balance(), 5000 + 3 * 2000 - 5 * 1980);
    two.start_one(1);
    two.fork.send_to(&two.ports);
    assert_eq!(two.sums().await, [5 * 1980, 0, 11_000]);
    two.check().await;
}
