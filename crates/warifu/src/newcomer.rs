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

/// What a person has in hand when the letter has come.
pub struct Invited {
    /// The center's guide.
    pub guide: CheckedGuide,
    /// What the letter says.
    pub letter: Letter,
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
    let invited = invite(center, url, person).await?;
    invited.register(store, keys, seed, Arc::new(OsEntropy)).await
}

/// Guide, application, approval and letter.
pub async fn invite(
    center: &Arc<Settlement>,
    url: &str,
    person: Person,
) -> Result<Invited, Failure> {
    let guide = CheckedGuide::new(TelegramSession::guide(url).await?, now())?;
    let who = Joiner::Member(person);
    let application = joining::apply(&guide, who.profile(), "ja", &mut random()).await?;
    let number = center.approve(&application.to_string()).await?;
    let posted = center.letter(&number, false).await?;
    let (_, terms) = guide.terms(MemberKind::Member);
    let letter = Letter { number, code: posted.code.clone(), terms, who };
    Ok(Invited { guide, letter })
}

impl Invited {
    /// The registration. The first key comes from `seed`, the ids and keys of telegrams from
    /// `entropy`.
    pub async fn register(
        self,
        store: Arc<dyn Store>,
        keys: &KeySettings,
        seed: [u8; 32],
        entropy: Arc<dyn Entropy>,
    ) -> Result<Newcomer, Failure> {
        let Invited { guide, letter } = self;
        let jti = Nonce(entropy.bytes32());
        let line: Arc<dyn Line> =
            Arc::new(CenterLine::new(guide.network(), guide.center().clone(), entropy));
        let fresh = Fresh { now: now(), random: Random::from_seed(seed), jti };
        joining::prepare(&store, &guide, letter, line.clone(), fresh).await?;
        let membership = joining::register(&store, line.clone(), now()).await?;
        let party = party_over(store.clone(), keys).await?;
        let centers = party.terminal().trust.anchors().centers.len();
        if centers > 1 {
            // The answer brought the share of the first alone.
            party.renew().await?;
        }
        let writer = Writer {
            member: membership.identifier.clone(),
            signer: Arc::new(store.run(identity::signing_key).await?),
            center: guide.center().clone(),
            line,
        };
        let holder = Holder::new(party.clone(), store);
        holder.join(writer.clone());
        Ok(Newcomer { membership, party, writer, holder })
    }
}
