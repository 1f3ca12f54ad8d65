//! Runs of base64 characters, of either alphabet: whole texts, or the parts of a token.

use super::{Sink, text::runs};
use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// The shortest text that holds a canary: 8 bytes.
const SHORTEST: usize = 11;
/// The shortest line that is taken for a folded one (mail folds at 76, PEM at 64).
const FOLDED: usize = 60;

pub(super) fn decode(data: &[u8], sink: &mut dyn Sink) {
    let mut bytes = Vec::new();
    for run in runs(data, SHORTEST, &in_alphabet) {
        decode_text(run.to_vec(), &mut bytes, sink);
    }
    for folded in folded_texts(data) {
        decode_text(folded, &mut bytes, sink);
    }
}

fn in_alphabet(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)
}

/// Other characters of the alphabet may stand before the text (`/path/eyJ…`), so that its groups
/// begin at any of four places.
fn decode_text(mut text: Vec<u8>, bytes: &mut Vec<u8>, sink: &mut dyn Sink) {
    for byte in &mut text {
        match *byte {
            b'-' => *byte = b'+',
            b'_' => *byte = b'/',
            _ => {}
        }
    }
    for skip in 0..4 {
        let mut part = text.get(skip..).unwrap_or_default();
        if part.len() % 4 == 1 {
            part = &part[..part.len() - 1];
        }
        bytes.clear();
        if part.len() >= SHORTEST && ENGINE.decode_vec(part, bytes).is_ok() {
            sink.inside("base64", bytes);
        }
    }
}

/// Texts folded into lines of equal length, joined.
fn folded_texts(data: &[u8]) -> Vec<Vec<u8>> {
    let mut texts = Vec::new();
    let (mut text, mut width) = (Vec::new(), None);
    for line in data.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // The first line may have something before the text, the last something after it.
        let tail = line.len() - line.iter().rev().take_while(|byte| in_alphabet(**byte)).count();
        let head = line.iter().take_while(|byte| in_alphabet(**byte)).count();
        let continues = width.is_some_and(|width| line.len() == width && tail == 0);
        if continues {
            text.extend_from_slice(line);
            continue;
        }
        if width.is_some() {
            text.extend_from_slice(&line[..head]);
            texts.push(std::mem::take(&mut text));
        }
        width = (line.len() - tail >= FOLDED).then_some(line.len() - tail);
        text = if width.is_some() { line[tail..].to_vec() } else { Vec::new() };
    }
    if width.is_some() {
        texts.push(text);
    }
    texts
}
