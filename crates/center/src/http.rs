//! The center's service: the directory and the epoch for everyone, renewal for whoever signs for
//! it, shares and trade keys within sessions.

use crate::{
    CenterError,
    desk::Desk,
    records::{MEMBERS, NAMES, TRADE_KEYS, TradeKey, member, own},
    registrar::{Kind, Registrar},
    settings::Settings,
    settlement::Settlement,
    telegrams,
};
use async_trait::async_trait;
use axum::{
    Json, Router,
    extract::{Query, State},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::sync::Arc;
use warifu_ports::Store;
use warifu_protocol::{
    AtFault,
    encode::from_json_object,
    enrolment::{self, Enrolment, renewal::Renewal},
};
use warifu_types::{Identifier, Nonce};
use warifu_wire::{
    Body, DirectoryAnswer, EpochAnswer, OwnCenter, Party, Peer, Problem, RenewQuestion, Service,
    ShareAnswer, ShareQuestion, TradeKeyAnswer, TradeKeyQuestion, read_body, serve_routes, whole,
    write_answer,
};

/// A center that answers.
pub struct Center {
    party: Arc<Party>,
    store: Arc<dyn Store>,
    desk: Arc<Desk>,
    settlement: Arc<Settlement>,
    /// Whether holders may enrol themselves over the wire; services are always admitted by hand.
    open: bool,
}

impl Center {
    /// A center over its store, with the usual settings. `open` lets holders enrol by
    /// `POST /v1/enrol`.
    pub async fn new(
        party: Arc<Party>,
        store: Arc<dyn Store>,
        open: bool,
    ) -> Result<Arc<Center>, CenterError> {
        Center::with(party, store, open, Settings::default()).await
    }

    /// As [`Center::new`], with settings for members, cards and payments.
    pub async fn with(
        party: Arc<Party>,
        store: Arc<dyn Store>,
        open: bool,
        settings: Settings,
    ) -> Result<Arc<Center>, CenterError> {
        let record = store.run(|unit| own(unit)).await?;
        if let (Some(first), Some(url)) = (record.before.first(), &record.first_url) {
            party.reach_center(first.center.clone(), url.clone());
        }
        let signer = Arc::clone(&party.terminal().signer);
        let identifier = record.identifier.clone();
        let desk = Arc::new(Desk { store: Arc::clone(&store), signer, identifier });
        // The center is a party that needs keys, too: it asks itself for what it makes.
        party.be_center(desk.clone());
        let settlement = Settlement::new(party.clone(), store.clone(), settings).await?;
        Ok(Arc::new(Center { party, store, desk, settlement, open }))
    }

    /// The settlement center: members, prepaid cards, payments.
    pub fn settlement(&self) -> &Arc<Settlement> {
        &self.settlement
    }

    /// The center as a party.
    pub fn party(&self) -> &Arc<Party> {
        &self.party
    }

    /// Enrols a party.
    pub async fn enrol(&self, request: String, kind: Kind) -> Result<Enrolment, CenterError> {
        let signer = Arc::clone(&self.desk.signer);
        let now = self.party.now();
        let mut random = self.party.random();
        self.store
            .run(move |unit| {
                Registrar::load(unit, Some(signer.as_ref()))?.enrol(
                    unit,
                    &request,
                    kind,
                    now,
                    &mut random,
                )
            })
            .await
    }

    async fn share(&self, peer: &Peer, question: ShareQuestion) -> Result<ShareAnswer, Problem> {
        let ShareQuestion { group, epoch } = question;
        let now = self.party.now();
        let (share, known) = self.desk.share_for(&peer.credential.sub, group, epoch, now).await?;
        let key = known.hpke.first().ok_or_else(|| Problem::not_found("credential.hpke"))?;
        let mut random = self.party.random();
        Ok(ShareAnswer {
            shares: enrolment::encrypt_shares(&known.sub, key, &[share], &mut random)?,
        })
    }

    async fn trade_key(
        &self,
        peer: &Peer,
        question: TradeKeyQuestion,
    ) -> Result<TradeKeyAnswer, Problem> {
        let mut pair = [peer.credential.sub.to_string(), question.peer.to_string()];
        pair.sort();
        let key = format!("{}/{}/{}", question.trade, pair[0], pair[1]);
        let fresh = Nonce(self.party.random32());
        let asker = peer.credential.sub.clone();
        let key = self
            .store
            .run(move |unit| {
                member(unit, &asker)?;
                TRADE_KEYS.insert(unit, &key, &TradeKey { key: fresh })?;
                Ok::<_, CenterError>(TRADE_KEYS.get(unit, &key)?.map_or(fresh, |known| known.key))
            })
            .await?;
        Ok(TradeKeyAnswer { key })
    }

    async fn find(&self, wanted: Wanted) -> Result<DirectoryAnswer, Problem> {
        let found = self
            .store
            .run(move |unit| {
                let who = match wanted {
                    Wanted::Identifier(who) => Some(who),
                    Wanted::Name(name) => NAMES.get(unit, &name)?.map(|taken| taken.by),
                };
                match who {
                    Some(who) => MEMBERS.get(unit, who.as_str()).map_err(CenterError::from),
                    None => Ok(None),
                }
            })
            .await?;
        match found {
            Some(known) if !known.revoked => {
                Ok(DirectoryAnswer { credential: known.enrolment.credential })
            }
            _ => Err(Problem::not_found("identifier")),
        }
    }
}

#[async_trait]
impl Service for Center {
    fn party(&self) -> &Arc<Party> {
        &self.party
    }

    async fn answer(
        &self,
        peer: &Peer,
        op: &str,
        body: &RawValue,
    ) -> Result<Box<RawValue>, Problem> {
        match op {
            "share" => write_answer(&self.share(peer, read_body(body)?).await?),
            "trade_key" => write_answer(&self.trade_key(peer, read_body(body)?).await?),
            _ => self.settlement.answer(peer, op, body).await,
        }
    }
}

enum Wanted {
    Identifier(Identifier),
    Name(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DirectoryQuery {
    identifier: Option<String>,
    name: Option<String>,
}

/// The center's routes.
pub fn routes(center: Arc<Center>) -> Router {
    let own = Router::new()
        .route("/v1/directory", get(directory))
        .route("/v1/enrol", post(enrol))
        .route("/v1/epoch", get(epoch))
        .route("/v1/renew", post(renew))
        .with_state(center.clone());
    own.merge(telegrams::routes(center.settlement.clone())).merge(serve_routes(center))
}

async fn directory(
    State(center): State<Arc<Center>>,
    query: Result<Query<DirectoryQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<DirectoryAnswer>, Problem> {
    let bad = || Problem::bad_value("identifier", "ask for one identifier, or for one name");
    let Query(query) = query.map_err(|_| bad())?;
    let wanted = match (query.identifier, query.name) {
        (Some(text), None) => Wanted::Identifier(Identifier::parse(&text).map_err(|_| bad())?),
        (None, Some(name)) => Wanted::Name(name),
        _ => return Err(bad()),
    };
    center.find(wanted).await.map(Json)
}

/// Enrols a holder that asks over the wire. The answer is encrypted to the key in the request.
async fn enrol(State(center): State<Arc<Center>>, body: Body) -> Result<Json<Enrolment>, Problem> {
    if !center.open {
        return Err(Problem::new(403, "closed", "this center enrols holders by hand", None));
    }
    let body = whole(body)?;
    let request = std::str::from_utf8(&body)
        .map_err(|_| Problem::bad_value("enrolment_request", "not UTF-8"))?;
    Ok(Json(center.enrol(request.to_string(), Kind::Issue).await?))
}

/// The signed notice of the epoch in force.
async fn epoch(State(center): State<Arc<Center>>) -> Result<Json<EpochAnswer>, Problem> {
    Ok(Json(EpochAnswer { epoch: center.desk.notice(center.party.now()).await? }))
}

/// Renews a party's credential and shares, on a request that it has signed.
async fn renew(State(center): State<Arc<Center>>, body: Body) -> Result<Json<Renewal>, Problem> {
    let question: RenewQuestion = from_json_object(&whole(body)?, AtFault::Sender, "renewal")?;
    let (now, random) = (center.party.now(), center.party.random());
    center.desk.renew(question.request, now, random).await.map(Json)
}
