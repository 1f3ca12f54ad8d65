//! A PostgreSQL server for one test, from Debian's package `postgresql`.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How long a server may take to come up, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server in a temporary folder, on a socket in that folder and no network. Dropping it ends the
/// server and removes the folder; the server also ends when this process does, however it ends.
///
/// The server does not run as root: where the test does, it runs as the package's own user.
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    programs: PathBuf,
    user: Option<String>,
    keeper: Option<Keeper>,
}

/// The thread that started the server. The system ends a child with the *thread* that started it,
/// so this one stays as long as the server.
#[derive(Debug)]
struct Keeper {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Postgres {
    /// Makes and starts a server.
    ///
    /// # Panics
    /// If the package is not there or the server does not come up: what cannot be tested fails.
    pub fn start() -> Postgres {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "warifu-postgres-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).expect("a folder for the server");
        let user = unprivileged(&folder);
        let mut server = Postgres { programs: programs(), folder, user, keeper: None };
        let data = server.data();
        let made = server
            .command("initdb")
            .args(["--no-sync", "--no-instructions", "-A", "trust", "-U", "postgres"])
            .args(["-E", "UTF8", "--locale", "C", "-D"])
            .arg(data)
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "initdb: {}", text(&made));
        server.start_again();
        server
    }

    /// The address of a database, as `PostgresStore::open` takes it.
    pub fn address(&self, database: &str) -> String {
        format!("host={} port=5432 user=postgres dbname={database}", self.folder.display())
    }

    /// Makes an empty database.
    ///
    /// # Panics
    /// If there is one of this name.
    pub fn create_database(&self, name: &str) {
        self.sql("postgres", &format!("CREATE DATABASE \"{name}\""));
    }

    /// Runs a statement and returns its rows, unaligned.
    ///
    /// # Panics
    /// If it fails.
    pub fn sql(&self, database: &str, statement: &str) -> String {
        let ran = self
            .client("psql")
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "postgres"])
            .args(["-d", database, "-c", statement])
            .output()
            .expect("psql runs");
        assert!(ran.status.success(), "{statement}: {}", text(&ran));
        String::from_utf8_lossy(&ran.stdout).trim_end().to_string()
    }

    /// Kills the server as a power cut would: no process of it has a moment to write.
    pub fn kill(&mut self) {
        if let Some(Keeper { stop, thread }) = self.keeper.take() {
            let _ = stop.send(());
            let _ = thread.join();
        }
    }

    /// Starts the server on what it left, and waits until it takes connections.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start_again(&mut self) {
        self.kill();
        let until = Instant::now() + PATIENCE;
        // The killed server's processes may still hold its memory for a moment.
        while !self.try_start(until) {
            assert!(Instant::now() < until, "the server does not come up: {}", self.log());
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// `false` if the server ended at once.
    fn try_start(&mut self, until: Instant) -> bool {
        let log = fs::File::create(self.folder.join("log")).expect("a log for the server");
        let mut command = self.command("postgres");
        command
            .arg("-D")
            .arg(self.data())
            .arg("-k")
            .arg(&self.folder)
            .args(["-p", "5432", "-c", "listen_addresses="])
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log for the server"))
            .stderr(log);
        let (stop, stopped) = mpsc::channel();
        let (tell, ended) = mpsc::channel();
        let keep = move || {
            let mut child = command.spawn().expect("postgres starts");
            while stopped.recv_timeout(Duration::from_millis(50))
                == Err(mpsc::RecvTimeoutError::Timeout)
            {
                if exited(&mut child) {
                    let _ = tell.send(());
                    return;
                }
            }
            let _ = child.kill();
            let _ = child.wait();
        };
        self.keeper = Some(Keeper { stop, thread: thread::spawn(keep) });
        while !self.is_ready() {
            if ended.try_recv().is_ok() {
                return false;
            }
            assert!(Instant::now() < until, "the server is not ready: {}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
        true
    }

    fn is_ready(&self) -> bool {
        let asked = self.client("pg_isready").arg("-q").status();
        asked.expect("pg_isready runs").success()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// A client program of the package, on this server.
    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.args(["-p", "5432", "-h"]).arg(&self.folder).stdin(Stdio::null());
        command
    }

    /// A server program of the package, without privileges, that ends with the thread that starts
    /// it.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]);
        if let Some(user) = &self.user {
            command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
        }
        command.arg("--").arg(self.programs.join(program));
        command.current_dir(&self.folder);
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
        // The last processes of the server may still be leaving it.
        for _ in 0..100 {
            match fs::remove_dir_all(&self.folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    thread::sleep(Duration::from_millis(50));
                }
                _ => return,
            }
        }
    }
}

fn exited(child: &mut Child) -> bool {
    matches!(child.try_wait(), Ok(Some(_)) | Err(_))
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The newest version's programs. Debian keeps them out of the PATH.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .map(|version| version.path().join("bin"))
        .filter(|bin| bin.join("initdb").exists() && bin.join("postgres").exists())
        .max_by_key(|bin| version_of(bin));
    newest.expect("the package postgresql is installed (./test sees to it)")
}

fn version_of(bin: &Path) -> u32 {
    let name = bin.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    name.and_then(|name| name.parse().ok()).unwrap_or(0)
}

/// The user for the server if this process is root's; the folder becomes that user's.
fn unprivileged(folder: &Path) -> Option<String> {
    if fs::metadata(folder).expect("the folder").uid() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("the list of users");
    let ids = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2).map(str::parse::<u32>);
        Some((name.to_string(), fields.next()?.ok()?, fields.next()?.ok()?))
    };
    let (name, user, group) = ids("postgres").expect("the package's user postgres");
    chown(folder, Some(user), Some(group)).expect("the folder is handed over");
    Some(name)
}
