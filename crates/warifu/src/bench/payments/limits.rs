//! What the machine itself can do, one core: signatures, verifications, syncs.

use crate::Failure;
use serde::Serialize;
use std::{
    fs::File,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};
use warifu_protocol::{
    AtFault,
    signer::{Signer, SigningKey},
};

/// How long each is measured for.
const FOR: Duration = Duration::from_millis(500);

/// The machine's own rates.
#[derive(Debug, Serialize)]
pub struct Limits {
    /// Ed25519 verifications, strict.
    pub verify_per_s: f64,
    /// Ed25519 signatures.
    pub sign_per_s: f64,
    /// Appends of 4 KiB, each synced.
    pub sync_per_s: f64,
}

/// Measures them; the file is made in `folder`.
pub fn measure(folder: &Path) -> Result<Limits, Failure> {
    let key = SigningKey::from_seed(&[7; 32]);
    let message = [5; 1024];
    let signature = key.sign(&message);
    let verifying = key.verifying_key();
    let mut file = File::create(folder.join("sync"))?;
    let mut synced = Ok(());
    let limits = Limits {
        verify_per_s: rate(|| {
            drop(verifying.verify(&message, &signature, AtFault::Own, "signature"));
        }),
        sign_per_s: rate(|| {
            std::hint::black_box(key.sign(&message));
        }),
        sync_per_s: rate(|| {
            if let Err(error) = file.write_all(&[1; 4096]).and_then(|()| file.sync_data()) {
                synced = Err(error);
            }
        }),
    };
    synced?;
    Ok(limits)
}

fn rate(mut work: impl FnMut()) -> f64 {
    let begun = Instant::now();
    let mut done = 0u32;
    while begun.elapsed() < FOR {
        work();
        done += 1;
    }
    (f64::from(done) / begun.elapsed().as_secs_f64()).round()
}
