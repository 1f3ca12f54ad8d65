//! The sealed order: sealing at the holder's terminal, opening at every other.

use crate::{
    credential::{Class, Credential},
    encode::{UniqueMap, sha256},
    error::{AtFault, ProtocolError, Reason, Result},
    form::CheckedFormRef,
    jws,
    order::{Disclosure, ORDER, OrderClaims, SdAlg, Slot},
    part::{Address, Expected, open_part, seal_part},
    suite::Suite,
    terminal::Terminal,
    trust::CheckedForm,
    value::FieldValue,
};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};
use warifu_types::{Digest, FieldName, Identifier, OrderId, Role, UnixTime};
use zeroize::Zeroizing;

/// The bundle that goes to the front: everything sealed, the holder's identifier in clear (row A8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedOrder {
    /// The holder's identifier, in clear.
    pub holder: Identifier,
    /// The signed order without disclosures.
    pub order: String,
    /// The holder's credential.
    pub credential: String,
    /// The merchant's form.
    pub form: String,
    /// The parts: all of them, or those that the recipient is to see (row A10).
    pub parts: UniqueMap<Role, String>,
}

impl SealedOrder {
    /// Only one party's part, with the rest of the bundle.
    pub fn only(&self, role: Role) -> SealedOrder {
        let parts = self.parts.iter().filter(|(other, _)| **other == role);
        SealedOrder {
            parts: parts.map(|(role, part)| (*role, part.clone())).collect(),
            ..self.clone()
        }
    }

    /// Everything but one party's part.
    pub fn except(&self, role: Role) -> SealedOrder {
        let parts = self.parts.iter().filter(|(other, _)| **other != role);
        SealedOrder {
            parts: parts.map(|(role, part)| (*role, part.clone())).collect(),
            ..self.clone()
        }
    }

    /// The order's identity: the hash of its signing input.
    pub fn identity(&self) -> Result<Digest> {
        let input = jws::signing_input(ORDER, &self.order, AtFault::Sender)?;
        Ok(sha256(input.as_bytes()))
    }
}

/// What the holder puts into an order.
pub struct Draft<'a> {
    /// The checked form.
    pub form: CheckedFormRef<'a>,
    /// The form as it was signed.
    pub form_token: &'a str,
    /// A value for each field of the rule, and no others.
    pub values: &'a BTreeMap<FieldName, FieldValue>,
    /// The checked credential of every party with a part.
    pub recipients: &'a BTreeMap<Role, Arc<Credential>>,
}

/// A sealed order and the disclosures behind it, which the holder keeps.
pub struct Sealed {
    /// The order's id.
    pub id: OrderId,
    /// The order's identity.
    pub identity: Digest,
    /// The bundle.
    pub bundle: SealedOrder,
    /// Every field's disclosure.
    pub disclosures: BTreeMap<FieldName, Disclosure>,
}

/// Seals an order.
pub fn seal(
    terminal: &Terminal,
    draft: &Draft<'_>,
    id: OrderId,
    now: UnixTime,
    rng: &mut impl CryptoRng,
) -> Result<Sealed> {
    let disclosures = disclose(draft, rng)?;
    let rule = &draft.form.form.rule;
    let mut parts = UniqueMap::default();
    let mut parties = UniqueMap::default();
    for (role, fields) in rule.parts.iter() {
        let recipient = recipient(draft, *role)?;
        let suite = choose_suite(terminal, recipient, *role, fields)?;
        let chosen: Vec<&Disclosure> =
            fields.iter().filter_map(|field| disclosures.get(field)).collect();
        let address = Address { order: &id, form: draft.form.hash, to: recipient, role: *role };
        let part = seal_part(terminal, address, suite, &chosen, now, rng)?;
        parts.as_mut().insert(*role, part);
        parties.as_mut().insert(*role, recipient.sub.clone());
    }
    let claims = OrderClaims {
        iss: terminal.id().clone(),
        network: terminal.trust.network().to_string(),
        jti: id,
        form: *draft.form.hash,
        parties,
        fields: disclosures
            .iter()
            .map(|(field, disclosure)| (field.clone(), [Slot { digest: disclosure.digest }]))
            .collect(),
        parts: parts.iter().map(|(role, part)| (*role, sha256(part.as_bytes()))).collect(),
        sd_alg: SdAlg::Sha256,
        iat: now,
        exp: now.plus(rule.order_lifetime()),
    };
    let order = jws::sign(ORDER, &claims, terminal.signer.as_ref());
    let bundle = SealedOrder {
        holder: terminal.id().clone(),
        order,
        credential: terminal.credential_token.clone(),
        form: draft.form_token.to_string(),
        parts,
    };
    Ok(Sealed { id, identity: bundle.identity()?, bundle, disclosures })
}

