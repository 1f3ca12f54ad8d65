//! Reading a message.

use super::{
    Fault, Message, MessageError, MessageType, check,
    fields::{Length, find},
};

/// Why a message was not read, and what of it was: enough to answer it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The first fault.
    pub error: MessageError,
    /// The fields that are sound; none if the message type is not in use.
    pub sound: Option<Message>,
}

impl Message {
    /// Reads the bytes of a message, header apart.
    ///
    /// # Errors
    /// The first fault, with the fields that are sound.
    pub fn decode(bytes: &[u8]) -> Result<Message, Rejected> {
        let mut rest = bytes;
        let kind = read_kind(&mut rest).map_err(|error| Rejected { error, sound: None })?;
        let mut message = Message::new(kind);
        let mut fault = None;
        match read_fields(&mut rest, &mut message, &mut fault) {
            Ok(()) => {}
            Err(error) => fault = fault.or(Some(error)),
        }
        match fault {
            None => Ok(message),
            Some(error) => Err(Rejected { error, sound: Some(message) }),
        }
    }
}

fn read_kind(rest: &mut &[u8]) -> Result<MessageType, MessageError> {
    let fault = |fault| MessageError { field: 0, fault };
    let code = take(rest, 4).ok_or(fault(Fault::CutOff))?;
    if !code.iter().all(u8::is_ascii_digit) {
        return Err(fault(Fault::Character));
    }
    std::str::from_utf8(code).ok().and_then(MessageType::of).ok_or(fault(Fault::NotInUse))
}

/// Reads all fields. A field of sound length with a wrong content is noted in `content`, and the
/// next is read; whatever makes the places of the next fields unknown ends the reading.
fn read_fields(
    rest: &mut &[u8],
    message: &mut Message,
    content: &mut Option<MessageError>,
) -> Result<(), MessageError> {
    for number in read_bitmaps(rest)? {
        let text = read_text(rest, number)?;
        let stored = match check(number, text) {
            Ok(_) => std::str::from_utf8(text)
                .map_err(|_| MessageError { field: number, fault: Fault::Character })
                .and_then(|text| message.set(number, text)),
            Err(error) => Err(error),
        };
        if let Err(error) = stored {
            content.get_or_insert(error);
        }
    }
    match rest.is_empty() {
        true => Ok(()),
        false => Err(MessageError {
            field: message.numbers().last().unwrap_or(1),
            fault: Fault::Trailing,
        }),
    }
}

/// The numbers of the fields that follow, in order; all are in the table.
fn read_bitmaps(rest: &mut &[u8]) -> Result<Vec<u8>, MessageError> {
    let first = read_bitmap(rest)?;
    let second = match first >> 63 {
        1 => Some(read_bitmap(rest)?),
        _ => None,
    };
    if second == Some(0) {
        return Err(MessageError { field: 1, fault: Fault::Value });
    }
    let map = u128::from(first) << 64 | u128::from(second.unwrap_or(0));
    let numbers: Vec<u8> =
        (2..=128u8).filter(|number| map >> (128 - u32::from(*number)) & 1 == 1).collect();
    match numbers.iter().find(|number| find(**number).is_none()) {
        Some(number) => Err(MessageError { field: *number, fault: Fault::NotInUse }),
        None => Ok(numbers),
    }
}

fn read_bitmap(rest: &mut &[u8]) -> Result<u64, MessageError> {
    let fault = |fault| MessageError { field: 1, fault };
    let digits = take(rest, 16).ok_or(fault(Fault::CutOff))?;
    if !digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')) {
        return Err(fault(Fault::Character));
    }
    std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .ok_or(fault(Fault::Character))
}

fn read_text<'a>(rest: &mut &'a [u8], number: u8) -> Result<&'a [u8], MessageError> {
    let fault = |fault| MessageError { field: number, fault };
    let length = find(number).ok_or(fault(Fault::NotInUse))?.length;
    let width = match length {
        Length::Fixed(width) => width,
        Length::TwoDigits(_) | Length::ThreeDigits(_) => {
            let digits = take(rest, length.prefix()).ok_or(fault(Fault::CutOff))?;
            if !digits.iter().all(u8::is_ascii_digit) {
                return Err(fault(Fault::Character));
            }
            let width = digits
                .iter()
                .fold(0, |sum, digit| sum * 10 + usize::from(digit.wrapping_sub(b'0')));
            if !length.holds(width) {
                return Err(fault(Fault::Length));
            }
            width
        }
    };
    take(rest, width).ok_or(fault(Fault::CutOff))
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}
