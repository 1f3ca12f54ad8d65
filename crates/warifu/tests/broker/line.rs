//! The operators' own authority, and a certificate for each side of a private line.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::{fs, path::Path};

/// Who has a certificate, and the DNS name in it. Whoever listens is called by the only name that
/// this machine has.
const NAMES: [(&str, &str); 6] = [
    ("mail", "localhost"),
    ("registry", "localhost"),
    ("broker", "broker.line.test"),
    ("issuer", "issuer.line.test"),
    ("bath", "bath.line.test"),
    ("tea", "localhost"),
];

/// Writes `ca.pem`, and `NAME.pem` and `NAME.key` for each.
pub fn certify(folder: &Path) {
    fs::create_dir(folder).unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // Without a name of its own every certificate would look self-signed to OpenSSL.
    authority.distinguished_name.push(DnType::CommonName, "the operators' authority");
    let key = KeyPair::generate().unwrap();
    fs::write(folder.join("ca.pem"), authority.self_signed(&key).unwrap().pem()).unwrap();
    let authority = Issuer::new(authority, key);
    for (who, name) in NAMES {
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(vec![name.to_string()]).unwrap();
        let own = own.signed_by(&key, &authority).unwrap();
        fs::write(folder.join(format!("{who}.pem")), own.pem()).unwrap();
        fs::write(folder.join(format!("{who}.key")), key.serialize_pem()).unwrap();
    }
}

/// The files of one side, as configurations name them.
pub fn files(who: &str) -> String {
    format!(
        "{{ ca = \"../line/ca.pem\", certificate = \"../line/{who}.pem\", \
         key = \"../line/{who}.key\" }}"
    )
}
