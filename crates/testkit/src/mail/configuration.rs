//! The servers' files.

use super::{MAIL_DOMAIN, PASSWORD, Ports, ServerCertificate, USERS};
use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
};

#[derive(Debug)]
pub(super) struct Configuration {
    pub(super) folder: PathBuf,
    pub(super) ports: Ports,
}

/// Whose the mailboxes are.
const MAIL_USER: &str = "mail";

impl Configuration {
    pub(super) fn new(folder: PathBuf, ports: Ports) -> Configuration {
        Configuration { folder, ports }
    }

    pub(super) fn postfix_folder(&self) -> PathBuf {
        self.folder.join("postfix")
    }

    pub(super) fn dovecot_file(&self) -> PathBuf {
        self.folder.join("dovecot.conf")
    }

    pub(super) fn mailbox(&self, user: &str) -> PathBuf {
        self.folder.join("mail").join(user)
    }

    pub(super) fn write(
        &self,
        routes: &[(&str, SocketAddr)],
        certificate: Option<&ServerCertificate>,
    ) {
        fs::set_permissions(&self.folder, fs::Permissions::from_mode(0o755)).expect("permissions");
        self.folder("postfix", None);
        self.folder("queue", None);
        self.folder("data", Some("postfix"));
        self.folder("mail", Some(MAIL_USER));
        self.folder("run", None);
        if let Some(both) = certificate {
            self.file("certificate.pem", &both.certificate);
            self.file("key.pem", &both.key);
        }
        let with_tls = certificate.is_some();
        let transports: String = routes
            .iter()
            .map(|(domain, to)| format!("{domain} lmtp:inet:[{}]:{}\n", to.ip(), to.port()))
            .collect();
        let relayed = routes.iter().map(|(domain, _)| *domain).collect::<Vec<_>>().join(" ");
        let mailboxes: String =
            USERS.iter().map(|user| format!("{user}@{MAIL_DOMAIN} {user}/\n")).collect();
        self.file("postfix/transport", &transports);
        self.file("postfix/mailboxes", &mailboxes);
        self.file("postfix/main.cf", &self.main_cf(&relayed, with_tls));
        self.file("postfix/master.cf", &self.master_cf(with_tls));
        self.file("dovecot.conf", &self.dovecot_conf(with_tls));
        let users: String =
            USERS.iter().map(|user| format!("{user}:{{PLAIN}}{PASSWORD}\n")).collect();
        self.file("users", &users);
    }

    fn main_cf(&self, relayed: &str, with_tls: bool) -> String {
        let folder = self.folder.display();
        let (user, group) = ids(MAIL_USER);
        let mut text = format!(
            "compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = /dev/stdout
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.broker.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_dns_support_level = disabled
smtp_host_lookup = native
biff = no
alias_maps =
alias_database =
local_recipient_maps =
local_transport = error:no local delivery
default_transport = error:no such domain
recipient_delimiter = +
virtual_mailbox_domains = {MAIL_DOMAIN}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/postfix/mailboxes
virtual_minimum_uid = 1
virtual_uid_maps = static:{user}
virtual_gid_maps = static:{group}
relay_domains = {relayed}
relay_recipient_maps =
transport_maps = texthash:{folder}/postfix/transport
smtpd_recipient_restrictions = permit_mynetworks, permit_sasl_authenticated, reject
message_size_limit = 4000000
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
transport_retry_time = 1s
"
        );
        if with_tls {
            text.push_str(&format!(
                "smtpd_tls_cert_file = {folder}/certificate.pem
smtpd_tls_key_file = {folder}/key.pem
smtpd_sasl_type = dovecot
smtpd_sasl_path = {folder}/queue/auth
"
            ));
        }
        text
    }

    /// The queue manager is woken every second, not every five minutes: where it comes back to a
    /// mail before the process that has just failed with it has let it go, it puts it with those
    /// that came in, and looks there when a mail comes in or when it is woken.
    fn master_cf(&self, with_tls: bool) -> String {
        let ports = self.ports;
        let mut text = format!("127.0.0.1:{} inet n - n - - smtpd\n", ports.smtp);
        if with_tls {
            text.push_str(&format!(
                "127.0.0.1:{} inet n - n - - smtpd\n  -o smtpd_tls_security_level=encrypt\n  -o smtpd_sasl_auth_enable=yes\n  -o smtpd_tls_auth_only=yes\n  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject\n",
                ports.submission
            ));
        }
        text.push_str(
            "pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
",
        );
        text
    }

    fn dovecot_conf(&self, with_tls: bool) -> String {
        let (folder, ports) = (self.folder.display(), self.ports);
        let tls = if with_tls {
            format!(
                "ssl = yes\nssl_cert = <{folder}/certificate.pem\nssl_key = <{folder}/key.pem\n"
            )
        } else {
            "ssl = no\n".to_string()
        };
        let imaps = if with_tls { ports.imaps } else { 0 };
        format!(
            "base_dir = {folder}/run
state_dir = {folder}/run
log_path = /dev/stderr
protocols = imap
listen = 127.0.0.1
{tls}disable_plaintext_auth = no
default_vsz_limit = 1G
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{folder}/mail/%n
passdb {{
  driver = passwd-file
  args = username_format=%n {folder}/users
}}
userdb {{
  driver = static
  args = uid={MAIL_USER} gid={MAIL_USER} home={folder}/mail/%n
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  inet_listener imap {{
    port = {}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service auth {{
  unix_listener {folder}/queue/auth {{
    mode = 0666
  }}
}}
",
            ports.imap
        )
    }

    fn folder(&self, name: &str, owner: Option<&str>) {
        let path = self.folder.join(name);
        fs::create_dir(&path).expect("a folder");
        if let Some(owner) = owner {
            hand_over(&path, owner);
        }
    }

    fn file(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).expect("a file");
    }
}

fn hand_over(path: &Path, owner: &str) {
    let (user, group) = ids(owner);
    chown(path, Some(user), Some(group)).expect("a folder is handed over");
}

/// The numbers of a user of this machine and of its group.
fn ids(name: &str) -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").expect("the list of users");
    let line = users.lines().find(|line| line.split(':').next() == Some(name));
    let line = line
        .unwrap_or_else(|| panic!("no user {name}: is its package installed? ./test sees to it"));
    let mut fields = line.split(':').skip(2).map(str::parse::<u32>);
    match (fields.next(), fields.next()) {
        (Some(Ok(user)), Some(Ok(group))) => (user, group),
        _ => panic!("the user {name} has no number"),
    }
}
