//! A network whose sockets are recorded, and the means of somebody who attacks it.

use crate::http;
use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tempfile::TempDir;
use warifu::{
    demo::network::{Front, Network, Setup},
    serve::Service,
    setup::{Place, now},
};
use warifu_center::Kind;
use warifu_holder::rules::compose::{self, Sources};
use warifu_keydist::Thresholds;
use warifu_protocol::{
    AtFault,
    authorization::{AuthorizationRequest, shared_digests},
    credential::Credential,
    jws,
    order::{ORDER, OrderClaims},
    sealed::{self, Draft, SealedOrder},
    suite::Suite,
    trust::CheckedForm,
    value::FieldValue,
};
use warifu_store::Document;
use warifu_testkit::{Direction, Recording, Scanner, Tap};
use warifu_types::{Currency, FieldName, Identifier, OrderId, Role, UnixTime};
use warifu_wire::{
    AuthorizeQuestion, CallError, DeliverQuestion, OrderQuestion, Party, Problem, QuoteItem,
    QuoteQuestion, Service as _,
    identity::Wish,
    ordering::{ask_quote, check_form, find_recipient},
};

/// A network under attack.
pub struct Stage {
    pub network: Network,
    taps: Arc<Taps>,
    folder: TempDir,
}

/// Whom an order is brought to: each is asked by who asks it in a purchase.
#[derive(Debug, Clone, Copy)]
pub enum Victim {
    Merchant,
    Issuer,
    Carrier,
}

/// Everyone who opens a part.
pub const VICTIMS: [Victim; 3] = [Victim::Merchant, Victim::Issuer, Victim::Carrier];

/// An order that was sealed and not sent.
#[derive(Clone)]
pub struct Sealed {
    pub bundle: SealedOrder,
    pub quote: String,
}

/// What an order is sealed from.
pub struct Prepared {
    pub form: Arc<CheckedForm>,
    pub form_token: String,
    pub values: BTreeMap<FieldName, FieldValue>,
    pub recipients: BTreeMap<Role, Arc<Credential>>,
    pub quote: String,
}

impl Prepared {
    fn draft(&self) -> Draft<'_> {
        let (form, form_token) = (self.form.borrowed(), self.form_token.as_str());
        Draft { form, form_token, values: &self.values, recipients: &self.recipients }
    }
}

/// What every party keeps.
pub type Documents = BTreeMap<&'static str, Vec<Document>>;

#[derive(Default)]
struct Taps {
    recording: Recording,
    taps: Mutex<Vec<Tap>>,
}

#[async_trait]
impl Front for Taps {
    async fn front(&self, name: &str, target: SocketAddr) -> SocketAddr {
        let tap = Tap::bind(name, &self.recording).await.unwrap();
        tap.forward_to(target);
        let address = tap.address();
        self.taps.lock().unwrap().push(tap);
        address
    }
}

impl Victim {
    pub fn name(self) -> &'static str {
        match self {
            Victim::Merchant => "merchant",
            Victim::Issuer => "issuer",
            Victim::Carrier => "carrier",
        }
    }

    pub fn role(self) -> Role {
        match self {
            Victim::Merchant => Role::Merchant,
            Victim::Issuer => Role::Issuer,
            Victim::Carrier => Role::Carrier,
        }
    }
}

