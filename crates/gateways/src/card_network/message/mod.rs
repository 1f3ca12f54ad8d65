//! Messages of ISO 8583:1987: ASCII throughout, bitmaps as 16 hexadecimal digits in capitals, behind
//! a header of two bytes, big-endian, that says how many bytes follow.
//!
//! Strict both ways: what is written can be read, what is read is written back as the same bytes.

mod decode;
mod fields;

#[cfg(test)]
mod tests;

pub use decode::Rejected;

use fields::find;
use std::{collections::BTreeMap, fmt};
use zeroize::Zeroizing;

/// The longest message, header apart: all fields of the table at their longest are less.
pub const MAX_MESSAGE: usize = 1_400;

/// What is wrong with a message. No variant carries what stands in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("field {field}: {fault}")]
pub struct MessageError {
    /// The field's number; 0 is the message type, 1 the bitmaps.
    pub field: u8,
    /// What is wrong with it.
    pub fault: Fault,
}

/// The ways in which a field is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not in the table, or not a message type in use.
    #[error("not in use")]
    NotInUse,
    /// The message ends within it.
    #[error("cut off")]
    CutOff,
    /// It is longer or shorter than it may be.
    #[error("of a wrong length")]
    Length,
    /// A character that may not stand there.
    #[error("a character that may not stand there")]
    Character,
    /// Digits that are no date or time, or a value that has no meaning here.
    #[error("a value without meaning")]
    Value,
    /// The message needs it.
    #[error("missing")]
    Missing,
    /// More bytes after the last field.
    #[error("more bytes follow")]
    Trailing,
}

/// The message types in use. A repeat has the content of what it repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageType {
    /// 0100
    Authorization,
    /// 0101
    AuthorizationRepeat,
    /// 0110
    AuthorizationAnswer,
    /// 0220
    Capture,
    /// 0221
    CaptureRepeat,
    /// 0230
    CaptureAnswer,
    /// 0400
    Reversal,
    /// 0401
    ReversalRepeat,
    /// 0410
    ReversalAnswer,
    /// 0800
    Network,
    /// 0801
    NetworkRepeat,
    /// 0810
    NetworkAnswer,
}

use MessageType as T;

const TYPES: [(MessageType, &str); 12] = [
    (T::Authorization, "0100"),
    (T::AuthorizationRepeat, "0101"),
    (T::AuthorizationAnswer, "0110"),
    (T::Capture, "0220"),
    (T::CaptureRepeat, "0221"),
    (T::CaptureAnswer, "0230"),
    (T::Reversal, "0400"),
    (T::ReversalRepeat, "0401"),
    (T::ReversalAnswer, "0410"),
    (T::Network, "0800"),
    (T::NetworkRepeat, "0801"),
    (T::NetworkAnswer, "0810"),
];

impl MessageType {
    /// Four digits.
    pub fn code(self) -> &'static str {
        TYPES.iter().find(|(kind, _)| *kind == self).map_or("", |(_, code)| *code)
    }

    /// The type of four digits, if it is in use.
    pub fn of(code: &str) -> Option<MessageType> {
        TYPES.iter().find(|(_, known)| *known == code).map(|(kind, _)| *kind)
    }

    /// The type of the answer to it; none to an answer.
    pub fn answer(self) -> Option<MessageType> {
        match self {
            T::Authorization | T::AuthorizationRepeat => Some(T::AuthorizationAnswer),
            T::Capture | T::CaptureRepeat => Some(T::CaptureAnswer),
            T::Reversal | T::ReversalRepeat => Some(T::ReversalAnswer),
            T::Network | T::NetworkRepeat => Some(T::NetworkAnswer),
            _ => None,
        }
    }

    /// The type under which the same content is said again.
    pub fn repeat(self) -> MessageType {
        match self {
            T::Authorization => T::AuthorizationRepeat,
            T::Capture => T::CaptureRepeat,
            T::Reversal => T::ReversalRepeat,
            T::Network => T::NetworkRepeat,
            other => other,
        }
    }
}

