//! The search for canaries.

use crate::{
    decode::{self, Sink},
    needles,
    recording::Recording,
};
use aho_corasick::{AhoCorasick, AhoCorasickBuilder};
use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

/// The canary named by a finding which says that the work allowed for a scan was used up before
/// everything was looked at. It is a finding, so that such a scan never passes for a clean one.
pub const INCOMPLETE: &str = "(scan incomplete)";

/// How many decodings inside one another are followed.
const MAX_DEPTH: usize = 8;
/// How many bytes a scan looks at, decoded ones included: so many, and so many for each byte given.
const WORK: (usize, usize) = (64 << 20, 48);
/// Values shorter than this (in bytes) would be found by chance.
const SHORTEST: usize = 8;

/// A canary found where it may not be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Finding {
    /// The canary's name.
    pub canary: String,
    /// The place that was looked into, as given to [`Scanner::find`].
    pub label: String,
    /// The decodings from the outside in, and at last the form: `base64 > gzip > plain`.
    pub how: String,
}

/// Looks for a set of canaries, in all forms and encodings at once.
///
/// A value is found, whatever the case of its ASCII letters, plain, escaped as in JSON, in UTF-16,
/// percent-encoded, in hexadecimal, as a list of byte values, and in base64 (both alphabets) at
/// every alignment; and so inside everything that can be decoded: runs of base64 and hexadecimal
/// characters (a token's parts among them), gzip, zlib and raw deflate streams, escaped strings,
/// percent-encoded text, and chunked HTTP bodies, one inside the other to a depth of 8.
#[derive(Debug)]
pub struct Scanner {
    names: Vec<String>,
    search: AhoCorasick,
    /// For each pattern of `search`, the index in `names` and the form.
    patterns: Vec<(usize, &'static str)>,
}

impl Scanner {
    /// A scanner for canaries given as name and value: text, or bytes such as a key's.
    ///
    /// # Panics
    /// If a value is shorter than 8 bytes, which would be found by chance.
    pub fn new<N, V>(canaries: impl IntoIterator<Item = (N, V)>) -> Scanner
    where
        N: Into<String>,
        V: AsRef<[u8]>,
    {
        let (mut names, mut patterns, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
        for (name, value) in canaries {
            let (name, value) = (name.into(), value.as_ref());
            assert!(value.len() >= SHORTEST, "the canary {name} is shorter than {SHORTEST} bytes");
            let mut known = HashSet::new();
            for (form, needle) in needles::forms(value) {
                if known.insert(needle.to_ascii_lowercase()) {
                    patterns.push((names.len(), form));
                    bytes.push(needle);
                }
            }
            names.push(name);
        }
        let search = AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .build(&bytes)
            .expect("the canaries fit into one search");
        Scanner { names, search, patterns }
    }

    /// Every canary in `data`, each way of finding it once. `label` says where the bytes are from
    /// and is repeated in the findings.
    pub fn find(&self, label: &str, data: &[u8]) -> Vec<Finding> {
        let mut walk = Walk {
            scanner: self,
            label,
            path: Vec::new(),
            work_left: data.len().saturating_mul(WORK.1).saturating_add(WORK.0),
            seen: HashSet::new(),
            cut: false,
            found: HashSet::new(),
            findings: Vec::new(),
        };
        walk.visit(data);
        if walk.cut {
            let finding =
                Finding { canary: INCOMPLETE.into(), label: label.into(), how: "limit".into() };
            walk.findings.push(finding);
        }
        walk.findings
    }

    /// Every canary in what the taps recorded; labels are `connection direction`.
    pub fn find_in_recording(&self, recording: &Recording) -> Vec<Finding> {
        let entries = recording.entries();
        entries
            .iter()
            .flat_map(|entry| {
                self.find(&format!("{} {}", entry.label, entry.direction), &entry.bytes)
            })
            .collect()
    }
}

/// One scan on its way through what is inside what.
struct Walk<'a> {
    scanner: &'a Scanner,
    label: &'a str,
    path: Vec<&'static str>,
    work_left: usize,
    /// Hashes of what was looked into, so that nothing is looked into twice.
    seen: HashSet<u64>,
    cut: bool,
    found: HashSet<(usize, String)>,
    findings: Vec<Finding>,
}

impl Walk<'_> {
    fn visit(&mut self, data: &[u8]) {
        let mut hasher = DefaultHasher::new();
        data.hash(&mut hasher);
        if !self.seen.insert(hasher.finish()) {
            return;
        }
        match self.work_left.checked_sub(data.len()) {
            Some(left) => self.work_left = left,
            None => {
                self.cut = true;
                return;
            }
        }
        self.search(data);
        if self.path.len() < MAX_DEPTH {
            decode::all(data, self);
        }
    }

    fn search(&mut self, data: &[u8]) {
        for hit in self.scanner.search.find_overlapping_iter(data) {
            let (canary, form) = self.scanner.patterns[hit.pattern().as_usize()];
            let mut how = self.path.join(" > ");
            if !how.is_empty() {
                how.push_str(" > ");
            }
            how.push_str(form);
            if self.found.insert((canary, how.clone())) {
                let canary = self.scanner.names[canary].clone();
                self.findings.push(Finding { canary, label: self.label.to_string(), how });
            }
        }
    }
}

impl Sink for Walk<'_> {
    fn inside(&mut self, kind: &'static str, bytes: &[u8]) {
        if bytes.len() >= SHORTEST {
            self.path.push(kind);
            self.visit(bytes);
            self.path.pop();
        }
    }

    fn cut(&mut self) {
        self.cut = true;
    }
}
