//! Unambiguous byte strings for hashing: every part of variable length carries its length.

/// Appends the length of `part` (4 bytes, big endian) and `part`.
pub(crate) fn put_part(out: &mut Vec<u8>, part: &[u8]) {
    out.extend_from_slice(&(part.len() as u32).to_be_bytes());
    out.extend_from_slice(part);
}
