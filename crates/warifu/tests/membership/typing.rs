//! Passwords that a person types on a terminal (row B5): a pseudo-terminal shows what the person would
//! see.

use crate::town::{Town, wait_until};
use rustix::{
    pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt},
    termios::{LocalModes, tcgetattr},
};
use std::{
    fs::File,
    io::{Read, Write},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

const A: &str = "password of A";
const B: &str = "password of B";
/// How long a prompt may take: passwords are slow to open.
const PATIENCE: Duration = Duration::from_secs(60);

/// A person at a terminal on which the program runs.
struct Person {
    program: Child,
    terminal: File,
    output: Receiver<Vec<u8>>,
    seen: String,
    /// How much of it was read before the last answer.
    read: usize,
}

impl Person {
    /// Starts one of Hanako's commands.
    fn start(town: &Town, arguments: &[&str]) -> Person {
        // The program must not have its own terminal's other side, or it would never hang up.
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let terminal = openpt(flags).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let other_end = || Stdio::from(ioctl_tiocgptpeer(&terminal, flags).unwrap());
        // It makes the pseudo-terminal the program's own, the one that asks for passwords.
        let program = Command::new("setsid")
            .args(["--ctty", "--wait", env!("CARGO_BIN_EXE_warifu"), "holder"])
            .args(arguments)
            .args(["--vault", "hanako.vault"])
            .current_dir(town.folder())
            .env_remove("RUST_LOG")
            .stdin(other_end())
            .stdout(other_end())
            .stderr(other_end())
            .spawn()
            .unwrap();
        let terminal = File::from(terminal);
        let (sender, output) = channel();
        let mut source = terminal.try_clone().unwrap();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // It fails once the program has closed the other end.
            while let Ok(length @ 1..) = source.read(&mut buffer) {
                let _ = sender.send(buffer[..length].to_vec());
            }
        });
        Person { program, terminal, output, seen: String::new(), read: 0 }
    }

    /// Waits for a prompt, and until the terminal has ceased to show what is typed; then types.
    #[track_caller]
    fn answer(&mut self, prompt: &str, text: &str) {
        while !self.seen[self.read..].ends_with(prompt) {
            let piece = self.output.recv_timeout(PATIENCE);
            let piece = piece.unwrap_or_else(|_| panic!("no {prompt:?} after {:?}", self.seen));
            self.seen.push_str(&String::from_utf8(piece).unwrap());
        }
        self.read = self.seen.len();
        let shows = || {
            let modes = tcgetattr(&self.terminal).unwrap().local_modes;
            modes.contains(LocalModes::ECHO)
        };
        wait_until(&format!("the terminal shows what is typed after {prompt:?}"), || !shows());
        self.terminal.write_all(format!("{text}\n").as_bytes()).unwrap();
    }

    /// How the program ends, and all that the person has seen.
    fn end(mut self) -> (Option<i32>, String) {
        let code = self.program.wait().unwrap().code();
        while let Ok(piece) = self.output.recv() {
            self.seen.push_str(&String::from_utf8(piece).unwrap());
        }
        (code, std::mem::take(&mut self.seen))
    }
}

/// Where the test ends before the program, the program ends with it.
impl Drop for Person {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// A command with passwords, each for its prompt. None of them is ever seen.
#[track_caller]
fn typed(town: &Town, arguments: &[&str], answers: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut person = Person::start(town, arguments);
    for (prompt, text) in answers {
        person.answer(prompt, text);
    }
    let (code, seen) = person.end();
    for (_, text) in answers {
        assert!(!seen.contains(text), "{text:?} was shown: {seen:?}");
    }
    (code, seen)
}

#[test]
fn passwords_are_typed_unseen_and_a_wrong_one_says_nothing_more() {
    let mut town = Town::open();
    let letter = town.letter();
    town.register(&letter);
    town.kill_all();
    let (ask_a, ask_b) = ("password A: ", "password B: ");
    let (code, seen) = typed(&town, &["history"], &[(ask_a, A)]);
    assert_eq!(code, Some(0), "{seen}");
    assert!(seen.contains("domain:center.town.example"), "{seen}");
    let (code, _) = typed(&town, &["cards"], &[(ask_a, A), (ask_b, B)]);
    assert_eq!(code, Some(0));
    // Whichever is wrong, both are asked for, and the answer is the same to the letter.
    let wrong = "kawasemi 7731";
    let (code, seen) = typed(&town, &["cards"], &[(ask_a, wrong), (ask_b, B)]);
    assert_eq!(code, Some(1), "{seen}");
    for (a, b) in [(A, wrong), (wrong, wrong), (B, A)] {
        assert_eq!(typed(&town, &["cards"], &[(ask_a, a), (ask_b, b)]), (code, seen.clone()));
    }
    // New ones are typed twice.
    let (new, again) = ("new password A: ", "new password A, again: ");
    let old = [(ask_a, A), (ask_b, B)];
    let change = ["password", "change", "--new", "a"];
    let slip = [&old[..], &[(new, "uguisu 20481"), (again, "uguisu 20482")]].concat();
    let (code, seen) = typed(&town, &change, &slip);
    assert_eq!(code, Some(1), "{seen}");
    assert!(seen.contains("the two do not match"), "{seen}");
    let good = [&old[..], &[(new, "uguisu 20481"), (again, "uguisu 20481")]].concat();
    assert_eq!(typed(&town, &change, &good).0, Some(0));
    assert_eq!(typed(&town, &["history"], &[(ask_a, A)]).0, Some(1));
    assert_eq!(typed(&town, &["history"], &[(ask_a, "uguisu 20481")]).0, Some(0));
}
