//! A mail world for one test: Postfix and Dovecot, from Debian's packages `postfix` and
//! `dovecot-imapd`.

mod configuration;
mod process;
mod smtp;

use configuration::Configuration;
use process::Process;
use std::{
    fs,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How long a server may take for anything, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The domain whose users have mailboxes: `hanako`, `taro` and `broker`, with `+` extensions.
pub const MAIL_DOMAIN: &str = "mail.test";
/// The users with a mailbox. Each one's password is [`PASSWORD`].
pub const USERS: [&str; 3] = ["hanako", "taro", "broker"];
/// Every user's password.
pub const PASSWORD: &str = "a-test-password";

/// A Postfix and a Dovecot on ports of their own, in a temporary folder. Dropping it ends both and
/// removes the folder; they also end when this process does, however it ends.
///
/// Mail for [`MAIL_DOMAIN`] is put into mailboxes that IMAP opens; mail for the domains of `routes`
/// goes on by LMTP; all other domains are refused. What cannot be delivered is tried again within
/// seconds.
#[derive(Debug)]
pub struct MailServers {
    configuration: Configuration,
    postfix: Option<Process>,
    dovecot: Option<Process>,
}

/// A certificate and its key, in PEM, for servers with TLS.
#[derive(Debug, Clone)]
pub struct ServerCertificate {
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

impl MailServers {
    /// Makes and starts both servers. With a certificate, submission wants STARTTLS and a login, and
    /// IMAP is also there with TLS from the first byte.
    ///
    /// # Panics
    /// If this process is not root's, a package is not there, or a server does not come up: what
    /// cannot be tested fails.
    pub fn start(
        routes: &[(&str, SocketAddr)],
        certificate: Option<&ServerCertificate>,
    ) -> MailServers {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("warifu-mail-{}-{count}", std::process::id()));
        fs::create_dir(&folder).expect("a folder for the servers");
        let user = fs::metadata(&folder).expect("the folder").uid();
        if user != 0 {
            let _ = fs::remove_dir(&folder);
            panic!("Postfix and Dovecot start only as root: run this test as root");
        }
        let ports = Ports {
            smtp: reserve_port(),
            submission: reserve_port(),
            imap: reserve_port(),
            imaps: reserve_port(),
        };
        let configuration = Configuration::new(folder, ports);
        let mut servers = MailServers { configuration, postfix: None, dovecot: None };
        servers.configuration.write(routes, certificate);
        servers.start_postfix();
        servers.start_dovecot();
        servers
    }

    /// The port on 127.0.0.1 that takes mail without TLS and login.
    pub fn smtp_port(&self) -> u16 {
        self.configuration.ports.smtp
    }

    /// The port that takes mail after STARTTLS and a login, where there is a certificate.
    pub fn submission_port(&self) -> u16 {
        self.configuration.ports.submission
    }

    /// The port of IMAP without TLS.
    pub fn imap_port(&self) -> u16 {
        self.configuration.ports.imap
    }

    /// The port of IMAP with TLS from the first byte, where there is a certificate.
    pub fn imaps_port(&self) -> u16 {
        self.configuration.ports.imaps
    }

    /// Starts Postfix on what it left, and waits until it takes connections.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start_postfix(&mut self) {
        let folder = self.configuration.postfix_folder();
        // It makes the queue's folders.
        let checked = Command::new("postfix").arg("-c").arg(&folder).arg("check").status();
        assert!(checked.is_ok_and(|status| status.success()), "postfix check fails");
        // Not `postfix start-fg`: that puts a shell between us and the server.
        let mut command = Command::new("/usr/lib/postfix/sbin/master");
        command.arg("-c").arg(&folder).arg("-s");
        self.postfix = Some(Process::start(command, &self.log("postfix")));
        self.wait_for("postfix", self.smtp_port(), "220 ");
    }

    /// Ends Postfix.
    pub fn stop_postfix(&mut self) {
        self.postfix = None;
    }

    /// Starts Dovecot, and waits until it takes connections.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start_dovecot(&mut self) {
        let mut command = Command::new("dovecot");
        command.arg("-F").arg("-c").arg(self.configuration.dovecot_file());
        self.dovecot = Some(Process::start(command, &self.log("dovecot")));
        self.wait_for("dovecot", self.imap_port(), "* OK");
    }

    /// Ends Dovecot.
    pub fn stop_dovecot(&mut self) {
        self.dovecot = None;
    }

    /// Sends a mail's bytes as they are, lines ending with CR LF.
    ///
    /// # Panics
    /// If the server does not take it.
    pub fn send(&self, from: &str, to: &str, mail: &[u8]) {
        smtp::send(self.smtp_port(), from, to, mail);
    }

    /// The mails in a user's mailbox and its folders, in no order.
    pub fn mails(&self, user: &str) -> Vec<Vec<u8>> {
        let mut mails = Vec::new();
        collect(&self.configuration.mailbox(user), &mut mails);
        mails
    }

    /// The mails in a user's mailbox as soon as there are this many.
    ///
    /// # Panics
    /// If they do not come.
    pub fn wait_for_mails(&self, user: &str, count: usize) -> Vec<Vec<u8>> {
        let until = Instant::now() + PATIENCE;
        loop {
            let mails = self.mails(user);
            if mails.len() == count {
                return mails;
            }
            assert!(Instant::now() < until, "{} mails, not {count}", mails.len());
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn wait_for(&self, name: &str, port: u16, greeting: &str) {
        let until = Instant::now() + PATIENCE;
        while !greets(port, greeting) {
            assert!(Instant::now() < until, "{name} does not come up");
            let process = if name == "postfix" { &self.postfix } else { &self.dovecot };
            let ended = process.as_ref().is_none_or(Process::has_ended);
            assert!(!ended, "{name} ended");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Prints what the servers have said, for whoever reads why a test has failed.
    #[expect(clippy::print_stderr, reason = "a failing test's report")]
    fn tell(&self) {
        for name in ["postfix", "dovecot"] {
            let said = fs::read_to_string(self.log(name)).unwrap_or_default();
            eprintln!("--- {name} said:\n{said}");
        }
    }

    fn log(&self, name: &str) -> PathBuf {
        self.configuration.folder.join(format!("{name}.log"))
    }
}

impl Drop for MailServers {
    fn drop(&mut self) {
        if thread::panicking() {
            self.tell();
        }
        self.stop_postfix();
        self.stop_dovecot();
        // The last processes of the servers may still be leaving it.
        for _ in 0..100 {
            if fs::remove_dir_all(&self.configuration.folder).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// The ports of the servers.
#[derive(Debug, Clone, Copy)]
struct Ports {
    smtp: u16,
    submission: u16,
    imap: u16,
    imaps: u16,
}

/// A port that is this process's alone, also while its server is away: it lies below those that
/// systems give to outgoing connections, and whoever has the UDP port has the TCP port of that
/// number, too.
fn reserve_port() -> u16 {
    /// Kept until the process ends.
    static HELD: Mutex<Vec<UdpSocket>> = Mutex::new(Vec::new());
    let first = (std::process::id() % 8_000) as u16;
    let ports = (0..8_000).map(|n| 20_000 + (first + n) % 8_000);
    let held = ports
        .filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .find_map(|port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).ok())
        .expect("a free port");
    let port = held.local_addr().expect("its number").port();
    HELD.lock().unwrap_or_else(PoisonError::into_inner).push(held);
    port
}

fn greets(port: u16, greeting: &str) -> bool {
    let Ok(line) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return false };
    let _ = line.set_read_timeout(Some(Duration::from_secs(10)));
    let mut said = String::new();
    BufReader::new(line).read_line(&mut said).is_ok() && said.starts_with(greeting)
}

/// Mails below a Maildir: in `new` and `cur` of it and of its folders.
fn collect(folder: &Path, mails: &mut Vec<Vec<u8>>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if name == "new" || name == "cur" {
            let files = fs::read_dir(&path).into_iter().flatten().flatten();
            mails.extend(files.filter_map(|file| fs::read(file.path()).ok()));
        } else if path.is_dir() && name != "tmp" {
            collect(&path, mails);
        }
    }
}