/// One message. Its fields are wiped when it goes; `Debug` shows none that is of a card.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// What kind it is.
    pub kind: MessageType,
    fields: BTreeMap<u8, Zeroizing<String>>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: [u8; 12] = [3, 4, 7, 11, 37, 38, 39, 41, 42, 49, 67, 70];
        let shown = |number: &u8, text: &str| match SHOWN.contains(number) {
            true => text.to_owned(),
            false => "..".to_owned(),
        };
        let mut map = f.debug_map();
        map.entry(&0, &self.kind.code());
        map.entries(self.fields.iter().map(|(number, text)| (*number, shown(number, text))));
        map.finish()
    }
}

impl Message {
    /// A message without fields.
    pub fn new(kind: MessageType) -> Message {
        Message { kind, fields: BTreeMap::new() }
    }

    /// Sets a field.
    ///
    /// # Errors
    /// If the field is not in use or cannot hold the text; nothing changes.
    pub fn set(&mut self, number: u8, text: impl Into<String>) -> Result<(), MessageError> {
        let text = Zeroizing::new(text.into());
        check(number, text.as_bytes())?;
        self.fields.insert(number, text);
        Ok(())
    }

    /// Sets a field of blanks at its end, as fields 41, 42 and 43 have them.
    ///
    /// # Errors
    /// As [`Message::set`].
    pub fn set_padded(&mut self, number: u8, text: &str) -> Result<(), MessageError> {
        let width = match find(number).map(|row| row.length) {
            Some(fields::Length::Fixed(width)) => width,
            _ => 0,
        };
        self.set(number, format!("{text:<width$}"))
    }

    /// A field's text, as it stands there.
    pub fn get(&self, number: u8) -> Option<&str> {
        self.fields.get(&number).map(|text| text.as_str())
    }

    /// A field that the message must have.
    ///
    /// # Errors
    /// [`Fault::Missing`].
    pub fn need(&self, number: u8) -> Result<&str, MessageError> {
        self.get(number).ok_or(MessageError { field: number, fault: Fault::Missing })
    }

    /// The numbers of its fields, in order.
    pub fn numbers(&self) -> impl Iterator<Item = u8> {
        self.fields.keys().copied()
    }

    /// The bytes of the message, header apart.
    ///
    /// # Errors
    /// None of a message that [`Message::set`] made.
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, MessageError> {
        let mut out = Zeroizing::new(Vec::with_capacity(MAX_MESSAGE));
        out.extend_from_slice(self.kind.code().as_bytes());
        let mut map = self.fields.keys().fold(0u128, |map, number| map | bit(*number));
        let second = map as u64 != 0;
        if second {
            map |= bit(1);
        }
        let width = if second { 32 } else { 16 };
        let digits = format!("{map:032X}");
        out.extend_from_slice(&digits.as_bytes()[..width]);
        for (number, text) in &self.fields {
            let length = check(*number, text.as_bytes())?;
            let prefix = length.prefix();
            if prefix > 0 {
                out.extend_from_slice(format!("{:0prefix$}", text.len()).as_bytes());
            }
            out.extend_from_slice(text.as_bytes());
        }
        Ok(out)
    }

    /// The bytes of the message behind its header.
    ///
    /// # Errors
    /// As [`Message::encode`].
    pub fn frame(&self) -> Result<Zeroizing<Vec<u8>>, MessageError> {
        let body = self.encode()?;
        let length = u16::try_from(body.len())
            .map_err(|_| MessageError { field: 0, fault: Fault::Length })?;
        let mut out = Zeroizing::new(Vec::with_capacity(body.len() + 2));
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&body);
        Ok(out)
    }
}

/// The bit of a field, 1 to 128, in two bitmaps of which the first stands high.
fn bit(number: u8) -> u128 {
    1u128 << (128 - u32::from(number.clamp(1, 128)))
}

/// Whether a field can hold a text.
fn check(number: u8, text: &[u8]) -> Result<fields::Length, MessageError> {
    let fault = |fault| MessageError { field: number, fault };
    let row = find(number).ok_or(fault(Fault::NotInUse))?;
    if !row.length.holds(text.len()) {
        Err(fault(Fault::Length))
    } else if !row.class.spells(text) {
        Err(fault(Fault::Character))
    } else if !row.class.means(text) {
        Err(fault(Fault::Value))
    } else {
        Ok(row.length)
    }
}
