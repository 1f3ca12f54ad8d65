//! Meetings.
use crate::{
    bytes::Bytes,
    case::Case,
    common::{NETWORK, NOW},
    network::{Made, hybrid, kps},
};
use hkdf::Hkdf;
use serde_json::{Value, json};
use sha2::Sha256;
use warifu_protocol::{
    AtFault, Reason,
    derive::{Context, Purpose},
    encode::{sha256, unb64},
    hpke::{Binding, decapsulate},
    meeting::{self, CONFIRM_WITHIN, Challenge, Confirm, Hello, Met},
    suite::Suite,
};
use warifu_types::{Digest, Role};

const SENDER: AtFault = AtFault::Sender;
/// The randomness of both sides, and the initiator's for the encapsulation.
const NONCE: [u8; 32] = [0xa1; 32];
pub const RESPONDER: [u8; 64] = [0xb2; 64];
pub const INITIATOR: [u8; 64] = [0xc3; 64];

/// Holder and merchant meet about a form.
pub struct Meeting {
    pub made: Made,
    pub hello: Hello,
    pub challenge: Challenge,
    pub confirm: Confirm,
    pub holder: Met,
    pub merchant: Met,
}

pub fn meet(made: Made) -> Meeting {
    let (holder, merchant) = (&made.cast.holder, &made.cast.merchant);
    let form = Some(sha256(b"form"));
    let (waiting, hello) =
        meeting::begin(holder, Role::Holder, Role::Merchant, form, None, &mut Bytes::new(&NONCE));
    let (expect, challenge) =
        meeting::respond(merchant, &hello, NOW, &mut Bytes::new(&RESPONDER)).unwrap();
    let (held, confirm) = waiting
        .finish(holder, &challenge, Some(merchant.id()), NOW, &mut Bytes::new(&INITIATOR))
        .unwrap();
    let met = expect.finish(merchant, &confirm, NOW).unwrap();
    Meeting { hello, challenge, confirm, holder: held, merchant: met, made }
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for made in [kps(), hybrid()] {
        let meeting = meet(made);
        cases.extend(meeting.good());
        cases.extend(meeting.to_the_initiator());
        cases.extend(meeting.to_the_responder());
        cases.extend(meeting.confirmations());
    }
    cases
}

impl Meeting {
    pub fn name(&self, name: &str) -> String {
        format!("{}_{name}", self.made.name())
    }

    fn initiator(&self, name: &str, about: &str, challenge: Value) -> Case {
        let input = json!({
            "hello": self.hello,
            "initiator_random": hex::encode(INITIATOR),
            "challenge": challenge,
            "expected": self.made.cast.merchant.id(),
        });
        let terminal = (self.made.name(), "holder");
        Case::new("meeting_initiator", &self.name(name), about, terminal, input)
    }

    fn responder(&self, name: &str, about: &str, hello: Value, confirm: Value) -> Case {
        let input = json!({
            "hello": hello,
            "responder_random": hex::encode(RESPONDER),
            "confirm": confirm,
        });
        let terminal = (self.made.name(), "merchant");
        Case::new("meeting_responder", &self.name(name), about, terminal, input)
    }

    /// Transcripts and keys, worked out beside the library from what `docs/protocol.md` says.
    pub fn steps(&self) -> Value {
        let (holder, merchant) = (&self.made.cast.holder, &self.made.cast.merchant);
        let unproved = Challenge { proof: Digest([0; 32]), ..self.challenge.clone() };
        let transcript = sha256(&serde_json::to_vec(&(&self.hello, unproved)).unwrap());
        let confirmed = (&transcript, &self.confirm.ek, &self.confirm.kid);
        let whole = sha256(&serde_json::to_vec(&confirmed).unwrap());
        let pair = holder.pair_key(&self.challenge.keys, merchant.id(), None).unwrap();
        let ends = [(holder.id(), Role::Holder), (merchant.id(), Role::Merchant)];
        let context = |sender, recipient| Context {
            network: NETWORK,
            source: &self.challenge.keys,
            suite: self.challenge.suite,
            sender,
            recipient,
            about: &transcript.0,
        };
        let outward = context(ends[0], ends[1]);
        let inward = context(ends[1], ends[0]);
        let root = match &self.confirm.ek {
            None => outward.key(&pair, Purpose::Session),
            Some(ek) => {
                let psk = outward.key(&pair, Purpose::SessionPsk);
                let info = outward.info(Purpose::Session);
                let binding = Binding { psk: Some(&psk), info: &info };
                let ek = unb64(ek, AtFault::Own, "ek").unwrap();
                decapsulate(&merchant.hpke[0], &ek, &binding, AtFault::Own, "ek").unwrap()
            }
        };
        let direction = |label: &[u8]| {
            let mut key = [0; 32];
            let info = [label, &whole.0].concat();
            Hkdf::<Sha256>::new(None, root.as_ref()).expand(&info, &mut key).unwrap();
            hex::encode(key)
        };
        json!({
            "pair_key": hex::encode(pair.expose()),
            "transcript": hex::encode(transcript.0),
            "responder_proof_key": hex::encode(*inward.key(&pair, Purpose::MeetingResponder)),
            "initiator_proof_key": hex::encode(*outward.key(&pair, Purpose::MeetingInitiator)),
            "whole_transcript": hex::encode(whole.0),
            "session_root": hex::encode(*root),
            "initiator_session_key": direction(b"warifu/1 session initiator"),
            "responder_session_key": direction(b"warifu/1 session responder"),
        })
    }

