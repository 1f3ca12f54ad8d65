//! The two layers: what lies in them, and how they are sealed. `docs/vault.md` has the bytes.

use crate::{
    cost::Cost,
    documents::{Bytes, Documents},
    error::{Result, VaultError},
    file::MAX_FILE,
    header::{self, Header, Mode},
    history::Entry,
    keys::{self, RootA, RootB},
};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fmt;
use warifu_protocol::{encode::json_length, signer::SigningKey};
use warifu_types::Nonce;
use zeroize::Zeroizing;

/// Plaintexts are padded to a multiple of this, so that lengths tell little.
const STEP: usize = 4096;

/// What password A opens: the history, and documents that are not money.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoxA {
    history: Vec<Entry>,
    documents: Documents,
}

impl BoxA {
    pub(crate) fn empty() -> BoxA {
        BoxA { history: Vec::new(), documents: Documents::default() }
    }

    /// The history, in the order in which it was added.
    pub fn history(&self) -> &[Entry] {
        &self.history
    }

    /// Adds to the history. What is in it stays.
    pub fn append(&mut self, entry: Entry) {
        self.history.push(entry);
    }

    /// Settings, the terminal's public data, a registration telegram that waits (row B6).
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    /// The documents, to change them.
    pub fn documents_mut(&mut self) -> &mut Documents {
        &mut self.documents
    }
}

impl fmt::Debug for BoxA {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxA(secret)")
    }
}

/// What password B opens within A, beside the signature key.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoxB {
    documents: Documents,
}

impl BoxB {
    pub(crate) fn empty() -> BoxB {
        BoxB { documents: Documents::default() }
    }

    /// Shares, HPKE secrets, payment telegrams that wait (row B6), prepaid cards.
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    /// The documents, to change them.
    pub fn documents_mut(&mut self) -> &mut Documents {
        &mut self.documents
    }
}

impl fmt::Debug for BoxB {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxB(secret)")
    }
}

/// The plaintext of layer A. Who has only A open carries `b` along as it is.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LayerA {
    pub(crate) a: BoxA,
    pub(crate) b: SealedB,
}

/// Layer B, sealed.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SealedB {
    /// None in one-password mode.
    pub(crate) password: Option<PasswordB>,
    sealed: Bytes,
}

/// What stretches password B.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordB {
    pub(crate) salt: Nonce,
    pub(crate) cost: Cost,
}

/// The plaintext of layer B, as JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LayerB {
    seed: Bytes,
    b: BoxB,
}

