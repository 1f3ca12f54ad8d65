//! The center's service: the directory for everyone, shares and trade keys within sessions.

use crate::{
    CenterError,
    records::{MEMBERS, NAMES, TRADE_KEYS, TradeKey},
    registrar::{Kind, Registrar},
    rules::admission,
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
    enrolment::{self, Enrolment},
    signer::Signer,
};
use warifu_types::{Identifier, Nonce};
use warifu_wire::{
    Body, DirectoryAnswer, Party, Peer, Problem, Service, ShareAnswer, ShareQuestion,
    TradeKeyAnswer, TradeKeyQuestion, read_body, serve_routes, whole, write_answer,
};

/// A center that answers.
pub struct Center {
    party: Arc<Party>,
    store: Arc<dyn Store>,
    /// Whether holders may enrol themselves over the wire; services are always admitted by hand.
    open: bool,
}

impl Center {
    /// A center over its store. `open` lets holders enrol by `POST /v1/enrol`.
    pub async fn new(
        party: Arc<Party>,
        store: Arc<dyn Store>,
        open: bool,
    ) -> Result<Arc<Center>, CenterError> {
        let registrar = store.run(|unit| Registrar::load(unit, None)).await?;
        let own = party.terminal().credential.clone();
        // The center meets services of groups that opened after its own enrolment, too.
        party.make_own_shares(move |group| {
            admission::further_share(registrar.matrices(), own.class, &own.sub, group)
        });
        Ok(Arc::new(Center { party, store, open }))
    }

    /// Enrols a party.
    pub async fn enrol(&self, request: String, kind: Kind) -> Result<Enrolment, CenterError> {
        let signer: Arc<dyn Signer> = self.party.terminal().signer.clone();
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
        let credential = peer.credential.clone();
        let mut random = self.party.random();
        let registrar = self.store.run(|unit| Registrar::load(unit, None)).await?;
        // A share takes a tenth of a second of computing: not on the threads that answer.
        let computed = tokio::task::spawn_blocking(move || {
            let share = admission::further_share(
                registrar.matrices(),
                credential.class,
                &credential.sub,
                question.group,
            );
            let key =
                credential.hpke.first().ok_or_else(|| Problem::not_found("credential.hpke"))?;
            enrolment::encrypt_shares(&credential.sub, key, &[share], &mut random)
                .map_err(Problem::from)
        });
        let shares = computed.await.map_err(|_| Problem::internal())??;
        Ok(ShareAnswer { shares })
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
        let key = self
            .store
            .run(move |unit| {
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
            Some(member) => Ok(DirectoryAnswer { credential: member.enrolment.credential }),
            None => Err(Problem::not_found("identifier")),
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
            _ => Err(Problem::not_found("op")),
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
        .with_state(center.clone());
    own.merge(serve_routes(center))
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
