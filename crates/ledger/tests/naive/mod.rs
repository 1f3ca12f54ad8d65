//! A second ledger, written without a look at the first: it keeps nothing but a log of applied
//! transfers, and adds it up afresh for every question. Slow and plain.
#![allow(clippy::unwrap_used, reason = "test code, outside of test functions")]

use warifu_ledger::{
    Account, AccountId, Balance, Kind, Ledger, Limit, MemoryLedger, Transfer, TransferField,
    TransferId, TransferResult, contract,
};

#[derive(Default)]
pub struct NaiveLedger {
    accounts: Vec<Account>,
    log: Vec<Transfer>,
}

impl NaiveLedger {
    pub fn create_random_accounts(&mut self) {
        let mut other = MemoryLedger::new();
        contract::create_random_accounts(&mut other);
        self.accounts =
            other.accounts(None, 100).unwrap().into_iter().map(|(account, _)| account).collect();
    }

    pub fn balance(&self, account: AccountId) -> Balance {
        let mut sums = [0i128; 4];
        for t in &self.log {
            let held = match t.kind {
                Kind::Post { pending } | Kind::Void { pending } => {
                    self.find(pending).unwrap().amount
                }
                _ => 0,
            };
            let (pending, posted) = match t.kind {
                Kind::Plain => (0, i128::from(t.amount)),
                Kind::Pending => (i128::from(t.amount), 0),
                Kind::Post { .. } => (-i128::from(held), i128::from(t.amount)),
                Kind::Void { .. } => (-i128::from(held), 0),
            };
            if t.debit == account {
                sums[0] += pending;
                sums[1] += posted;
            }
            if t.credit == account {
                sums[2] += pending;
                sums[3] += posted;
            }
        }
        let [debits_pending, debits_posted, credits_pending, credits_posted] =
            sums.map(|sum| u64::try_from(sum).unwrap());
        Balance { debits_pending, debits_posted, credits_pending, credits_posted }
    }

    fn find(&self, id: TransferId) -> Option<&Transfer> {
        self.log.iter().find(|t| t.id == id)
    }

    pub fn apply(&mut self, batch: &[Transfer]) -> Vec<TransferResult> {
        let mut results = Vec::new();
        let mut chain: Vec<Transfer> = Vec::new();
        for t in batch {
            chain.push(*t);
            if !t.linked {
                results.extend(self.apply_chain(&std::mem::take(&mut chain)));
            }
        }
        if !chain.is_empty() {
            results.extend(vec![TransferResult::LinkedFailed; chain.len() - 1]);
            results.push(TransferResult::LinkedChainOpen);
        }
        results
    }

    fn apply_chain(&mut self, chain: &[Transfer]) -> Vec<TransferResult> {
        let before = self.log.clone();
        let mut results = Vec::new();
        for t in chain {
            let result = self.one(t);
            results.push(result);
            let culprit = if !result.is_applied() {
                result
            } else if result != results[0] {
                TransferResult::ChainPartlyExists
            } else {
                continue;
            };
            self.log = before;
            let place = results.len() - 1;
            let mut failed = vec![TransferResult::LinkedFailed; chain.len()];
            failed[place] = culprit;
            return failed;
        }
        results
    }

    fn one(&mut self, t: &Transfer) -> TransferResult {
        if let Some(old) = self.find(t.id) {
            return same(old, t);
        }
        let account = |id| self.accounts.iter().find(|account| account.id == id);
        if t.debit == t.credit {
            return TransferResult::SameAccount;
        }
        if t.amount == 0 {
            return TransferResult::ZeroAmount;
        }
        let Some(debit) = account(t.debit) else { return TransferResult::DebitAccountNotFound };
        let Some(credit) = account(t.credit) else { return TransferResult::CreditAccountNotFound };
        if !(debit.currency == t.currency && t.currency == credit.currency) {
            return TransferResult::CurrencyMismatch;
        }
        let (debit, credit) = (*debit, *credit);
        if let Some(refused) = self.hold_refuses(t) {
            return refused;
        }
        self.log.push(*t);
        let (from, to) = (self.balance(debit.id), self.balance(credit.id));
        let overdrawn = debit.limit == Limit::DebitsMustNotExceedCredits
            && from.debits_pending + from.debits_posted > from.credits_posted;
        let oversettled = credit.limit == Limit::CreditsMustNotExceedDebits
            && to.credits_pending + to.credits_posted > to.debits_posted;
        if overdrawn || oversettled {
            self.log.pop();
        }
        match (overdrawn, oversettled) {
            (true, _) => TransferResult::ExceedsCredits,
            (_, true) => TransferResult::ExceedsDebits,
            _ => TransferResult::Ok,
        }
    }

    fn hold_refuses(&self, t: &Transfer) -> Option<TransferResult> {
        let (Kind::Post { pending } | Kind::Void { pending }) = t.kind else { return None };
        let Some(hold) = self.find(pending) else { return Some(TransferResult::PendingNotFound) };
        if hold.kind != Kind::Pending {
            return Some(TransferResult::NotPending);
        }
        let differs = |field| Some(TransferResult::PendingDiffers { field });
        if hold.debit != t.debit {
            return differs(TransferField::Debit);
        }
        if hold.credit != t.credit {
            return differs(TransferField::Credit);
        }
        if t.kind == (Kind::Void { pending }) && hold.amount != t.amount {
            return differs(TransferField::Amount);
        }
        for other in &self.log {
            if other.kind == (Kind::Post { pending }) {
                return Some(TransferResult::PendingAlreadyPosted);
            }
            if other.kind == (Kind::Void { pending }) {
                return Some(TransferResult::PendingAlreadyVoided);
            }
        }
        (t.amount > hold.amount).then_some(TransferResult::ExceedsPending)
    }
}

fn same(old: &Transfer, new: &Transfer) -> TransferResult {
    let field = if old.debit != new.debit {
        TransferField::Debit
    } else if old.credit != new.credit {
        TransferField::Credit
    } else if old.amount != new.amount {
        TransferField::Amount
    } else if old.currency != new.currency {
        TransferField::Currency
    } else if old.kind != new.kind {
        TransferField::Kind
    } else if old.linked != new.linked {
        TransferField::Linked
    } else if old.code != new.code {
        TransferField::Code
    } else if old.user_data != new.user_data {
        TransferField::UserData
    } else {
        return TransferResult::Exists;
    };
    TransferResult::ExistsWithDifferent { field }
}