/// The whole file.
pub(crate) fn seal_a(
    header: &Header,
    root: &RootA,
    layer: &LayerA,
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>> {
    let head = header.to_bytes();
    let sealed = keys::seal(&root.layer(), &head, &padded(layer)?, rng)?;
    let file = [&head[..], &sealed].concat();
    if file.len() > MAX_FILE { Err(VaultError::TooLarge) } else { Ok(file) }
}

/// Layer A of a whole file, whose header was read before.
pub(crate) fn open_a(file: &[u8], header: &Header, root: &RootA) -> Result<LayerA> {
    let (head, sealed) = file.split_at_checked(header::LENGTH).ok_or(VaultError::WrongPassword)?;
    let layer: LayerA = parse(&keys::open(&root.layer(), head, sealed)?)?;
    let two = layer.b.password.is_some();
    if two == (header.mode == Mode::TwoPasswords) {
        Ok(layer)
    } else {
        Err(VaultError::WrongPassword)
    }
}

/// Layer B, for a vault with this header.
pub(crate) fn seal_b(
    header: &Header,
    roots: (&RootA, &RootB),
    contents: (&SigningKey, &BoxB),
    rng: &mut impl CryptoRng,
) -> Result<SealedB> {
    let (root_a, root_b) = roots;
    let (key, b) = contents;
    let seed = Bytes(Zeroizing::new(key.seed().to_vec()));
    let plain = padded(&LayerB { seed, b: b.clone() })?;
    let sealed = keys::seal(&root_a.layer_b(root_b), &place_of_b(header), &plain, rng)?;
    let password = match root_b {
        RootB::Alone => None,
        RootB::Stretched(b) => Some(PasswordB { salt: b.salt, cost: b.cost }),
    };
    Ok(SealedB { password, sealed: Bytes(Zeroizing::new(sealed)) })
}

/// The signature key and the box of layer B.
pub(crate) fn open_b(
    header: &Header,
    roots: (&RootA, &RootB),
    layer: &SealedB,
) -> Result<(SigningKey, BoxB)> {
    let key = roots.0.layer_b(roots.1);
    let LayerB { seed, b } = parse(&keys::open(&key, &place_of_b(header), &layer.sealed.0)?)?;
    let seed: &[u8; 32] = seed.0.as_slice().try_into().map_err(|_| VaultError::WrongPassword)?;
    Ok((SigningKey::from_seed(seed), b))
}

/// Layer B stays the same while A is written again, so it is bound to what stays the same too.
fn place_of_b(header: &Header) -> Vec<u8> {
    [b"warifu vault 1: layer b", &[header.mode.byte()][..], &header.vault.0].concat()
}

/// JSON, and spaces up to the next step. Measured first, so that the text never grows and leaves
/// copies behind.
fn padded<T: Serialize>(layer: &T) -> Result<Zeroizing<Vec<u8>>> {
    let length = json_length(layer).map_err(|_| VaultError::TooLarge)?;
    let whole = length.next_multiple_of(STEP);
    let mut bytes = Zeroizing::new(Vec::with_capacity(whole));
    serde_json::to_writer(&mut *bytes, layer).map_err(|_| VaultError::TooLarge)?;
    bytes.resize(whole, b' ');
    Ok(bytes)
}

/// What is authentic and yet not of the shape is an error like any other of its layer.
fn parse<T: DeserializeOwned>(plain: &[u8]) -> Result<T> {
    serde_json::from_slice(plain).map_err(|_| VaultError::WrongPassword)
}

/// Whether bytes could be what a layer opens to, so that a fuzzer reaches what stands behind the
/// encryption. Nothing of them is given out.
#[doc(hidden)]
pub fn is_layer(plain: &[u8]) -> bool {
    parse::<LayerA>(plain).is_ok() || parse::<LayerB>(plain).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{inspect, keys::Stretched, password::Password};
    use warifu_protocol::{ChaCha20Rng, SeedableRng};

    struct Made {
        file: Vec<u8>,
        header: Header,
        roots: (RootA, RootB),
        layer: LayerA,
    }

    fn make() -> Made {
        let rng = &mut ChaCha20Rng::from_seed([1; 32]);
        let cost = Cost::new(8, 1, 1).unwrap();
        let (vault, salt) = (Nonce([2; 32]), Nonce([3; 32]));
        let header = Header { mode: Mode::TwoPasswords, cost, generation: 1, vault, salt };
        let password = |text| Password::new(text).unwrap();
        let root_a = RootA::stretch(&password("password A"), &header).unwrap();
        let stretched = Stretched::new(&password("password B"), Nonce([4; 32]), cost).unwrap();
        let root_b = RootB::Stretched(stretched);
        let key = SigningKey::from_seed(&[5; 32]);
        let b = seal_b(&header, (&root_a, &root_b), (&key, &BoxB::empty()), rng).unwrap();
        let layer = LayerA { a: BoxA::empty(), b };
        let file = seal_a(&header, &root_a, &layer, rng).unwrap();
        Made { file, header, roots: (root_a, root_b), layer }
    }

    fn is_wrong<T>(result: Result<T>) -> bool {
        matches!(result, Err(VaultError::WrongPassword))
    }

    #[test]
    fn every_altered_byte_of_layer_a_or_its_header_gives_the_one_error() {
        let Made { mut file, header, roots, .. } = make();
        assert!(open_a(&file, &header, &roots.0).is_ok());
        for at in 0..file.len() {
            file[at] ^= 0x80;
            assert!(is_wrong(open_a(&file, &header, &roots.0)), "byte {at}");
            if let Ok(other) = inspect(&file) {
                assert!(is_wrong(open_a(&file, &other, &roots.0)), "byte {at}");
            }
            file[at] ^= 0x80;
        }
    }

    #[test]
    fn every_altered_byte_of_layer_b_gives_the_one_error() {
        let Made { header, roots: (root_a, root_b), layer, .. } = make();
        let roots = (&root_a, &root_b);
        assert_eq!(*open_b(&header, roots, &layer.b).unwrap().0.seed(), [5; 32]);
        let mut sealed = layer.b;
        for at in 0..sealed.sealed.0.len() {
            sealed.sealed.0[at] ^= 0x80;
            assert!(is_wrong(open_b(&header, roots, &sealed)), "byte {at}");
            sealed.sealed.0[at] ^= 0x80;
        }
        for length in [0, 11, 12, 27, 28, 4096] {
            let cut = Bytes(Zeroizing::new(sealed.sealed.0[..length].to_vec()));
            let cut = SealedB { password: sealed.password.clone(), sealed: cut };
            assert!(is_wrong(open_b(&header, roots, &cut)), "{length}");
        }
    }

    #[test]
    fn layer_b_opens_in_no_other_vault_and_no_other_mode() {
        let Made { header, roots: (root_a, root_b), layer, .. } = make();
        let other = Header { vault: Nonce([9; 32]), ..header.clone() };
        assert!(is_wrong(open_b(&other, (&root_a, &root_b), &layer.b)));
        let other = Header { mode: Mode::OnePassword, ..header };
        assert!(is_wrong(open_b(&other, (&root_a, &root_b), &layer.b)));
        // A vault whose header names another mode than its layers is none.
        let rng = &mut ChaCha20Rng::from_seed([6; 32]);
        let file = seal_a(&other, &root_a, &layer, rng).unwrap();
        assert!(is_wrong(open_a(&file, &other, &root_a)));
    }
}