    fn good(&self) -> Vec<Case> {
        let about = "The holder meets the merchant; `steps` has transcripts and keys.";
        let initiator = self.initiator("good", about, json!(self.challenge));
        let hello = json!(self.hello);
        let responder = self.responder("good", about, hello, json!(self.confirm));
        vec![
            initiator.accepted(json!({"confirm": self.confirm})).steps(self.steps()),
            responder
                .accepted(json!({
                    "challenge": self.challenge,
                    "met": self.made.cast.holder.id(),
                }))
                .steps(self.steps()),
        ]
    }

    fn to_the_initiator(&self) -> Vec<Case> {
        let with = |change: &dyn Fn(&mut Challenge)| {
            let mut challenge = self.challenge.clone();
            change(&mut challenge);
            json!(challenge)
        };
        let raw = |change: &dyn Fn(&mut Value)| {
            let mut challenge = json!(self.challenge);
            change(&mut challenge);
            challenge
        };
        let other = self.made.terminal("other_merchant").credential_token;
        let own = self.made.cast.holder.credential_token.clone();
        let weaker = match self.challenge.suite {
            Suite::Kps => Suite::KpsHpke,
            Suite::KpsHpke => Suite::Kps,
        };
        use Reason::*;
        let mut cases: Vec<Case> = [
            (
                "proof_altered",
                "The responder has not the share.",
                with(&|c| c.proof.0[0] ^= 1),
                Impostor,
                "challenge.proof",
            ),
            (
                "nonce_altered",
                "Another nonce than the proof's.",
                with(&|c| c.nonce.0[0] ^= 1),
                Impostor,
                "challenge.proof",
            ),
            (
                "session_altered",
                "Another session than the proof's.",
                with(&|c| c.session.0[0] ^= 1),
                Impostor,
                "challenge.proof",
            ),
            (
                "credential_of_another_merchant",
                "Not the one that is meant.",
                with(&|c| c.credential = other.clone()),
                Impostor,
                "challenge.credential",
            ),
            (
                "credential_reflected",
                "The initiator's own.",
                with(&|c| c.credential = own.clone()),
                Impostor,
                "challenge.credential",
            ),
            (
                "suite_another",
                "Not the strongest that both accept.",
                with(&|c| c.suite = weaker),
                Downgrade,
                "challenge.suite",
            ),
            (
                "keys_agreed",
                "Another source of keys than the network's.",
                raw(&|c| c["keys"] = json!("agreed")),
                Downgrade,
                "challenge.keys",
            ),
            (
                "route_leaves_a_center_out",
                "One center's share alone.",
                raw(&|c| {
                    c["keys"]["predistributed"]["epochs"].as_array_mut().unwrap().pop();
                }),
                Untrusted,
                "challenge.keys",
            ),
            (
                "route_of_an_old_epoch",
                "An epoch that is over.",
                raw(&|c| c["keys"]["predistributed"]["epochs"][0]["epoch"] = json!(0)),
                OldEpoch,
                "challenge.keys",
            ),
        ]
        .map(|(name, about, challenge, reason, field)| {
            self.initiator(name, about, challenge).refused(reason, SENDER, field)
        })
        .into();
        let about = "The challenge to an earlier hello.";
        let mut replayed = self.initiator("challenge_replayed", about, json!(self.challenge));
        replayed.input["hello"]["nonce"] = json!(warifu_types::Nonce([0xd4; 32]));
        cases.push(replayed.refused(Impostor, SENDER, "challenge.proof"));
        let about = "The terminal demands kps+hpke; only the kps network falls short of it.";
        if self.challenge.suite == Suite::Kps {
            let floor = self.initiator("below_the_floor", about, json!(self.challenge));
            let floor = floor.with(json!({"floor": "kps+hpke"}));
            cases.push(floor.refused(Downgrade, SENDER, "challenge.suite"));
        }
        cases
    }

