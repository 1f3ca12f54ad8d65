//! A HylaFAX server for one test, from Debian's packages `hylafax-server` and `hylafax-client`.

mod page;

pub use page::{CARD_NUMBER, FaxPage, printed};

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

/// How long the server may take to come up, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// The folders of a spool.
const FOLDERS: [&str; 14] = [
    "archive", "bin", "client", "config", "dev", "docq", "doneq", "etc", "info", "log", "pollq",
    "recvq", "sendq", "status",
];

/// A queue and its server on a port and in a spool folder of their own, with no modem: what is
/// submitted waits. Dropping it ends both and removes the folder.
///
/// The two programs change users and their root folder, so the test must run as root.
#[derive(Debug)]
pub struct HylafaxServer {
    spool: PathBuf,
    address: SocketAddr,
    queue: Running,
    server: Running,
}

/// A job in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The server's number of it.
    pub number: u32,
    /// What its client calls it.
    pub tag: String,
    /// The telephone number that it goes to.
    pub to: String,
    /// Its page, a TIFF file.
    pub page: PathBuf,
}

impl Job {
    /// Reads a job's file; none while the server still writes it, or once it is gone.
    fn read(spool: &Path, file: &Path) -> Option<Job> {
        let text = fs::read_to_string(file).ok()?;
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
            line.map(str::to_owned)
        };
        let page = text.lines().find_map(|line| Some(&line[line.find("docq/")?..]))?;
        Some(Job {
            number: value("jobid")?.parse().ok()?,
            tag: value("jobtag")?,
            to: value("number")?,
            page: spool.join(page),
        })
    }
}

/// A program that ends with the test, however the test ends.
#[derive(Debug)]
struct Running(Child);

impl Running {
    fn is_over(&mut self) -> bool {
        self.0.try_wait().expect("its state").is_some()
    }

    fn end(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

impl HylafaxServer {
    /// The password of every user.
    pub const PASSWORD: &'static str = "secret-pass";
    /// The administrative password.
    pub const ADMIN_PASSWORD: &'static str = "secret-admin";
    /// Both as `crypt` has them, in a line of `etc/hosts.hfaxd`.
    const ACCESS: &'static str = concat!(
        "127.0.0.1:21:",
        "$6$warifutest$dZ61F4C0.7ECSJpaM7YeZ2bQpxJQ3rXoUhtkBio957NXDUsOmFoLM8ul56TB65Fx134QTtJm7TETrMTD4j/Qk1:",
        "$6$warifutest$UyemjE4I3pJEluEHnFjb62cMcg0O7SD6buxwNtNs3kntnpEHdU.YoEKEvwnjIFRTrRvG/rBF6qE7TKe.bPoME/\n",
    );

    /// Makes a spool and starts queue and server.
    ///
    /// # Panics
    /// If the packages are not there, the test is not root's, or the server does not come up: what
    /// cannot be tested fails.
    pub fn start() -> HylafaxServer {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("warifu-fax-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let spool = std::env::temp_dir().join(name);
        make_spool(&spool);
        let queue = start("faxq", &["-D", "-q"], &spool, &[]);
        wait("faxq", || spool.join("FIFO").exists());
        // A port that was free a moment ago; if another took it, the next is tried.
        for _ in 0..20 {
            let probe = TcpListener::bind("127.0.0.1:0").expect("a port");
            let address = probe.local_addr().expect("its address");
            drop(probe);
            let port = address.port().to_string();
            let mut server =
                start("hfaxd", &["-d", "-q"], &spool, &["-l", "127.0.0.1", "-i", &port]);
            wait("hfaxd", || server.is_over() || TcpStream::connect(address).is_ok());
            if !server.is_over() {
                return HylafaxServer { spool, address, queue, server };
            }
        }
        panic!("hfaxd finds no port");
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its spool folder.
    pub fn spool(&self) -> &Path {
        &self.spool
    }

    /// The files of a folder of the spool, but for its counters.
    pub fn files(&self, folder: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.spool.join(folder)).expect("a folder of the spool");
        let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
        files.retain(|file| file.file_name().is_some_and(|name| name != "seqf"));
        files.sort();
        files
    }

    /// The jobs that wait or are on their way.
    pub fn jobs(&self) -> Vec<Job> {
        self.files("sendq").iter().filter_map(|file| Job::read(&self.spool, file)).collect()
    }

    /// Ends a job as the queue does after a call: `changes` replaces lines of its file, and it goes
    /// to the jobs that are done.
    pub fn finish(&self, job: u32, changes: &[(&str, &str)]) {
        let from = self.spool.join(format!("sendq/q{job}"));
        let text = fs::read_to_string(&from).expect("the job's file");
        let mut done = String::new();
        for line in text.lines() {
            let key = line.split(':').next().unwrap_or_default();
            let change = changes.iter().find(|(changed, _)| *changed == key);
            let line = change.map_or(line.to_owned(), |(key, value)| format!("{key}:{value}"));
            done += &line;
            done.push('\n');
        }
        // In place, so that owner and rights stay.
        fs::write(&from, done).expect("the job's file");
        fs::rename(&from, self.spool.join(format!("doneq/q{job}"))).expect("a job that is done");
    }

    /// Ends the server, and no more: the spool stays, the queue runs.
    pub fn stop(&mut self) {
        self.server.end();
    }
}

impl Drop for HylafaxServer {
    fn drop(&mut self) {
        self.server.end();
        self.queue.end();
        drop(fs::remove_dir_all(&self.spool));
    }
}

fn make_spool(spool: &Path) {
    for folder in FOLDERS {
        fs::create_dir_all(spool.join(folder)).expect("a folder of the spool");
    }
    fs::create_dir(spool.join("tmp")).expect("a folder of the spool");
    let etc = Path::new("/etc/hylafax");
    for file in ["config", "dialrules", "hfaxd.conf", "lutRS18.pcf", "setup.cache", "setup.modem"] {
        fs::copy(etc.join(file), spool.join("etc").join(file)).unwrap_or_else(|error| {
            panic!("/etc/hylafax/{file}: {error}; install the package hylafax-server (./test does)")
        });
    }
    run(Command::new("cp").arg("-a").arg("/var/spool/hylafax/bin/.").arg(spool.join("bin")));
    let access = spool.join("etc/hosts.hfaxd");
    fs::write(&access, HylafaxServer::ACCESS).expect("who may log in");
    run(Command::new("chown").args(["-R", "uucp:uucp"]).arg(spool));
    fs::set_permissions(&access, fs::Permissions::from_mode(0o600)).expect("its rights");
}

fn run(command: &mut Command) {
    let output = command.output().expect("a program of the system");
    assert!(
        output.status.success(),
        "{command:?}: {} (HylaFAX needs root)",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn start(program: &str, before: &[&str], spool: &Path, after: &[&str]) -> Running {
    let started = Command::new(format!("/usr/sbin/{program}"))
        .args(before)
        .arg(spool)
        .args(after)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Running(started.unwrap_or_else(|error| {
        panic!("{program}: {error}; install the package hylafax-server (./test does)")
    }))
}

fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "{what} does not come up");
        thread::sleep(Duration::from_millis(50));
    }
}
