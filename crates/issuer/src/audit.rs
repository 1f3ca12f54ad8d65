//! The check that money and records agree.

use crate::{Issuer, records::HOLDS};
use warifu_ports::holds::{AuditFailure, Audited};

impl Issuer {
    /// Audits the ledger, and compares every order's record with its hold. It reads everything in
    /// one job while all others wait: for the operator, not for every minute.
    pub async fn audit(&self) -> Result<Audited, AuditFailure> {
        self.store.run(|unit| HOLDS.audit(unit)).await
    }
}