/// Salts every field of the rule.
pub fn disclose(
    draft: &Draft<'_>,
    rng: &mut impl CryptoRng,
) -> Result<BTreeMap<FieldName, Disclosure>> {
    let fields = draft.form.form.rule.fields();
    if let Some(extra) = draft.values.keys().find(|field| !fields.contains(field)) {
        return Err(ProtocolError::own(Reason::OutsideRule, format!("order.fields.{extra}")));
    }
    let mut disclosures = BTreeMap::new();
    for field in fields {
        let value = draft
            .values
            .get(field)
            .ok_or_else(|| ProtocolError::own(Reason::BadValue, format!("order.fields.{field}")))?;
        value.check(field, AtFault::Own)?;
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        disclosures.insert(field.clone(), Disclosure::new(&salt, value));
    }
    Ok(disclosures)
}

fn recipient<'a>(draft: &'a Draft<'_>, role: Role) -> Result<&'a Credential> {
    let credential = draft
        .recipients
        .get(&role)
        .ok_or_else(|| ProtocolError::own(Reason::OutsideRule, format!("order.parties.{role}")))?;
    credential.require_role(role, AtFault::Own)?;
    Ok(credential)
}

/// The strongest suite that the recipient accepts, and never one below the floor.
pub fn choose_suite(
    terminal: &Terminal,
    recipient: &Credential,
    role: Role,
    fields: &[FieldName],
) -> Result<Suite> {
    let best = recipient.best_suite();
    if best < terminal.floor.for_fields(fields) {
        return Err(ProtocolError::own(Reason::Downgrade, format!("order.parts.{role}")));
    }
    Ok(best)
}

/// An order as one party has opened it. `Debug` shows no values: theirs does not either.
#[derive(Debug)]
pub struct OpenedOrder {
    /// The order's identity.
    pub identity: Digest,
    /// What the holder signed.
    pub claims: OrderClaims,
    /// The holder's checked credential.
    pub holder: Arc<Credential>,
    /// The checked form.
    pub form: Arc<CheckedForm>,
    /// This party's role.
    pub role: Role,
    /// The fields that this party sees.
    pub fields: BTreeMap<FieldName, FieldValue>,
    /// The disclosures as received, for evidence.
    pub disclosures: Vec<Zeroizing<String>>,
}

impl OpenedOrder {
    /// A field's text; empty if the part does not have it.
    pub fn text(&self, field: &FieldName) -> &str {
        self.fields.get(field).and_then(FieldValue::as_text).unwrap_or("")
    }

    /// The fields of the order that stay sealed to this party.
    pub fn sealed_fields(&self) -> Vec<&FieldName> {
        self.claims.fields.keys().filter(|field| !self.fields.contains_key(*field)).collect()
    }
}

/// An order whose signature and claims are checked; its parts are still closed.
#[derive(Debug)]
pub struct CheckedOrder {
    /// The order's identity.
    pub identity: Digest,
    /// What the holder signed.
    pub claims: OrderClaims,
    /// The holder's checked credential.
    pub holder: Arc<Credential>,
    /// The checked form.
    pub form: Arc<CheckedForm>,
}

/// Checks everything about a bundle but the parts: credential, form, signature, claims.
pub fn check(
    terminal: &Terminal,
    bundle: &SealedOrder,
    front: &Credential,
    now: UnixTime,
) -> Result<CheckedOrder> {
    let holder = terminal.trust.credential(&bundle.credential, now, AtFault::Sender)?;
    if holder.sub != bundle.holder || holder.class != (Class::Holder {}) {
        return Err(ProtocolError::sender(Reason::WrongParty, "holder"));
    }
    let at_fault = AtFault::Role(front.roles.first().copied().unwrap_or(Role::Merchant));
    let form = form_of(terminal, bundle, (&holder, front), now, at_fault)?;
    // Whose signature fails is not known: the bundle may have been altered on the way.
    let signer = AtFault::Role(Role::Holder);
    let (claims, identity): (OrderClaims, _) =
        jws::verify_identified(ORDER, &bundle.order, &holder.key, AtFault::Sender, signer)?;
    claims.check(&holder.sub, form.borrowed(), now)?;
    if bundle.parts.keys().any(|role| !claims.parts.contains_key(role)) {
        return Err(ProtocolError::sender(Reason::OutsideRule, "parts"));
    }
    Ok(CheckedOrder { identity, claims, holder, form })
}

