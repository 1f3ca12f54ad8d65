//! The demonstration's bank and post office (row B7, ways 2 to 4): the simulator of
//! `warifu-gateways`, whose lists the center takes in.

use crate::Failure;
use std::time::Duration;
use warifu_center::{Center, Source as Account};
use warifu_gateways::bank::{
    account::Slip,
    simulator::{BankWorld, House},
};
use warifu_holder::Source;
use warifu_types::Money;

/// How often the center looks for what came in.
const TAKE_IN_EVERY: Duration = Duration::from_millis(100);

/// Opens both houses, and has the center take in what comes to its accounts there.
pub fn open(center: &Center) -> Result<BankWorld, Failure> {
    let banks = BankWorld::new();
    for (name, house) in [("bank", House::Bank), ("post-office", House::PostOffice)] {
        let account = Account::new(name, banks.center(house).clone())?;
        drop(center.settlement().spawn_intake(account, TAKE_IN_EVERY));
    }
    Ok(banks)
}

/// Somebody brings the money for a top-up, with the reference that the center has given for it.
pub fn bring(
    banks: &BankWorld,
    who: &str,
    source: &Source,
    (reference, amount): (String, Money),
) -> Result<(), Failure> {
    let slip = Slip { reference, amount };
    match source {
        Source::Transfer => {
            banks.open_account(House::Bank, who, amount);
            banks
                .transfer((House::Bank, who), &slip)
                .map_err(|error| Failure::input("transfer", error.to_string()))?;
        }
        Source::PayIn => drop(banks.pay_in(House::PostOffice, &slip)),
        Source::RegisteredMail => drop(banks.send_cash(&slip)),
        Source::Issuer { .. } => return Err(Failure::input("source", "an issuer pays by itself")),
    }
    Ok(())
}
