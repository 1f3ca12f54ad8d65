//! Authorization, and the delivery that needs it.
use crate::{
    case::Case,
    common::{NOW, forge},
    network::{Made, kps},
};
use serde_json::{Value, json};
use warifu_protocol::{
    AtFault, CLOCK_SKEW, Reason,
    authorization::{Authorization, AuthorizationRequest, Decision, shared_digests},
    delivery::DeliveryRequest,
    rule::Rule,
    sealed::{self, SealedOrder},
    signer::Signer,
};
use warifu_types::{Digest, Nonce, Role};

pub const MERCHANT: AtFault = AtFault::Role(Role::Merchant);
pub const ISSUER: AtFault = AtFault::Role(Role::Issuer);
pub const ZERO: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A purchase on which everything is decided.
pub struct Trade {
    pub made: Made,
    bundle: SealedOrder,
    pub order: Digest,
}

impl Trade {
    pub fn new() -> Trade {
        let made = kps();
        let bundle = made.cast.order(Rule::minimal()).bundle;
        let order = bundle.identity().unwrap();
        Trade { made, bundle, order }
    }
}

pub fn cases() -> Vec<Case> {
    let trade = Trade::new();
    [trade.authorization_requests(), trade.authorizations(), trade.delivery_requests()]
        .into_iter()
        .flatten()
        .collect()
}

/// What is wrong with one claim: its name, about, the claim, its value, and the error.
pub type Wrong<'a> = (&'a str, &'a str, &'a str, Value, Reason, &'a str);