/// The checked form of a bundle. A broker's order may be asked about when the form's own time is over:
/// then the form must have been good when the order was signed, which is not longer ago than the
/// order's lifetime.
fn form_of(
    terminal: &Terminal,
    bundle: &SealedOrder,
    (holder, front): (&Credential, &Credential),
    now: UnixTime,
    at_fault: AtFault,
) -> Result<Arc<CheckedForm>> {
    let over = match terminal.trust.form(&bundle.form, front, now, at_fault) {
        Err(error) if error.reason == Reason::Expired && error.field == "form.exp" => error,
        checked => return checked,
    };
    let signer = AtFault::Role(Role::Holder);
    let claims: OrderClaims =
        jws::verify_blaming(ORDER, &bundle.order, &holder.key, AtFault::Sender, signer)?;
    match terminal.trust.form(&bundle.form, front, claims.iat.min(now), at_fault) {
        Ok(form) if form.form.rule.is_for_brokers() => Ok(form),
        _ => Err(over),
    }
}

/// Opens this party's part of a bundle that `front` designed the form of, and checks it fully.
pub fn open(
    terminal: &Terminal,
    bundle: &SealedOrder,
    front: &Credential,
    role: Role,
    now: UnixTime,
) -> Result<OpenedOrder> {
    let checked = check(terminal, bundle, front, now)?;
    open_checked(terminal, bundle, checked, role, now)
}

/// Opens this party's part of a bundle that [`check`] has gone through.
pub fn open_checked(
    terminal: &Terminal,
    bundle: &SealedOrder,
    checked: CheckedOrder,
    role: Role,
    now: UnixTime,
) -> Result<OpenedOrder> {
    let claims = &checked.claims;
    if claims.parties.get(&role) != Some(terminal.id()) {
        return Err(ProtocolError::sender(Reason::WrongParty, format!("order.parties.{role}")));
    }
    let missing = || ProtocolError::sender(Reason::OutsideRule, format!("parts.{role}"));
    let part = bundle.parts.get(&role).ok_or_else(missing)?;
    let hash = claims.parts.get(&role).copied().ok_or_else(missing)?;
    let fields = checked.form.form.rule.part(role);
    let expected = Expected {
        holder: &checked.holder,
        order: &claims.jti,
        form: &checked.form.hash,
        role,
        hash,
        floor: terminal.floor.for_fields(fields),
    };
    let disclosures = open_part(terminal, part, expected, now)?;
    let values = compare(claims, fields, &disclosures)?;
    let CheckedOrder { identity, claims, holder, form } = checked;
    Ok(OpenedOrder { identity, claims, holder, form, role, fields: values, disclosures })
}

/// Every disclosure must be the one that the order's digest names, in the rule's order.
fn compare(
    claims: &OrderClaims,
    fields: &[FieldName],
    disclosures: &[Zeroizing<String>],
) -> Result<BTreeMap<FieldName, FieldValue>> {
    if disclosures.len() > fields.len() {
        return Err(ProtocolError::holder(Reason::OutsideRule, "part.disclosures"));
    }
    let mut values = BTreeMap::new();
    for (place, field) in fields.iter().enumerate() {
        let wrong = |reason| ProtocolError::holder(reason, format!("order.fields.{field}"));
        let text = disclosures.get(place).ok_or_else(|| wrong(Reason::OutsideRule))?;
        if claims.digest(field) != Some(sha256(text.as_bytes())) {
            return Err(wrong(Reason::WrongDigest));
        }
        values.insert(field.clone(), Disclosure::read(text, field)?);
    }
    Ok(values)
}

/// Refuses a bundle in which a part that this party passes on was altered.
pub fn check_relayed(order: &OrderClaims, bundle: &SealedOrder, role: Role) -> Result<()> {
    let part = bundle
        .parts
        .get(&role)
        .ok_or_else(|| ProtocolError::sender(Reason::OutsideRule, format!("parts.{role}")))?;
    if order.parts.get(&role) == Some(&sha256(part.as_bytes())) {
        Ok(())
    } else {
        Err(ProtocolError::sender(Reason::AlteredPart, format!("parts.{role}")))
    }
}
