//! Runs of hexadecimal digits.

use super::{Sink, text::runs};

pub(super) fn decode(data: &[u8], sink: &mut dyn Sink) {
    for run in runs(data, 16, &|byte| byte.is_ascii_hexdigit()) {
        // A digit that does not belong to it may stand before.
        for skip in 0..2 {
            let digits = &run[skip..];
            let even = &digits[..digits.len() / 2 * 2];
            if let Ok(bytes) = hex::decode(even) {
                sink.inside("hex", &bytes);
            }
        }
    }
}
