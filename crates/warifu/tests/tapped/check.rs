//! The check: which canary was found where it may not be, and which was not found where it is.

use crate::{canary::Canary, files::Files};
use std::collections::{BTreeMap, BTreeSet};
use warifu_store::Document;
use warifu_testkit::{Entry, Finding, INCOMPLETE, Scanner};

/// Everything that was recorded.
pub struct Evidence<'a> {
    /// Every byte on every socket that is for everyone to see.
    pub sockets: Vec<Entry>,
    /// Every file of every party.
    pub files: &'a Files,
    /// Every log line.
    pub log: Vec<u8>,
    /// Every party's documents, decrypted; and what went over lines that may carry something.
    pub documents: BTreeMap<&'static str, Vec<Document>>,
}

/// A canary where it may not be, or missing where it must be.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// `socket`, `file`, `log`, or whose documents: `documents of carrier`.
    pub place: String,
    /// The canary's name.
    pub canary: String,
    /// Where exactly and in which form, or `missing`.
    pub how: String,
}

/// Looks for every canary everywhere.
pub fn faults(canaries: &[Canary], evidence: &Evidence<'_>) -> Vec<Fault> {
    // Several canaries have one name (a purchase has two items), so the scanner knows them by place.
    let values = canaries.iter().map(|canary| canary.value.as_slice());
    let scanner = Scanner::new(values.enumerate().map(|(place, value)| (place.to_string(), value)));
    let search = Search { canaries, scanner };
    let mut faults = Vec::new();
    for entry in &evidence.sockets {
        let label = format!("{} {}", entry.label, entry.direction);
        faults.extend(search.public("socket", &label, &entry.bytes));
    }
    for (path, bytes) in evidence.files.versions() {
        faults.extend(search.public("file", &path.display().to_string(), bytes));
    }
    faults.extend(search.public("log", "log", &evidence.log));
    for (party, documents) in &evidence.documents {
        faults.extend(search.documents(party, documents));
    }
    for canary in canaries {
        // A place of which nothing was recorded would lack nothing.
        for place in canary.must.iter().filter(|place| !evidence.documents.contains_key(*place)) {
            let (place, canary) = (format!("documents of {place}"), canary.name.clone());
            faults.push(Fault { place, canary, how: "missing".to_string() });
        }
    }
    faults.sort();
    faults
}

struct Search<'a> {
    canaries: &'a [Canary],
    scanner: Scanner,
}

impl Search<'_> {
    /// The canary of a finding; none if the search was cut short.
    fn canary(&self, finding: &Finding) -> Option<usize> {
        (finding.canary != INCOMPLETE).then(|| finding.canary.parse().unwrap())
    }

    fn fault(&self, place: &str, finding: &Finding) -> Fault {
        let canary = self.canary(finding).map(|place| self.canaries[place].name.clone());
        Fault {
            place: place.to_string(),
            canary: canary.unwrap_or_else(|| INCOMPLETE.to_string()),
            how: format!("{}: {}", finding.label, finding.how),
        }
    }

    /// A place that may hold no canary at all.
    fn public(&self, place: &str, label: &str, data: &[u8]) -> Vec<Fault> {
        let findings = self.scanner.find(label, data);
        findings.iter().map(|finding| self.fault(place, finding)).collect()
    }

    /// A party's own documents, which hold what it may know.
    fn documents(&self, party: &'static str, documents: &[Document]) -> Vec<Fault> {
        let place = format!("documents of {party}");
        let (mut found, mut faults) = (BTreeSet::new(), Vec::new());
        for document in documents {
            let label = format!("{}/{}", document.collection, document.key);
            for finding in self.scanner.find(&label, &document.value) {
                let canary = self.canary(&finding);
                if !canary.is_some_and(|canary| self.canaries[canary].may.contains(party)) {
                    faults.push(self.fault(&place, &finding));
                }
                found.extend(canary);
            }
        }
        for (number, canary) in self.canaries.iter().enumerate() {
            if canary.must.contains(party) && !found.contains(&number) {
                let how = "missing".to_string();
                faults.push(Fault { place: place.clone(), canary: canary.name.clone(), how });
            }
        }
        faults
    }
}