/// Cases that are a token with one claim changed and signed anew, and one signed by another.
pub fn changed(
    honest: &str,
    signers: (&dyn Signer, &dyn Signer),
    wrongs: &[Wrong<'_>],
    (at_fault, word): (AtFault, &str),
    case: &dyn Fn(&str, &str, String) -> Case,
) -> Vec<Case> {
    let forged = forge::resigned(honest, signers.1, |_| {});
    let mut cases = vec![case("signed_by_another", "Another party's signature.", forged).refused(
        Reason::BadSignature,
        at_fault,
        word,
    )];
    for (name, about, claim, value, reason, field) in wrongs {
        let token = forge::resigned(honest, signers.0, |claims| claims[claim] = value.clone());
        cases.push(case(name, about, token).refused(*reason, at_fault, &format!("{word}.{field}")));
    }
    cases
}

impl Trade {
    pub fn signer(&self, role: Role) -> &dyn Signer {
        let cast = &self.made.cast;
        match role {
            Role::Merchant => cast.merchant.signer.as_ref(),
            Role::Issuer => cast.issuer.signer.as_ref(),
            _ => cast.carrier.signer.as_ref(),
        }
    }

    fn opened_by(&self, role: Role) -> Value {
        json!({
            "bundle": self.bundle.only(role),
            "front": self.made.cast.merchant.credential_token,
            "role": role,
        })
    }

    fn authorization_requests(&self) -> Vec<Case> {
        let cast = &self.made.cast;
        let front = &cast.merchant.credential;
        let opened =
            sealed::open(&cast.merchant, &self.bundle, front, Role::Merchant, NOW).unwrap();
        let honest = AuthorizationRequest {
            iss: cast.merchant.id().clone(),
            aud: cast.issuer.id().clone(),
            order: self.order,
            digests: shared_digests(&opened.form.form.rule, &opened.claims),
            iat: NOW,
            exp: NOW.plus(300),
        }
        .sign(self.signer(Role::Merchant));
        let case = |name: &str, about: &str, token: String| {
            let mut input = self.opened_by(Role::Issuer);
            input["token"] = json!(token);
            Case::new("authorization_request", name, about, ("kps", "issuer"), input)
        };
        let digests = forge::claims(&honest)["digests"].clone();
        let with = |field: &str, value: Value| {
            let mut digests = digests.clone();
            digests[field] = value;
            digests
        };
        let mut less = digests.clone();
        less.as_object_mut().unwrap().remove("amount");
        use Reason::*;
        let wrongs = [
            (
                "amount_digest_differs",
                "The merchant read another amount.",
                "digests",
                with("amount", json!(ZERO)),
                Mismatch,
                "digests.amount",
            ),
            (
                "items_digest_differs",
                "The merchant read other item numbers.",
                "digests",
                with("item_numbers", json!(ZERO)),
                Mismatch,
                "digests.item_numbers",
            ),
            (
                "amount_digest_missing",
                "The amount is passed over.",
                "digests",
                less,
                Mismatch,
                "digests.amount",
            ),
            (
                "digest_extra",
                "A digest that the issuer does not share.",
                "digests",
                with("quote", json!(ZERO)),
                Mismatch,
                "digests",
            ),
            (
                "digest_of_no_field",
                "A digest of something that is no field.",
                "digests",
                with("Amount", json!(ZERO)),
                Malformed,
                "digests.Amount",
            ),
            ("order_another", "About another order.", "order", json!(ZERO), Mismatch, "order"),
            (
                "audience_another",
                "To another issuer.",
                "aud",
                json!("domain:other-card.example"),
                WrongParty,
                "aud",
            ),
            (
                "issuer_another",
                "In another merchant's name.",
                "iss",
                json!("domain:other-shop.example"),
                WrongParty,
                "iss",
            ),
            ("expired", "Past its end.", "exp", json!(NOW.0 - CLOCK_SKEW), Expired, "exp"),
            (
                "from_the_future",
                "Dated beyond the clocks' difference.",
                "iat",
                json!(NOW.0 + CLOCK_SKEW + 1),
                NotYetValid,
                "iat",
            ),
            (
                "amount_in_clear",
                "A claim that the format does not know.",
                "amount",
                json!(1980),
                Malformed,
                "amount",
            ),
        ];
        let signers = (self.signer(Role::Merchant), self.signer(Role::Carrier));
        let word = (MERCHANT, "authorization_request");
        let mut cases = changed(&honest, signers, &wrongs, word, &case);
        // A true merchant that the order does not name asks in its own name.
        let other = self.made.terminal("other_merchant");
        let foreign = forge::resigned(&honest, other.signer.as_ref(), |claims| {
            claims["iss"] = json!("domain:other-shop.example");
        });
        let about = "A merchant asks about an order that it found.";
        let mut stranger = case("merchant_not_of_this_order", about, foreign);
        stranger.input["asking"] = json!(other.credential_token);
        cases.push(stranger.refused(WrongParty, MERCHANT, "authorization_request.iss"));
        cases.push(case("good", "All digests agree.", honest).accepted(json!({})));
        cases
    }

    pub fn authorization(&self, decision: Decision) -> String {
        Authorization {
            iss: self.made.cast.issuer.id().clone(),
            aud: self.made.cast.merchant.id().clone(),
            order: self.order,
            jti: Nonce([1; 32]),
            decision,
            reason: (decision == Decision::Refused).then(|| "limit_exceeded".into()),
            transaction: None,
            iat: NOW,
            exp: NOW.plus(86_400),
        }
        .sign(self.signer(Role::Issuer))
    }

    fn authorizations(&self) -> Vec<Case> {
        let authorizer: &str = &self.made.cast.issuer.credential_token;
        let case = |name: &str, about: &str, token: String| {
            let input = json!({"token": token, "authorizer": authorizer, "order": self.order});
            Case::new("authorization", name, about, ("kps", "merchant"), input)
        };
        use Reason::*;
        let wrongs = [
            ("order_another", "Of another order.", "order", json!(ZERO), Mismatch, "order"),
            (
                "audience_another",
                "For another merchant.",
                "aud",
                json!("domain:other-shop.example"),
                WrongParty,
                "aud",
            ),
            (
                "issuer_another",
                "In another issuer's name.",
                "iss",
                json!("domain:other-card.example"),
                WrongParty,
                "iss",
            ),
            ("expired", "Past its end.", "exp", json!(NOW.0 - CLOCK_SKEW), Expired, "exp"),
            (
                "decision_unknown",
                "Neither yes nor no.",
                "decision",
                json!("perhaps"),
                Malformed,
                "decision",
            ),
            (
                "amount_in_clear",
                "An amount, which the carrier would see.",
                "amount",
                json!(1980),
                Malformed,
                "amount",
            ),
        ];
        let honest = self.authorization(Decision::Authorized);
        // The forger is the merchant itself.
        let signers = (self.signer(Role::Issuer), self.signer(Role::Merchant));
        let mut cases = changed(&honest, signers, &wrongs, (ISSUER, "authorization"), &case);
        cases.push(case("authorized", "Yes.", honest).accepted(json!({"decision": "authorized"})));
        let no = self.authorization(Decision::Refused);
        cases.push(case("refused", "No.", no).accepted(json!({"decision": "refused"})));
        cases
    }

    fn delivery_requests(&self) -> Vec<Case> {
        let cast = &self.made.cast;
        let request = |authorization: String, credential: &str| {
            DeliveryRequest {
                iss: cast.merchant.id().clone(),
                aud: cast.carrier.id().clone(),
                order: self.order,
                authorization,
                issuer_credential: credential.to_string(),
                instructions: "天地無用".into(),
                iat: NOW,
                exp: NOW.plus(300),
            }
            .sign(self.signer(Role::Merchant))
        };
        let case = |name: &str, about: &str, token: String| {
            let mut input = self.opened_by(Role::Carrier);
            input["token"] = json!(token);
            Case::new("delivery_request", name, about, ("kps", "carrier"), input)
        };
        let issuer = cast.issuer.credential_token.as_str();
        let yes = self.authorization(Decision::Authorized);
        let honest = request(yes.clone(), issuer);
        use Reason::*;
        let wrongs = [
            ("order_another", "Of another order.", "order", json!(ZERO), Mismatch, "order"),
            (
                "audience_another",
                "To another carrier.",
                "aud",
                json!("domain:other-carrier.example"),
                WrongParty,
                "aud",
            ),
            (
                "issuer_another",
                "In another merchant's name.",
                "iss",
                json!("domain:other-shop.example"),
                WrongParty,
                "iss",
            ),
            ("expired", "Past its end.", "exp", json!(NOW.0 - CLOCK_SKEW), Expired, "exp"),
            (
                "instructions_too_long",
                "1,025 bytes of instructions.",
                "instructions",
                json!("x".repeat(1025)),
                TooLarge,
                "instructions",
            ),
            (
                "destination_in_clear",
                "A destination beside the part.",
                "destination",
                json!("x"),
                Malformed,
                "destination",
            ),
        ];
        let signers = (self.signer(Role::Merchant), self.signer(Role::Issuer));
        let word = (MERCHANT, "delivery_request");
        let mut cases = changed(&honest, signers, &wrongs, word, &case);
        let accepted = json!({"instructions": "天地無用"});
        cases.push(case("good", "With the issuer's yes.", honest).accepted(accepted));
        let resigned =
            |change: &dyn Fn(&mut Value)| forge::resigned(&yes, self.signer(Role::Issuer), change);
        let forged = forge::resigned(&yes, self.signer(Role::Merchant), |_| {});
        let other = self.made.terminal("other_issuer");
        let foreign = forge::resigned(&yes, other.signer.as_ref(), |a| {
            a["iss"] = json!("domain:other-card.example");
        });
        for (name, about, token, reason, at_fault, field) in [
            (
                "authorization_missing",
                "No authorization.",
                request(String::new(), issuer),
                Malformed,
                ISSUER,
                "authorization",
            ),
            (
                "authorization_refused",
                "The issuer said no.",
                request(self.authorization(Decision::Refused), issuer),
                Mismatch,
                MERCHANT,
                "delivery_request.authorization.decision",
            ),
            (
                "authorization_forged",
                "The merchant signed the authorization itself.",
                request(forged, issuer),
                BadSignature,
                ISSUER,
                "authorization",
            ),
            (
                "authorization_of_another_order",
                "The yes was for another order.",
                request(resigned(&|a| a["order"] = json!(ZERO)), issuer),
                Mismatch,
                ISSUER,
                "authorization.order",
            ),
            (
                "authorization_expired",
                "The yes has expired.",
                request(resigned(&|a| a["exp"] = json!(NOW.0 - CLOCK_SKEW)), issuer),
                Expired,
                ISSUER,
                "authorization.exp",
            ),
            (
                "authorization_by_another_issuer",
                "Another issuer's yes.",
                request(foreign, &other.credential_token),
                WrongParty,
                MERCHANT,
                "delivery_request.issuer_credential",
            ),
        ] {
            cases.push(case(name, about, token).refused(reason, at_fault, field));
        }
        cases
    }
}
