//! What is said of a trade after its authorization: delivery, settlement and status.
use crate::{
    case::Case,
    common::NOW,
    decisions::{ISSUER, MERCHANT, Trade, ZERO, changed},
};
use serde_json::json;
use warifu_protocol::{
    AtFault, CLOCK_SKEW, Reason,
    authorization::Decision,
    delivery::{Delivery, DeliveryState},
    settlement::{Action, Settlement, SettlementRequest},
    status::{State, Status},
};
use warifu_types::{Nonce, Role};

const CARRIER: AtFault = AtFault::Role(Role::Carrier);

pub fn cases() -> Vec<Case> {
    let trade = Trade::new();
    [trade.deliveries(), trade.settlements(), trade.statuses()].into_iter().flatten().collect()
}

impl Trade {
    fn deliveries(&self) -> Vec<Case> {
        let cast = &self.made.cast;
        let carrier: &str = &cast.carrier.credential_token;
        let case = |name: &str, about: &str, token: String| {
            let input = json!({"token": token, "carrier": carrier, "order": self.order});
            Case::new("delivery", name, about, ("kps", "merchant"), input)
        };
        let honest = Delivery {
            iss: cast.carrier.id().clone(),
            aud: cast.merchant.id().clone(),
            order: self.order,
            state: DeliveryState::Delivered,
            iat: NOW,
        }
        .sign(self.signer(Role::Carrier));
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
                "In another carrier's name.",
                "iss",
                json!("domain:other-carrier.example"),
                WrongParty,
                "iss",
            ),
            (
                "state_unknown",
                "A state that does not exist.",
                "state",
                json!("lost"),
                Malformed,
                "state",
            ),
        ];
        let signers = (self.signer(Role::Carrier), self.signer(Role::Merchant));
        let mut cases = changed(&honest, signers, &wrongs, (CARRIER, "delivery"), &case);
        cases.push(case("good", "Handed over.", honest).accepted(json!({"state": "delivered"})));
        cases
    }

    fn settlements(&self) -> Vec<Case> {
        let cast = &self.made.cast;
        let front: &str = &cast.merchant.credential_token;
        let case = |name: &str, about: &str, token: String| {
            let input = json!({"token": token, "front": front});
            Case::new("settlement_request", name, about, ("kps", "issuer"), input)
        };
        let honest = SettlementRequest {
            iss: cast.merchant.id().clone(),
            aud: cast.issuer.id().clone(),
            order: self.order,
            authorization: Nonce([1; 32]),
            action: Action::Capture,
            amount: None,
            iat: NOW,
            exp: NOW.plus(300),
        }
        .sign(self.signer(Role::Merchant));
        use Reason::*;
        let wrongs = [
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
                "action_unknown",
                "Neither capture nor void.",
                "action",
                json!("refund"),
                Malformed,
                "action",
            ),
            (
                "amount_in_clear",
                "A claim that the format does not know.",
                "amount",
                json!(1),
                Malformed,
                "amount",
            ),
        ];
        let signers = (self.signer(Role::Merchant), self.signer(Role::Carrier));
        let word = (MERCHANT, "settlement_request");
        let mut cases = changed(&honest, signers, &wrongs, word, &case);
        cases.push(case("good", "A capture.", honest).accepted(json!({"action": "capture"})));
        let issuer: &str = &cast.issuer.credential_token;
        let case = |name: &str, about: &str, token: String| {
            let input =
                json!({"token": token, "issuer": issuer, "order": self.order, "action": "capture"});
            Case::new("settlement", name, about, ("kps", "merchant"), input)
        };
        let honest = Settlement {
            iss: cast.issuer.id().clone(),
            aud: cast.merchant.id().clone(),
            order: self.order,
            action: Action::Capture,
            iat: NOW,
        }
        .sign(self.signer(Role::Issuer));
        let wrongs = [
            (
                "action_another",
                "Something else was done.",
                "action",
                json!("void"),
                Mismatch,
                "action",
            ),
            ("order_another", "Of another order.", "order", json!(ZERO), Mismatch, "order"),
            (
                "audience_another",
                "For another merchant.",
                "aud",
                json!("domain:other-shop.example"),
                WrongParty,
                "aud",
            ),
        ];
        let signers = (self.signer(Role::Issuer), self.signer(Role::Merchant));
        cases.extend(changed(&honest, signers, &wrongs, (ISSUER, "settlement"), &case));
        cases.push(case("good", "Captured.", honest).accepted(json!({})));
        cases
    }

    fn statuses(&self) -> Vec<Case> {
        let cast = &self.made.cast;
        let front: &str = &cast.merchant.credential_token;
        let case = |name: &str, about: &str, token: String| {
            let input = json!({"token": token, "front": front, "order": self.order});
            Case::new("status", name, about, ("kps", "holder"), input)
        };
        let honest = Status {
            iss: cast.merchant.id().clone(),
            aud: cast.holder.id().clone(),
            order: self.order,
            state: State::Dispatched,
            reason: None,
            authorization: Some(self.authorization(Decision::Authorized)),
            iat: NOW,
        }
        .sign(self.signer(Role::Merchant));
        use Reason::*;
        let wrongs = [
            ("order_another", "Of another order.", "order", json!(ZERO), Mismatch, "order"),
            (
                "audience_another",
                "For another holder.",
                "aud",
                json!("mail:mallory@example.net"),
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
            (
                "state_unknown",
                "A state that does not exist.",
                "state",
                json!("paid"),
                Malformed,
                "state",
            ),
        ];
        let signers = (self.signer(Role::Merchant), self.signer(Role::Carrier));
        let mut cases = changed(&honest, signers, &wrongs, (MERCHANT, "status"), &case);
        cases.push(case("good", "On its way.", honest).accepted(json!({"state": "dispatched"})));
        cases
    }
}
