//! What two sides of a private line agree on.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::LineIdentity;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ClientConnection, ConnectionCommon, NamedGroup, ServerConnection, SideData};
use std::{ops::DerefMut, sync::Arc};

fn identity(authority: &CertifiedIssuer<'_, KeyPair>, name: &str) -> LineIdentity {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new([name.to_string()]).unwrap();
    let signed = params.signed_by(&key, authority).unwrap();
    let pems = [authority.pem(), signed.pem(), key.serialize_pem()];
    LineIdentity::from_pem(pems[0].as_bytes(), pems[1].as_bytes(), pems[2].as_bytes()).unwrap()
}

/// Carries what one side has to say to the other; whether there was anything.
fn carry<A: SideData, B: SideData>(
    from: &mut impl DerefMut<Target = ConnectionCommon<A>>,
    to: &mut impl DerefMut<Target = ConnectionCommon<B>>,
) -> bool {
    let mut said = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut said).unwrap();
    }
    let mut rest = said.as_slice();
    while !rest.is_empty() {
        to.read_tls(&mut rest).unwrap();
        to.process_new_packets().unwrap();
    }
    !said.is_empty()
}

#[test]
fn the_key_of_a_line_withstands_quantum_computers() {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let broker = identity(&authority, "broker.example").client_config().unwrap();
    let registry = identity(&authority, "registry.example").server_config().unwrap();
    let name = "registry.example".try_into().unwrap();
    let mut broker = ClientConnection::new(Arc::new(broker), name).unwrap();
    let mut registry = ServerConnection::new(Arc::new(registry)).unwrap();
    while carry(&mut broker, &mut registry) | carry(&mut registry, &mut broker) {}
    let agreed = broker.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(agreed, NamedGroup::X25519MLKEM768);
    assert!(!registry.is_handshaking());
}
