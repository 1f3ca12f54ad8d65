//! How goods come to the holder (row B10): what a catalogue item says of it, what a quote promises,
//! and what an order keeps of the promise.

use super::metering::Tariff;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use warifu_protocol::{
    ProtocolError, Reason,
    goods::{Content, Kind, MAX_TICK, is_media_type},
    quote::Quote,
};

/// How a catalogue item comes to the holder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Goods {
    /// Later, by a carrier or over the counter.
    Later {},
    /// At once, as a file, which the operator adds with `Merchant::add_file`. Nothing is taken from
    /// the stock.
    Download {
        /// The file's media type.
        #[serde(rename = "type")]
        media_type: String,
    },
    /// In real time. The item's price is that of one tick; nothing is taken from the stock.
    Metered {
        /// The length of a tick in seconds: 1 to 240.
        tick_seconds: u32,
    },
}

impl Default for Goods {
    fn default() -> Goods {
        Goods::Later {}
    }
}

impl Goods {
    /// The kind.
    pub fn kind(&self) -> Kind {
        match self {
            Goods::Later {} => Kind::Later,
            Goods::Download { .. } => Kind::Download,
            Goods::Metered { .. } => Kind::Metered,
        }
    }

    /// The length of a tick in seconds, where the goods are used in real time.
    pub fn tick_seconds(&self) -> Option<u32> {
        match self {
            Goods::Metered { tick_seconds } => Some(*tick_seconds),
            _ => None,
        }
    }

    /// What is wrong: the field, and a sentence.
    pub(super) fn fault(&self) -> Option<(String, &'static str)> {
        match self {
            Goods::Download { media_type } if !is_media_type(media_type) => {
                Some(("goods.download.type".into(), "a media type is 1 to 128 bytes with a slash"))
            }
            Goods::Metered { tick_seconds } if !(1..=MAX_TICK).contains(tick_seconds) => {
                Some(("goods.metered.tick_seconds".into(), "a tick is 1 to 240 seconds"))
            }
            _ => None,
        }
    }
}

/// What an order keeps of the quote's promise.
#[derive(Debug, Default)]
pub struct Promise {
    /// The files by item number.
    pub files: BTreeMap<String, Content>,
    /// What the use in real time costs.
    pub tariff: Option<Tariff>,
}

/// What the quote of an order of this kind has promised. Quotes are the merchant's own, so one with
/// lines of another kind is no quote for this form.
pub fn promise(quote: Option<&Quote>, kind: Kind) -> Result<Promise, ProtocolError> {
    let mut promise = Promise::default();
    let lines = quote.map_or(&[][..], |quote| &quote.lines);
    if lines.is_empty() && kind != Kind::Later {
        return Err(ProtocolError::sender(Reason::Mismatch, "quote"));
    }
    for (place, line) in lines.iter().enumerate() {
        if line.kind() != kind || promise.tariff.is_some() {
            return Err(ProtocolError::sender(Reason::Mismatch, format!("quote.lines[{place}]")));
        }
        if let Some(content) = &line.content {
            promise.files.insert(line.number.clone(), content.clone());
        }
        promise.tariff = line.tick_seconds.map(|tick_seconds| Tariff {
            tick_seconds,
            most: line.quantity,
            price: line.unit_price,
        });
    }
    Ok(promise)
}

#[cfg(test)]
mod tests {
    use super::*;
    use warifu_protocol::{encode::sha256, quote::QuoteLine};
    use warifu_types::{Currency, Digest, Identifier, Money, Nonce, UnixTime};

    fn line(number: &str, file: bool, tick_seconds: Option<u32>) -> QuoteLine {
        let content = Content { media_type: "text/plain".into(), size: 3, sha256: sha256(b"abc") };
        QuoteLine {
            number: number.into(),
            name: "x".into(),
            quantity: 5,
            unit_price: Money::new(10, Currency::JPY).unwrap(),
            content: file.then_some(content),
            tick_seconds,
        }
    }

    fn quote(lines: Vec<QuoteLine>) -> Quote {
        Quote {
            iss: Identifier::parse("domain:shop.example").unwrap(),
            jti: Nonce([0; 32]),
            form: Digest([0; 32]),
            total: warifu_protocol::quote::sum(&lines).unwrap(),
            lines,
            iat: UnixTime(0),
            exp: UnixTime(0),
        }
    }

    #[test]
    fn each_kind_keeps_its_own_promise() {
        let later = promise(Some(&quote(vec![line("a", false, None)])), Kind::Later).unwrap();
        assert!(later.files.is_empty() && later.tariff.is_none());
        assert!(promise(None, Kind::Later).is_ok());
        let two = quote(vec![line("a", true, None), line("b", true, None)]);
        assert_eq!(promise(Some(&two), Kind::Download).unwrap().files.len(), 2);
        let metered = quote(vec![line("a", false, Some(60))]);
        let tariff = promise(Some(&metered), Kind::Metered).unwrap().tariff.unwrap();
        assert_eq!((tariff.tick_seconds, tariff.most, tariff.price.minor()), (60, 5, 10));
    }

    #[test]
    fn a_line_of_another_kind_is_named() {
        let file = || line("a", true, None);
        let tick = || line("t", false, Some(60));
        for (lines, kind, field) in [
            (vec![file(), line("b", false, None)], Kind::Download, "quote.lines[1]"),
            (vec![file()], Kind::Later, "quote.lines[0]"),
            (vec![file()], Kind::Metered, "quote.lines[0]"),
            (vec![tick(), tick()], Kind::Metered, "quote.lines[1]"),
        ] {
            let error = promise(Some(&quote(lines)), kind).unwrap_err();
            assert_eq!(error.field, field);
        }
        for kind in [Kind::Download, Kind::Metered] {
            assert_eq!(promise(None, kind).unwrap_err().field, "quote");
        }
    }
}
