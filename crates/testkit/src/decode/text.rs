//! Stretches of bytes of one class.

/// The maximal stretches, of at least `shortest` bytes, of bytes that satisfy `good`.
pub(super) fn runs<'a>(
    data: &'a [u8],
    shortest: usize,
    good: &'a dyn Fn(u8) -> bool,
) -> impl Iterator<Item = &'a [u8]> {
    // A table, since the question is asked for every byte.
    let table: [bool; 256] = std::array::from_fn(|byte| good(byte as u8));
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < data.len() {
            let start = at;
            while at < data.len() && table[usize::from(data[at])] {
                at += 1;
            }
            let end = at;
            at += 1;
            if end - start >= shortest {
                return Some(&data[start..end]);
            }
        }
        None
    })
}

/// Where a head of HTTP or mail may end: the offsets after each empty line.
pub(super) fn after_empty_lines(data: &[u8]) -> impl Iterator<Item = usize> {
    data.windows(4).enumerate().filter(|(_, four)| *four == b"\r\n\r\n").map(|(at, _)| at + 4)
}
