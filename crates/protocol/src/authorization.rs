//! The front asks the authorizer, and the authorizer answers, both signed (rows A10, A11, D2, D3).

use crate::{
    credential::Credential,
    encode::{UniqueMap, check_times},
    error::{AtFault, ProtocolError, Reason, Result},
    jws::{self, TokenType, Unsigned},
    order::OrderClaims,
    presented::CardBeside,
    rule::Rule,
    signer::Signer,
};
use serde::{Deserialize, Serialize};
use warifu_types::{Digest, FieldName, Identifier, Nonce, Role, UnixTime};

/// The type of a request.
pub const AUTHORIZATION_REQUEST: TokenType =
    TokenType { typ: "warifu-authorization-request+jwt", word: "authorization_request" };
/// The type of an answer.
pub const AUTHORIZATION: TokenType =
    TokenType { typ: "warifu-authorization+jwt", word: "authorization" };

/// The claims of a request for authorization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationRequest {
    /// The front.
    pub iss: Identifier,
    /// The authorizer.
    pub aud: Identifier,
    /// The order's identity.
    pub order: Digest,
    /// The digests of the fields that both see, as the front read them.
    pub digests: UniqueMap<FieldName, Digest>,
    /// Issued at.
    pub iat: UnixTime,
    /// Expires at.
    pub exp: UnixTime,
}

/// The fields that front and authorizer both see, with their digests.
pub fn shared_digests(rule: &Rule, order: &OrderClaims) -> UniqueMap<FieldName, Digest> {
    rule.part(rule.front)
        .iter()
        .filter(|field| rule.part(rule.authorizer).contains(field))
        .filter_map(|field| Some((field.clone(), order.digest(field)?)))
        .collect()
}

impl AuthorizationRequest {
    /// Signs the request.
    pub fn sign(&self, front: &dyn Signer) -> String {
        jws::sign(AUTHORIZATION_REQUEST, self, front)
    }

    /// Verifies a request against the order that the authorizer opened itself.
    pub fn verify(
        token: &str,
        front: &Credential,
        own: &Identifier,
        opened: &crate::sealed::OpenedOrder,
        now: UnixTime,
    ) -> Result<AuthorizationRequest> {
        AuthorizationRequest::verify_with(token, (front, own), opened, None, now)
    }

    /// As [`AuthorizationRequest::verify`], where the front shows a card beside the order: it has
    /// signed the card's two digests with the others (row C7).
    pub fn verify_with(
        token: &str,
        (front, own): (&Credential, &Identifier),
        opened: &crate::sealed::OpenedOrder,
        card: Option<&CardBeside>,
        now: UnixTime,
    ) -> Result<AuthorizationRequest> {
        let rule = &opened.form.form.rule;
        let at_fault = AtFault::Role(rule.front);
        let request: AuthorizationRequest =
            jws::verify(AUTHORIZATION_REQUEST, token, &front.key, at_fault)?;
        let refuse = |reason, field: String| {
            Err(ProtocolError::new(at_fault, reason, format!("authorization_request.{field}")))
        };
        if request.iss != front.sub || opened.claims.parties.get(&rule.front) != Some(&front.sub) {
            return refuse(Reason::WrongParty, "iss".into());
        }
        if request.aud != *own {
            return refuse(Reason::WrongParty, "aud".into());
        }
        if request.order != opened.identity {
            return refuse(Reason::Mismatch, "order".into());
        }
        let mut expected = shared_digests(rule, &opened.claims);
        expected.as_mut().extend(card.into_iter().flat_map(CardBeside::digests));
        for (field, digest) in expected.iter() {
            if request.digests.get(field) != Some(digest) {
                return refuse(Reason::Mismatch, format!("digests.{field}"));
            }
        }
        if request.digests.len() != expected.len() {
            return refuse(Reason::Mismatch, "digests".into());
        }
        check_times(request.iat, request.exp, now, at_fault, AUTHORIZATION_REQUEST.word)?;
        Ok(request)
    }
}

/// The authorizer's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The holder is who the card's holder is, and the amount is held.
    Authorized,
    /// Not so; nothing is held.
    Refused,
}

/// The claims of an authorization. It names no amount: the carrier sees it too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authorization {
    /// The authorizer.
    pub iss: Identifier,
    /// The front.
    pub aud: Identifier,
    /// The order's identity.
    pub order: Digest,
    /// This authorization's id, which capture and void name.
    pub jti: Nonce,
    /// The decision.
    pub decision: Decision,
    /// Why not: a stable code, such as `limit_exceeded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The center's transaction number, where it pays from a prepaid card: then this is the payment
    /// notice too (row B9).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
    /// Issued at.
    pub iat: UnixTime,
    /// Expires at: until then the hold stands.
    pub exp: UnixTime,
}

impl Authorization {
    /// Signs the authorization.
    pub fn sign(&self, authorizer: &dyn Signer) -> String {
        self.unsigned().sign(authorizer)
    }

    /// The authorization, to be signed when it is given out.
    pub fn unsigned(&self) -> Unsigned {
        Unsigned::new(AUTHORIZATION, self)
    }

    /// Verifies an authorization of `order` by `authorizer` for `front`. At fault is the
    /// authorizer, in the role that it has in this trade: issuer, card manager or center.
    pub fn verify(
        token: &str,
        (role, authorizer): (Role, &Credential),
        front: &Identifier,
        order: &Digest,
        now: UnixTime,
    ) -> Result<Authorization> {
        let at_fault = AtFault::Role(role);
        let answer: Authorization = jws::verify(AUTHORIZATION, token, &authorizer.key, at_fault)?;
        let refuse = |reason, field: &'static str| Err(ProtocolError::new(at_fault, reason, field));
        if answer.iss != authorizer.sub {
            return refuse(Reason::WrongParty, "authorization.iss");
        }
        if answer.aud != *front {
            return refuse(Reason::WrongParty, "authorization.aud");
        }
        if answer.order != *order {
            return refuse(Reason::Mismatch, "authorization.order");
        }
        check_times(answer.iat, answer.exp, now, at_fault, AUTHORIZATION.word)?;
        Ok(answer)
    }
}
