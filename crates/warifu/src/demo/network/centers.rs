//! The network's centers: one that enrols, and a second one where every key is to be the sum of two
//! (row D6).

use super::{Builder, NETWORK};
use crate::{
    Failure,
    demo::people::{CENTER, Cast, SECOND_CENTER, identifier},
    serve::Service,
    setup::{KeySettings, Opened, now, random},
};
use std::sync::Arc;
use tokio::net::TcpListener;
use warifu_center::{Center, CenterWish, Kind};
use warifu_ports::Unit;
use warifu_protocol::trust::{Anchors, PinnedCenter};

/// A center that is set up and does not run yet.
struct Founded {
    opened: Opened,
    listener: TcpListener,
    anchors: Anchors,
}

impl Builder<'_> {
    /// Sets the centers up and starts them; returns the one that enrols.
    pub(super) async fn centers(&mut self) -> Result<Arc<Center>, Failure> {
        let first = self.found(&CENTER).await?;
        if !self.setup.second_center {
            return self.open_center(first).await;
        }
        let second = self.found(&SECOND_CENTER).await?;
        let missing = || Failure::input("center", "names no center");
        let pinned: PinnedCenter = second.anchors.centers.first().cloned().ok_or_else(missing)?;
        let add = move |unit: &mut dyn Unit| warifu_center::add_center(unit, pinned, now());
        first.opened.port().run(add).await?;
        let first = self.open_center(first).await?;
        let mut generator = random();
        let ask = move |unit: &mut dyn Unit| warifu_center::request(unit, now(), &mut generator);
        let request = second.opened.port().run(ask).await?;
        let answer = first.enrol(request, Kind::Admit).await?;
        let url = self.urls.get(CENTER.name).cloned().unwrap_or_default();
        let join = move |unit: &mut dyn Unit| warifu_center::join(unit, &answer, &url, now());
        second.opened.port().run(join).await?;
        let second = self.open_center(second).await?;
        // Each center is a party, too, and lacks the other's share.
        first.party().renew().await?;
        second.party().renew().await?;
        Ok(first)
    }

    async fn found(&mut self, cast: &Cast) -> Result<Founded, Failure> {
        let opened = self.open(cast.name)?;
        let (listener, url) = self.listen(cast.name).await?;
        let wish = CenterWish {
            network: NETWORK.to_string(),
            identifier: identifier(cast.identifier)?,
            url,
            thresholds: self.setup.thresholds,
        };
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)
            .map_err(|_| Failure::input("entropy", "the machine gives none"))?;
        let mut generator = random();
        let init = move |unit: &mut dyn Unit| {
            warifu_center::init(unit, &wish, seed, now(), &mut generator)
        };
        let anchors = opened.port().run(init).await?;
        Ok(Founded { opened, listener, anchors })
    }

    async fn open_center(&mut self, center: Founded) -> Result<Arc<Center>, Failure> {
        let keys = KeySettings { minimum: self.setup.minimum, ..KeySettings::default() };
        let party = center.opened.party(&keys).await?;
        let settings = self.setup.settlement.clone();
        let running = Center::with(party, center.opened.port(), true, settings).await?;
        let service = Service::Center(running.clone());
        service.start_workers();
        self.run(center.listener, service.routes());
        Ok(running)
    }
}
