//! A service as a process of its own, which ends with its owner.

use crate::program::command;
use std::{
    fs::File,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(30);

/// A running service. Dropping it kills it, without a warning.
pub struct Service {
    child: Child,
    log: PathBuf,
}

impl Service {
    /// Starts the service of the party that is named after its role, and waits until it answers.
    pub fn start(folder: &Path, party: &str, port: u16) -> Service {
        Service::start_as(folder, party, party, port)
    }

    /// Starts a party's service in a role.
    pub fn start_as(folder: &Path, role: &str, party: &str, port: u16) -> Service {
        let log = folder.join(format!("{party}.log"));
        let file = File::options().create(true).append(true).open(&log).unwrap();
        let config = format!("{party}.toml");
        let child = command(folder, &["serve", role, "--config", &config])
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .unwrap();
        let mut service = Service { child, log };
        let started = Instant::now();
        while !answers(port) {
            let ended = service.child.try_wait().unwrap();
            let late = started.elapsed() > PATIENCE;
            assert!(ended.is_none() && !late, "{party} does not answer:\n{}", service.last_words());
            std::thread::sleep(Duration::from_millis(10));
        }
        service
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        let asked = std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(asked.success());
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(started.elapsed() < PATIENCE, "it does not stop:\n{}", self.last_words());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let request = b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let mut answer = Vec::new();
    stream.write_all(request).is_ok()
        && stream.read_to_end(&mut answer).is_ok()
        && answer.starts_with(b"HTTP/1.1 200")
}