    fn to_the_responder(&self) -> Vec<Case> {
        let with = |change: &dyn Fn(&mut Hello)| {
            let mut hello = self.hello.clone();
            change(&mut hello);
            json!(hello)
        };
        let own = self.made.cast.merchant.credential_token.clone();
        let signature = self.hello.credential.rsplit_once('.').unwrap().1.to_string();
        let unsigned = self.hello.credential.replace(&signature, &"A".repeat(signature.len()));
        use Reason::*;
        [
            (
                "network_another",
                "From another network.",
                with(&|h| h.network = "other.example".into()),
                WrongNetwork,
                "hello.network",
            ),
            (
                "hello_reflected",
                "The responder's own credential.",
                with(&|h| (h.credential, h.role) = (own.clone(), Role::Merchant)),
                Impostor,
                "hello.credential",
            ),
            (
                "role_not_given",
                "A role that the credential does not give.",
                with(&|h| h.role = Role::Issuer),
                WrongParty,
                "credential.roles",
            ),
            (
                "to_role_not_given",
                "A role that the responder does not have.",
                with(&|h| h.to_role = Role::Issuer),
                WrongParty,
                "hello.to_role",
            ),
            (
                "credential_forged",
                "A credential that no center signed.",
                with(&|h| h.credential = unsigned.clone()),
                BadSignature,
                "credential",
            ),
        ]
        .map(|(name, about, hello, reason, field)| {
            self.responder(name, about, hello, Value::Null).refused(reason, SENDER, field)
        })
        .into()
    }

    fn confirmations(&self) -> Vec<Case> {
        let with = |change: &dyn Fn(&mut Confirm)| {
            let mut confirm = self.confirm.clone();
            change(&mut confirm);
            json!(confirm)
        };
        let hello = || json!(self.hello);
        use Reason::*;
        let mut wrongs = vec![
            (
                "confirm_proof_altered",
                "The initiator has not the share.",
                with(&|c| c.proof.0[31] ^= 1),
                Impostor,
                "confirm.proof",
            ),
            (
                "confirm_proof_reflected",
                "The responder's own proof.",
                with(&|c| c.proof = self.challenge.proof),
                Impostor,
                "confirm.proof",
            ),
            (
                "confirm_of_another_session",
                "For another session.",
                with(&|c| c.session.0[0] ^= 1),
                Impostor,
                "confirm.session",
            ),
        ];
        if self.challenge.suite == Suite::KpsHpke {
            wrongs.extend([
                (
                    "confirm_without_ek",
                    "The encapsulated key was taken away.",
                    with(&|c| (c.ek, c.kid) = (None, None)),
                    Impostor,
                    "confirm.proof",
                ),
                (
                    "confirm_ek_altered",
                    "Another encapsulated key.",
                    with(&|c| c.ek = Some("AAAA".into())),
                    Impostor,
                    "confirm.proof",
                ),
                (
                    "confirm_kid_altered",
                    "Another key's id.",
                    with(&|c| c.kid = Some("AAAAAAAAAAAA".into())),
                    Impostor,
                    "confirm.proof",
                ),
            ]);
        }
        let mut cases: Vec<Case> = wrongs
            .into_iter()
            .map(|(name, about, confirm, reason, field)| {
                self.responder(name, about, hello(), confirm).refused(reason, SENDER, field)
            })
            .collect();
        let about = "One second later than the responder waits.";
        let mut late = self.responder("confirm_late", about, hello(), json!(self.confirm));
        late.input["confirmed_at"] = json!(NOW.0 + CONFIRM_WITHIN + 1);
        cases.push(late.refused(Expired, SENDER, "confirm"));
        let about = "The hello was altered on the way, so the two tell different stories.";
        let mut altered = self.hello.clone();
        altered.form = None;
        let case = self.responder("hello_altered", about, json!(altered), json!(self.confirm));
        cases.push(case.refused(Impostor, SENDER, "confirm.proof"));
        cases
    }
}
