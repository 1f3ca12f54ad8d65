//! Chances from a seed that a failing run prints.

/// A splitmix64 generator.
pub struct Chance(u64);

impl Chance {
    /// From `WARIFU_SEED`, or from the clock; it is printed.
    pub fn new() -> Chance {
        let seed = match std::env::var("WARIFU_SEED") {
            Ok(text) => text.parse().unwrap(),
            Err(_) => {
                let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
                now.as_nanos() as u64
            }
        };
        println!("WARIFU_SEED={seed}");
        Chance(seed)
    }

    /// Below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    /// One of several.
    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}
