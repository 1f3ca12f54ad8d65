//! A fax page as a TIFF (TIFF 6.0, RFC 2306): one page, one strip, Group 4, white is zero.

use fax::{Color, VecWriter, encoder::Encoder};
use zeroize::Zeroizing;

const SHORT: u16 = 3;
const LONG: u16 = 4;
const RATIONAL: u16 = 5;
/// Header, and the directory behind it.
const DIRECTORY: u32 = 8;
const ENTRIES: u16 = 16;
/// Where the two resolutions stand, and the strip behind them.
const RESOLUTIONS: u32 = DIRECTORY + 2 + ENTRIES as u32 * 12 + 4;
const STRIP: u32 = RESOLUTIONS + 16;

/// The file of a page whose rows are `bytes_a_row` long, 1 for black.
pub(super) fn write(bits: &[u8], bytes_a_row: usize) -> Zeroizing<Vec<u8>> {
    let strip = group4(bits, bytes_a_row);
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let (width, rows) = (number(bytes_a_row * 8), number(bits.len() / bytes_a_row.max(1)));
    let entries: [(u16, u16, u32, u32); ENTRIES as usize] = [
        (254, LONG, 1, 2),                   // NewSubfileType: a page of several
        (256, LONG, 1, width),               // ImageWidth
        (257, LONG, 1, rows),                // ImageLength
        (258, SHORT, 1, 1),                  // BitsPerSample
        (259, SHORT, 1, 4),                  // Compression: Group 4
        (262, SHORT, 1, 0),                  // PhotometricInterpretation: white is zero
        (266, SHORT, 1, 1),                  // FillOrder: the leftmost pixel in the highest bit
        (273, LONG, 1, STRIP),               // StripOffsets
        (277, SHORT, 1, 1),                  // SamplesPerPixel
        (278, LONG, 1, rows),                // RowsPerStrip
        (279, LONG, 1, number(strip.len())), // StripByteCounts
        (282, RATIONAL, 1, RESOLUTIONS),     // XResolution
        (283, RATIONAL, 1, RESOLUTIONS + 8), // YResolution
        (293, LONG, 1, 0),                   // T6Options
        (296, SHORT, 1, 2),                  // ResolutionUnit: the inch
        (297, SHORT, 2, 1 << 16),            // PageNumber: 0 of 1
    ];
    let mut out = Zeroizing::new(Vec::with_capacity(STRIP as usize + strip.len()));
    out.extend_from_slice(b"II*\0");
    out.extend_from_slice(&DIRECTORY.to_le_bytes());
    out.extend_from_slice(&ENTRIES.to_le_bytes());
    for (tag, kind, count, value) in entries {
        out.extend_from_slice(&tag.to_le_bytes());
        out.extend_from_slice(&kind.to_le_bytes());
        out.extend_from_slice(&count.to_le_bytes());
        out.extend_from_slice(&value.to_le_bytes());
    }
    out.extend_from_slice(&0u32.to_le_bytes());
    for resolution in [204u32, 1, 98, 1] {
        out.extend_from_slice(&resolution.to_le_bytes());
    }
    out.extend_from_slice(&strip);
    out
}

fn group4(bits: &[u8], bytes_a_row: usize) -> Zeroizing<Vec<u8>> {
    // As much as the plain bits, so that the writer does not move, and leave copies behind.
    let mut encoder = Encoder::new(VecWriter::with_capacity(bits.len()));
    let width = u32::try_from(bytes_a_row * 8).unwrap_or(0);
    for row in bits.chunks_exact(bytes_a_row.max(1)) {
        let pixels = row.iter().flat_map(|byte| {
            (0..8).map(move |at| if byte << at & 0x80 != 0 { Color::Black } else { Color::White })
        });
        let Ok(()) = encoder.encode_line(pixels, width);
    }
    let Ok(writer) = encoder.finish();
    Zeroizing::new(writer.finish())
}
