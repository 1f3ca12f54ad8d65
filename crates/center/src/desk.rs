//! What a center makes: notices, renewals, shares. For others over the wire, and for itself.

use crate::{
    CenterError,
    network::forget_previous,
    records::{MEMBERS, member, own},
    registrar::{Registrar, claims},
    renewals::Step,
    rules::admission,
};
use async_trait::async_trait;
use std::sync::Arc;
use warifu_keydist::Share;
use warifu_ports::Store;
use warifu_protocol::{credential::Credential, enrolment::renewal::Renewal, signer::Signer};
use warifu_types::{Identifier, UnixTime};
use warifu_wire::{OwnCenter, Problem, Random};

/// The center's store and signature key.
pub(crate) struct Desk {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) identifier: Identifier,
}

impl Desk {
    /// The share of a party for meeting services of a group, in the epoch in force unless another is
    /// named. The party's credential, as the register has it, comes with it.
    pub(crate) async fn share_for(
        &self,
        who: &Identifier,
        group: u32,
        epoch: Option<u32>,
        now: UnixTime,
    ) -> Result<(Share, Credential), Problem> {
        let party = who.clone();
        let work = move |unit: &mut dyn warifu_ports::Unit| {
            let registrar = Registrar::load(unit, None)?;
            let known = member(unit, &party)?;
            let epoch = epoch.unwrap_or(registrar.record.epoch);
            let matrices = registrar.matrices_of(epoch, now)?;
            registrar.take_points(unit, &party, epoch)?;
            Ok::<_, CenterError>((matrices, known.class, claims(&known.enrolment.credential)?))
        };
        let (matrices, class, credential) = self.store.run(work).await?;
        let who = who.clone();
        // A share takes a tenth of a second of computing: not on the threads that answer.
        let computed = tokio::task::spawn_blocking(move || {
            admission::further_share(&matrices, class, &who, group)
        });
        Ok((computed.await.map_err(|_| Problem::internal())?, credential))
    }
}

#[async_trait]
impl OwnCenter for Desk {
    async fn notice(&self, now: UnixTime) -> Result<String, Problem> {
        let signer = Arc::clone(&self.signer);
        let work = move |unit: &mut dyn warifu_ports::Unit| {
            forget_previous(unit, now)?;
            Registrar::load(unit, Some(signer.as_ref()))?.notice()
        };
        Ok(self.store.run(work).await?)
    }

    async fn renew(
        &self,
        request: String,
        now: UnixTime,
        mut random: Random,
    ) -> Result<Renewal, Problem> {
        let signer = Arc::clone(&self.signer);
        let begin = move |unit: &mut dyn warifu_ports::Unit| {
            Registrar::load(unit, Some(signer.as_ref()))?.begin_renewal(unit, &request, now)
        };
        let mut computing = match self.store.run(begin).await? {
            Step::Answer(answer) => return Ok(answer),
            Step::Compute(computing) => computing,
        };
        let computed =
            tokio::task::spawn_blocking(move || computing.compute(&mut random).map(|()| computing));
        let computed = computed.await.map_err(|_| Problem::internal())??;
        let signer = Arc::clone(&self.signer);
        let finish = move |unit: &mut dyn warifu_ports::Unit| {
            Registrar::load(unit, Some(signer.as_ref()))?.finish_renewal(unit, *computed, now)
        };
        Ok(self.store.run(finish).await?)
    }

    async fn share(&self, group: u32, epoch: u32, now: UnixTime) -> Result<Share, Problem> {
        Ok(self.share_for(&self.identifier, group, Some(epoch), now).await?.0)
    }

    async fn address(&self, center: &Identifier) -> Option<String> {
        let center = center.clone();
        let find = move |unit: &mut dyn warifu_ports::Unit| {
            let record = own(unit)?;
            if record.before.first().is_some_and(|first| first.center == center) {
                return Ok(record.first_url.clone());
            }
            let known = MEMBERS.get(unit, center.as_str())?;
            match known {
                Some(known) => Ok(claims(&known.enrolment.credential)?.url),
                None => Ok::<_, CenterError>(None),
            }
        };
        self.store.run(find).await.unwrap_or_default()
    }
}
