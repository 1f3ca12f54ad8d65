//! A card that the front shows to the authorizer beside a broker's order (row C7).
//!
//! It travels within a session alone. The front's signed request binds it by two salted digests, made
//! as an order's are: a card number has so little entropy that a plain hash would give it away to
//! whoever reads the evidence. Who keeps the salts can prove later which card was shown.

use crate::{
    error::{AtFault, ProtocolError, Reason, Result},
    order::Disclosure,
    sealed::SealedOrder,
    value::FieldValue,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use warifu_types::{Digest, FieldName, Role};
use zeroize::Zeroizing;

/// A card's number and expiry, each as a disclosure. `Debug` shows neither; both are zeroized on drop.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardBeside {
    /// The disclosure of `card_number`: base64url of the JSON array of salt and value.
    number: Zeroizing<String>,
    /// The disclosure of `card_expiry`.
    expiry: Zeroizing<String>,
}

/// The body of `authorize` with a card: that of a question without one, and `card`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardQuestion {
    /// The sealed order with the authorizer's part.
    pub sealed: SealedOrder,
    /// The signed request, whose digests include the card's.
    pub request: String,
    /// The card, under rule `broker` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardBeside>,
}

/// A card that was read.
pub struct ReadCard {
    /// 12 to 19 digits with a good check digit.
    pub number: Zeroizing<String>,
    /// `YYYY-MM`.
    pub expiry: Zeroizing<String>,
}

impl fmt::Debug for CardBeside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardBeside(…)")
    }
}

impl fmt::Debug for ReadCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadCard(…)")
    }
}

impl CardBeside {
    /// Salts a card's number and expiry; the salts are random, and differ.
    pub fn new(number: &str, expiry: &str, salts: &[[u8; 16]; 2]) -> CardBeside {
        let [for_number, for_expiry] = salts;
        let disclose = |salt, text: &str| Disclosure::new(salt, &FieldValue::text(text)).text;
        CardBeside { number: disclose(for_number, number), expiry: disclose(for_expiry, expiry) }
    }

    /// What the front signs: a digest for each of the two fields.
    pub fn digests(&self) -> [(FieldName, Digest); 2] {
        [(FieldName::CARD_NUMBER, &self.number), (FieldName::CARD_EXPIRY, &self.expiry)]
            .map(|(field, text)| (field, crate::encode::sha256(text.as_bytes())))
    }

    /// The values. An error is the front's fault and names the field.
    pub fn read(&self) -> Result<ReadCard> {
        let value = |text: &str, field: FieldName| {
            let wrong = |reason| {
                let place = field.as_str().trim_start_matches("card_");
                ProtocolError::new(AtFault::Role(Role::Merchant), reason, format!("card.{place}"))
            };
            let value = Disclosure::read(text, &field).map_err(|error| wrong(error.reason))?;
            let text = value.as_text().ok_or_else(|| wrong(Reason::BadValue))?;
            Ok(Zeroizing::new(text.to_string()))
        };
        Ok(ReadCard {
            number: value(&self.number, FieldName::CARD_NUMBER)?,
            expiry: value(&self.expiry, FieldName::CARD_EXPIRY)?,
        })
    }

    /// The two salts, for whoever is to prove later which card was shown, and keeps no card.
    pub fn salts(&self) -> Result<[String; 2]> {
        let at_fault = AtFault::Role(Role::Merchant);
        let salt = |text: &str| {
            let json = Zeroizing::new(crate::encode::unb64(text, at_fault, "card")?);
            let (salt, _): (String, FieldValue) =
                crate::encode::from_json(&json, at_fault, "card")?;
            Ok::<_, ProtocolError>(salt)
        };
        Ok([salt(&self.number)?, salt(&self.expiry)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_card_has_many_digests_and_one_reading() {
        let card = CardBeside::new("4111111111111111", "2030-12", &[[1; 16], [2; 16]]);
        let read = card.read().unwrap();
        assert_eq!((read.number.as_str(), read.expiry.as_str()), ("4111111111111111", "2030-12"));
        let again = CardBeside::new("4111111111111111", "2030-12", &[[3; 16], [4; 16]]);
        assert_ne!(card.digests(), again.digests());
        assert_ne!(card.salts().unwrap(), again.salts().unwrap());
        assert!(!format!("{card:?}{read:?}").contains("4111"));
    }

    #[test]
    fn what_is_no_card_is_the_fronts_fault() {
        for (number, expiry, field) in [
            ("4111111111111112", "2030-12", "card.number"),
            ("", "2030-12", "card.number"),
            ("4111111111111111", "2030-13", "card.expiry"),
            ("4111111111111111", "", "card.expiry"),
        ] {
            let card = CardBeside::new(number, expiry, &[[1; 16], [2; 16]]);
            let error = card.read().unwrap_err();
            assert_eq!((error.reason, error.field.as_ref()), (Reason::BadValue, field));
            assert_eq!(error.at_fault, AtFault::Role(Role::Merchant));
        }
    }
}
