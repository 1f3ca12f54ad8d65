//! Goods that are used in real time, while the merchant dies or the line drops (row B10).

use crate::{
    program::command,
    town::{PASSWORDS, Town, wait_until, went_well},
};
use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

/// What a hundred ticks cost, which is held.
const HELD: u64 = 1000;
const PATIENCE: Duration = Duration::from_secs(90);

/// An order for a hundred ticks of a game, paid for.
fn order(town: &Town, item: &str) -> String {
    let (item, url) = (format!("{item}:100"), town.url("merchant"));
    let buy = ["buy", "--prepaid", "--rule", "prepaid-metered", "--wait", "0"];
    let bought = town.holder_json(&[&buy[..], &["--item", &item, "--merchant", &url]].concat());
    assert_eq!(town.balance(), 5000 - HELD);
    bought["order"].as_str().unwrap().to_string()
}

/// A terminal that plays.
struct Playing {
    child: Child,
    notes: Receiver<String>,
}

impl Playing {
    fn start(town: &Town, order: &str, more: &[&str]) -> Playing {
        let play = ["holder", "play", "--vault", "hanako.vault", "--password-fd", "0", "--order"];
        let mut child = command(town.folder(), &[&play[..], &[order], more].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(PASSWORDS.as_bytes()).unwrap();
        let (told, notes) = channel();
        let errors = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || {
            errors.lines().map_while(Result::ok).all(|line| told.send(line).is_ok())
        });
        Playing { child, notes }
    }

    /// Waits for a note that has these words.
    #[track_caller]
    fn hears(&self, words: &str) -> String {
        let mut before = Vec::new();
        while let Ok(note) = self.notes.recv_timeout(PATIENCE) {
            if note.contains(words) {
                return note;
            }
            before.push(note);
        }
        panic!("no {words:?} among {before:?}")
    }

    /// As Ctrl-C.
    fn interrupt(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    }

    /// Its exit code, and what it printed.
    fn end(mut self) -> (Option<i32>, String) {
        let mut printed = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
        (self.child.wait().unwrap().code(), printed)
    }
}

/// What was used and what was released, in yen, from what the terminal printed.
#[track_caller]
fn accounted(printed: &str) -> (u64, u64) {
    let yen = |word: &str| {
        let line = printed.lines().find(|line| line.starts_with(word)).unwrap();
        let amount = line.strip_suffix(" JPY").unwrap().rsplit(' ').next().unwrap();
        amount.parse::<u64>().unwrap()
    };
    assert!(printed.contains("  settled\n"), "{printed}");
    (yen("used"), yen("released"))
}

#[test]
fn a_merchant_that_dies_in_the_middle_is_asked_again() {
    let mut town = Town::with_prepaid("5000");
    let order = order(&town, "G-6");
    let playing = Playing::start(&town, &order, &[]);
    playing.hears("tick 1: 10 JPY");
    town.kill("merchant");
    playing.hears("no answer, going on");
    town.start("merchant");
    playing.hears(" JPY");
    playing.interrupt();
    let (code, printed) = playing.end();
    assert_eq!(code, Some(0), "{printed}");
    let (used, released) = accounted(&printed);
    assert!(used >= 20 && used + released == HELD, "{printed}");
    assert_eq!(town.balance(), 5000 - used);
}

#[test]
fn a_line_that_drops_ends_the_use_and_the_rest_is_released() {
    let town = Town::with_prepaid("5000");
    let order = order(&town, "G-2");
    let playing = Playing::start(&town, &order, &["--wait", "90"]);
    playing.hears("tick 1: 10 JPY");
    town.shop.let_through(Some(0));
    playing.hears("no answer, going on");
    playing.hears("the use has ended");
    town.shop.let_through(None);
    let (code, printed) = playing.end();
    assert_eq!(code, Some(0), "{printed}");
    let (used, released) = accounted(&printed);
    assert!(used >= 10 && used + released == HELD, "{printed}");
    assert_eq!(town.balance(), 5000 - used);
}

#[test]
fn a_merchant_that_stays_away_keeps_nothing_that_was_not_used() {
    let mut town = Town::with_prepaid("5000");
    town.set_center("[settlement]\nmeter_idle_seconds = 20\n");
    let order = order(&town, "G-2");
    let playing = Playing::start(&town, &order, &["--wait", "1"]);
    playing.hears("tick 1: 10 JPY");
    town.kill("merchant");
    let last = playing.hears("not stopped");
    assert!(last.contains("the rest is released") && last.contains(&order), "{last}");
    assert_eq!(playing.end(), (Some(1), String::new()));
    // The center has heard of no tick for too long.
    wait_until("the rest is released", || town.balance() > 5000 - HELD);
    let left = town.balance();
    assert!(left > 5000 - HELD / 2, "{left}");
    town.start("merchant");
    let printed =
        went_well(&town.type_holder(&["stop", "--wait", "60", "--order", &order], PASSWORDS));
    assert!(printed.contains("released") || printed.contains("to release"), "{printed}");
    wait_until("the order has come to its end", || {
        town.type_holder(&["resume"], PASSWORDS);
        let orders = town.holder_json(&["orders"]);
        ["settled", "cancelled"].contains(&orders[0]["state"].as_str().unwrap())
    });
    assert_eq!(town.balance(), left);
}
