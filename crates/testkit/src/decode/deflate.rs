//! Compressed streams: gzip and zlib by their heads wherever they begin, raw deflate at the begin
//! of the data and after a head.

use super::{Sink, text::after_empty_lines};
use flate2::{Decompress, FlushDecompress, Status};
use std::cell::RefCell;

/// What one stream may grow to.
const LARGEST: usize = 32 << 20;

thread_local! {
    /// Its state is large, and most attempts fail at once.
    static INFLATER: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

pub(super) fn decode(data: &[u8], sink: &mut dyn Sink) {
    inflate("deflate", data, sink);
    for start in after_empty_lines(data) {
        inflate("deflate", &data[start..], sink);
    }
    for (at, pair) in data.windows(2).enumerate() {
        match pair {
            [0x1f, 0x8b] => {
                if let Some(body) = after_gzip_head(&data[at..]) {
                    inflate("gzip", body, sink);
                }
            }
            [method, flags] if is_zlib_head(*method, *flags) => {
                inflate("zlib", &data[at + 2..], sink);
            }
            _ => {}
        }
    }
}

/// RFC 1950, section 2.2: deflate, a check over both bytes, no preset dictionary.
fn is_zlib_head(method: u8, flags: u8) -> bool {
    method & 0x8f == 0x08
        && flags & 0x20 == 0
        && u16::from_be_bytes([method, flags]).is_multiple_of(31)
}

/// RFC 1952, section 2.3.
fn after_gzip_head(data: &[u8]) -> Option<&[u8]> {
    let flags = *data.get(3)?;
    let mut rest = data.get(10..)?;
    if data[2] != 8 || flags & 0xe0 != 0 {
        return None;
    }
    if flags & 4 != 0 {
        let length = usize::from(u16::from_le_bytes([*rest.first()?, *rest.get(1)?]));
        rest = rest.get(2 + length..)?;
    }
    for name_or_comment in [8, 16] {
        if flags & name_or_comment != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & 2 != 0 { rest.get(2..) } else { Some(rest) }
}

/// Gives what the stream holds, as far as it goes: a stream may have been cut off.
fn inflate(kind: &'static str, data: &[u8], sink: &mut dyn Sink) {
    let mut out = Vec::new();
    INFLATER.with_borrow_mut(|inflater| {
        inflater.reset(false);
        let mut room = 1024;
        loop {
            let given = usize::try_from(inflater.total_in()).unwrap_or(data.len());
            out.reserve(room);
            let before = out.len();
            let result = inflater.decompress_vec(&data[given..], &mut out, FlushDecompress::None);
            let done = !matches!(result, Ok(Status::Ok)) || out.len() == before;
            if done || out.len() >= LARGEST {
                break;
            }
            room = out.len();
        }
    });
    if out.len() >= LARGEST {
        sink.cut();
    }
    sink.inside(kind, &out);
}
