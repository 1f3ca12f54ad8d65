//! A server program, ended by its process id.

use std::{
    fs::File,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How long a server may take to end by itself.
const LEAVING: Duration = Duration::from_secs(20);

/// A running program. The system ends a child with the *thread* that started it, so that one stays
/// as long as the program. Dropping it ends both.
#[derive(Debug)]
pub(super) struct Process {
    stop: mpsc::Sender<()>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Process {
    pub(super) fn start(command: Command, log: &Path) -> Process {
        let log = File::create(log).expect("a log for the server");
        let mut guarded = Command::new("setpriv");
        guarded.args(["--pdeathsig", "TERM", "--"]).arg(command.get_program());
        guarded
            .args(command.get_args())
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log for the server"))
            .stderr(log);
        let (stop, stopped) = mpsc::channel();
        let ended = Arc::new(AtomicBool::new(false));
        let has_ended = ended.clone();
        let keep = move || {
            let mut child = guarded.spawn().expect("the server starts");
            while stopped.recv_timeout(Duration::from_millis(50))
                == Err(mpsc::RecvTimeoutError::Timeout)
            {
                if exited(&mut child) {
                    has_ended.store(true, Ordering::Release);
                    return;
                }
            }
            end(&mut child);
        };
        Process { stop, ended, thread: Some(thread::spawn(keep)) }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.stop.send(());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Asks the server to end, then insists. A server that leads a group of processes ends with all of
/// them: each may hold the port.
fn end(child: &mut Child) {
    signal("-TERM", child);
    let until = Instant::now() + LEAVING;
    while !exited(child) && Instant::now() < until {
        thread::sleep(Duration::from_millis(20));
    }
    signal("-KILL", child);
    let _ = child.kill();
    let _ = child.wait();
}

/// To the group that the child leads, or to the child if it leads none.
fn signal(name: &str, child: &Child) {
    let id = child.id().to_string();
    let sent = |to: &str| {
        let mut kill = Command::new("kill");
        let kill = kill.args([name, "--", to]).stderr(Stdio::null());
        kill.status().is_ok_and(|status| status.success())
    };
    if !sent(&format!("-{id}")) && name == "-TERM" {
        sent(&id);
    }
}

fn exited(child: &mut Child) -> bool {
    matches!(child.try_wait(), Ok(Some(_)) | Err(_))
}