impl Stage {
    pub async fn set() -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let taps = Arc::new(Taps::default());
        let setup = Setup {
            thresholds: Thresholds::new(64, 32).unwrap(),
            front: Some(taps.clone()),
            ..Setup::default()
        };
        let network = Network::start(folder.path(), &setup).await.unwrap();
        Stage { network, taps, folder }
    }

    pub fn holder(&self) -> &Arc<Party> {
        self.network.holder.party()
    }

    /// A service's side of the protocol: who has broken into it has this.
    pub fn party(&self, name: &str) -> Arc<Party> {
        match &self.network.services[name] {
            Service::Issuer(issuer) => issuer.party().clone(),
            Service::Merchant(merchant) => merchant.party().clone(),
            Service::Carrier(carrier) => carrier.party().clone(),
            _ => panic!("{name} is nobody's victim"),
        }
    }

    /// Somebody whom the center has enrolled as it does others.
    pub async fn newcomer(&self, who: &str, role: Role) -> Arc<Party> {
        let folder = self.folder.path().join(format!("false {role}"));
        let opened = Place::new(&folder, None).create().unwrap();
        let wish = Wish {
            sub: Identifier::parse(who).unwrap(),
            roles: vec![role],
            suites: vec![Suite::KpsHpke, Suite::Kps],
            url: (role != Role::Holder).then(|| "http://127.0.0.1:9".to_string()),
        };
        let kind = if role == Role::Holder { Kind::Issue } else { Kind::Admit };
        let request = opened.request(&wish).await.unwrap();
        opened
            .accept(&self.network.center.enrol(request, kind).await.unwrap(), None)
            .await
            .unwrap();
        opened.party(&self.network.keys().unwrap()).await.unwrap()
    }

    /// Seals an order of the holder as if it were `at`, and sends it to nobody.
    pub async fn seal(&self, at: UnixTime) -> Sealed {
        self.seal_as(&self.prepare().await, OrderId(self.holder().random32()), at)
    }

    /// As [`Stage::seal`], from what was prepared, under this id.
    pub fn seal_as(&self, prepared: &Prepared, id: OrderId, at: UnixTime) -> Sealed {
        let party = self.holder();
        let mut random = party.random();
        let draft = prepared.draft();
        let sealed = sealed::seal(&party.terminal(), &draft, id, at, &mut random).unwrap();
        Sealed { bundle: sealed.bundle, quote: prepared.quote.clone() }
    }

    /// Everything up to the sealing: form, quote, recipients, values.
    pub async fn prepare(&self) -> Prepared {
        let (party, url) = (self.holder(), self.network.url("merchant"));
        let answer = self.network.holder.form(&url, "minimal").await.unwrap();
        let (front, form) = check_form(party, &answer, None).unwrap();
        let question = QuoteQuestion {
            items: vec![QuoteItem { number: "PA-1021".to_string(), quantity: 1 }],
            currency: Currency::JPY,
            language: "en".to_string(),
            form: form.hash,
        };
        let id = OrderId(party.random32());
        let (quote, token) = ask_quote(party, (&url, &front), &form, &question, id).await.unwrap();
        let person = &self.network.person;
        let mut recipients = BTreeMap::from([(Role::Merchant, front.credential.clone())]);
        for (role, meant) in form.form.parties.iter() {
            let shown = answer.credentials.get(role);
            let found = find_recipient(party, meant, shown, &person.card.issuer).await.unwrap();
            recipients.insert(*role, found.credential);
        }
        let more = BTreeMap::new();
        let sources = Sources {
            profile: &person.profile,
            card: Some(&person.card),
            quote: Some((&quote, &token)),
            value: None,
            payment_type: "one",
            destination: Some(&person.destination),
            zone: None,
            more: &more,
        };
        let values = compose::values(&form.form.rule, sources).unwrap();
        Prepared { form, form_token: answer.form, values, recipients, quote: token }
    }

    /// Brings an order to a victim, as its usual asker; the answer.
    pub async fn bring(&self, order: &Sealed, victim: Victim) -> Result<Value, Problem> {
        match victim {
            Victim::Merchant => {
                let question = OrderQuestion {
                    sealed: order.bundle.clone(),
                    quote: Some(order.quote.clone()),
                };
                self.ask(self.holder(), Role::Holder, victim, ("order", &question)).await
            }
            Victim::Issuer => self.ask_authorization(&self.party("merchant"), &order.bundle).await,
            Victim::Carrier => {
                let sealed = order.bundle.only(Role::Carrier);
                // The part is looked into before the request.
                let question = DeliverQuestion { sealed, request: "a.b.c".to_string() };
                let merchant = self.party("merchant");
                self.ask(&merchant, Role::Merchant, victim, ("deliver", &question)).await
            }
        }
    }

    /// A merchant asks the issuer for authorization, with a request that it signs.
    pub async fn ask_authorization(
        &self,
        merchant: &Arc<Party>,
        bundle: &SealedOrder,
    ) -> Result<Value, Problem> {
        let claims: OrderClaims = jws::peek(ORDER, &bundle.order, AtFault::Own).unwrap();
        let request = AuthorizationRequest {
            iss: merchant.id(),
            aud: self.party("issuer").id(),
            order: bundle.identity().unwrap(),
            digests: shared_digests(&self.form(bundle).form.rule, &claims),
            iat: now(),
            exp: now().plus(60),
        };
        let request = request.sign(merchant.terminal().signer.as_ref());
        let question = AuthorizeQuestion { sealed: bundle.only(Role::Issuer), request };
        self.ask(merchant, Role::Merchant, Victim::Issuer, ("authorize", &question)).await
    }

    fn form(&self, bundle: &SealedOrder) -> Arc<CheckedForm> {
        let merchant = self.party("merchant");
        let front = merchant.terminal().credential.clone();
        self.holder().terminal().trust.form(&bundle.form, &front, now(), AtFault::Own).unwrap()
    }

    /// Meets a victim and asks it.
    pub async fn ask(
        &self,
        asker: &Arc<Party>,
        role: Role,
        victim: Victim,
        question: (&str, &(impl Serialize + Sync)),
    ) -> Result<Value, Problem> {
        let (url, roles) = (self.network.url(victim.name()), (role, victim.role()));
        match asker.connections().ask(asker, &url, roles, None, question, None).await {
            Ok(answer) => Ok(answer),
            Err(CallError::Problem(problem) | CallError::Unproven(problem)) => Err(problem),
            Err(other) => panic!("no answer: {other:?}"),
        }
    }

    /// Posts bytes to a party, outside of sessions.
    pub async fn post(&self, name: &str, path: &str, body: Vec<u8>) -> Result<Value, Problem> {
        let (url, head) = (self.network.url(name), format!("POST {path}"));
        let ask = move || http::request(&url, &head, &body);
        let (status, _, answer) = tokio::task::spawn_blocking(ask).await.unwrap();
        match status {
            200 => Ok(serde_json::from_slice(&answer).unwrap()),
            _ => Err(serde_json::from_slice(&answer).unwrap()),
        }
    }

    /// Every body that was posted to a path of a party, as it went over the wire.
    pub fn posted(&self, name: &str, path: &str) -> Vec<Vec<u8>> {
        let (label, head) = (format!("{name}#"), format!("POST {path} HTTP/1.1\r\n"));
        let mut bodies = Vec::new();
        for entry in self.taps.recording.entries() {
            if !entry.label.starts_with(&label) || entry.direction != Direction::ToService {
                continue;
            }
            let mut rest = entry.bytes.as_slice();
            while let Some(at) = rest.windows(head.len()).position(|part| part == head.as_bytes()) {
                rest = &rest[at..];
                let end = rest.windows(4).position(|part| part == b"\r\n\r\n").unwrap() + 4;
                let headers = std::str::from_utf8(&rest[..end]).unwrap().to_lowercase();
                let (_, length) = headers.split_once("content-length: ").unwrap();
                let length: usize = length.lines().next().unwrap().parse().unwrap();
                bodies.push(rest[end..end + length].to_vec());
                rest = &rest[end + length..];
            }
        }
        bodies
    }

    /// What every party keeps.
    pub fn documents(&self) -> Documents {
        let stores = self.network.stores.iter();
        stores.map(|(party, opened)| (*party, opened.store.dump().unwrap())).collect()
    }

    /// The attack was refused with this code and field, nothing has changed anywhere, and no card went
    /// over any socket.
    #[track_caller]
    pub fn assert_in_vain(
        &self,
        before: &Documents,
        answer: Result<Value, Problem>,
        (code, field): (&str, &str),
    ) {
        let problem = answer.expect_err("it was answered");
        let named = (problem.code.as_str(), problem.field.as_deref());
        assert_eq!(named, (code, Some(field)), "{problem:?}");
        let after = self.documents();
        for (party, documents) in before {
            assert!(*documents == after[party], "{party} has changed");
        }
        self.assert_no_card_was_heard();
    }

    /// Looks for what is on the holder's cards on every socket; that these were recorded shows in the
    /// holder's identifier, which travels in clear.
    #[track_caller]
    pub fn assert_no_card_was_heard(&self) {
        let person = &self.network.person;
        let secrets = [
            ("card", person.card.number.clone()),
            ("name", person.profile.name.clone()),
            ("telephone", person.profile.telephone.clone()),
            ("destination", person.destination.clone()),
        ];
        let found = Scanner::new(secrets).find_in_recording(&self.taps.recording);
        assert!(found.is_empty(), "{found:?}");
        let holder = Scanner::new([("holder", self.holder().id().to_string())]);
        assert!(!holder.find_in_recording(&self.taps.recording).is_empty(), "nothing was heard");
    }
}
