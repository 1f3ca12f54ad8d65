//! A person joins a settlement center that runs in this very process, whose operator approves at
//! once: for the demonstration and for measurements. Everything between the two goes over the wire.

use crate::{
    Failure,
    setup::{KeySettings, now, party_over, random},
};
use std::sync::Arc;
use warifu_center::Settlement;
use warifu_holder::{
    CenterLine, Holder, Line, Membership, Writer,
    joining::{self, CheckedGuide, Fresh, Joiner, Letter},
};
use warifu_ports::{Entropy, Store};
use warifu_protocol::{SeedableRng, joining::MemberKind, telegram::Person};
use warifu_store::OsEntropy;
use warifu_types::Nonce;
use warifu_wire::{Party, Random, TelegramSession, identity};

/// A member's terminal.
pub struct Newcomer {
    /// As what the center knows it.
    pub membership: Membership,
    /// Its side of the protocol.
    pub party: Arc<Party>,
    /// Writes its telegrams.
    pub writer: Writer,
    /// The whole terminal.
    pub holder: Arc<Holder>,
}

/// Guide, application, approval, letter, registration; everything that the terminal keeps goes into
/// `store`. The first key comes from `seed`, so that a vault can be made around it before.
pub async fn join(
    center: &Arc<Settlement>,
    url: &str,
    store: Arc<dyn Store>,
    person: Person,
    keys: &KeySettings,
    seed: [u8; 32],
) -> Result<Newcomer, Failure> {
    let guide = CheckedGuide::new(TelegramSession::guide(url).await?, now())?;
    let who = Joiner::Member(person);
    let application = joining::apply(&guide, who.profile(), "ja", &mut random()).await?;
    let number = center.approve(&application.to_string()).await?;
    let posted = center.letter(&number, false).await?;
    let entropy = Arc::new(OsEntropy);
    let line: Arc<dyn Line> =
        Arc::new(CenterLine::new(guide.network(), guide.center().clone(), entropy.clone()));
    let (_, terms) = guide.terms(MemberKind::Member);
    let letter = Letter { number, code: posted.code.clone(), terms, who };
    let fresh =
        Fresh { now: now(), random: Random::from_seed(seed), jti: Nonce(entropy.bytes32()) };
    joining::prepare(&store, &guide, letter, line.clone(), fresh).await?;
    let membership = joining::register(&store, line.clone(), now()).await?;
    let party = party_over(store.clone(), keys).await?;
    let signer = Arc::new(store.run(identity::signing_key).await?);
    let writer = Writer {
        member: membership.identifier.clone(),
        signer,
        center: guide.center().clone(),
        line,
    };
    let holder = Holder::new(party.clone(), store);
    holder.join(writer.clone());
    Ok(Newcomer { membership, party, writer, holder })
}
