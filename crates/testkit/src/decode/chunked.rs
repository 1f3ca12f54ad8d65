//! HTTP bodies in chunks (RFC 9112, section 7.1), joined.

use super::{Sink, text::after_empty_lines};

pub(super) fn decode(data: &[u8], sink: &mut dyn Sink) {
    for start in after_empty_lines(data) {
        let mut body = Vec::new();
        let mut rest = &data[start..];
        // A body that was cut off, or goes wrong, is joined as far as it goes.
        while let Some((chunk, next)) = first_chunk(rest) {
            body.extend_from_slice(chunk);
            rest = next;
        }
        sink.inside("chunked", &body);
    }
}

/// The first chunk's content, and what follows the chunk; `None` at the last, empty one.
fn first_chunk(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let line_end = data.iter().take(256).position(|byte| *byte == b'\n')?;
    let line = data[..line_end].strip_suffix(b"\r")?;
    let digits = line.split(|byte| *byte == b';').next()?;
    let size = usize::from_str_radix(std::str::from_utf8(digits).ok()?.trim(), 16).ok()?;
    let content = &data[line_end + 1..];
    if size == 0 {
        return None;
    }
    match content.split_at_checked(size) {
        Some((chunk, rest)) => Some((chunk, rest.strip_prefix(b"\r\n").unwrap_or(&[]))),
        None => Some((content, &[])),
    }
}
