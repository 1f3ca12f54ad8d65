//! What a telegram asks for. Everything here about people is `Debug` by its kind only.

use crate::{
    encode::sha256,
    error::{ProtocolError, Reason, Result},
    sealed::SealedOrder,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use warifu_types::{Digest, Money, Nonce, Role};
use zeroize::{Zeroize, Zeroizing};

/// What the center is to do.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Instruction {
    /// Enter the sender in the register (rows B2, B3, B6).
    Register(Box<Registration>),
    /// Issue value on a prepaid card (row B7).
    TopUp(Box<TopUp>),
    /// Say how a top-up stands.
    TopUpStatus {
        /// The id of the telegram that asked for it.
        telegram: Nonce,
    },
    /// Pay for an order (row B9).
    Pay(Box<Payment>),
    /// Say what a card holds.
    Balance {
        /// The card's number.
        card: String,
    },
    /// Give the signed documents of the sender's prepaid cards again (row B8), for a terminal that
    /// has lost them.
    Cards {
        /// How many of them the terminal has asked past already: 0, and then as the answer says.
        from: u32,
    },
    /// Verify with another key from now on. Signed with the old one.
    ChangeKey(Box<KeyChange>),
}

impl Instruction {
    /// The instruction's word, for logs.
    pub fn word(&self) -> &'static str {
        match self {
            Instruction::Register(_) => "register",
            Instruction::TopUp(_) => "top_up",
            Instruction::TopUpStatus { .. } => "top_up_status",
            Instruction::Pay(_) => "pay",
            Instruction::Balance { .. } => "balance",
            Instruction::Cards { .. } => "cards",
            Instruction::ChangeKey(_) => "change_key",
        }
    }

    /// Whether the center must answer the same for ever: asking how things stand changes nothing,
    /// and is answered anew.
    pub fn is_recorded(&self) -> bool {
        use Instruction::{Balance, Cards, TopUpStatus};
        !matches!(self, TopUpStatus { .. } | Balance { .. } | Cards { .. })
    }
}

impl fmt::Debug for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Instruction({})", self.word())
    }
}

/// The registration telegram (row B6): signed with the key that its request names.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// The membership or store number of the letter.
    pub number: String,
    /// The one-time code of the letter.
    pub code: Zeroizing<String>,
    /// The hash of the terms that the person has confirmed.
    pub terms: Digest,
    /// Who joins.
    pub profile: Profile,
    /// The request for a credential and shares, signed with the same key as the telegram.
    pub enrolment: String,
}

/// Who joins: a general member or a merchant.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Profile {
    /// A general member.
    Member(Person),
    /// A merchant.
    Merchant(Store),
}

/// A general member's personal data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The postal address.
    pub address: String,
    /// The date of birth, `YYYY-MM-DD`.
    pub born: String,
}

/// A merchant's data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// The store's name.
    pub name: String,
    /// The postal address.
    pub address: String,
    /// Who answers for it.
    pub representative: String,
    /// Where it is paid.
    pub account: BankAccount,
}

/// A bank account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum BankAccount {
    /// ISO 13616.
    Iban {
        /// The IBAN, in electronic form.
        iban: String,
        /// The account holder.
        holder: String,
    },
    /// A Japanese account (Zengin).
    Japanese {
        /// Four digits.
        bank: String,
        /// Three digits.
        branch: String,
        /// Ordinary or current.
        kind: JapaneseAccountKind,
        /// Seven digits.
        number: String,
        /// The account holder, in half-width katakana, Latin capitals, digits and signs.
        holder: String,
    },
}

/// The kind of a Japanese account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JapaneseAccountKind {
    /// 普通
    Ordinary,
    /// 当座
    Current,
}

/// A request for value on a card (row B7).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopUp {
    /// How much.
    #[serde(deserialize_with = "crate::encode::object")]
    pub amount: Money,
    /// The card to load; none for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<String>,
    /// Where the money comes from.
    pub funding: Funding,
}

/// Where the money for a card comes from: the four ways of row B7.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Funding {
    /// An issuer is asked for credit: an order sealed to center and issuer.
    Issuer {
        /// The order with both parts. The center cannot open the issuer's.
        #[serde(deserialize_with = "crate::encode::object")]
        sealed: SealedOrder,
    },
    /// The member's bank or post office transfers to the center's.
    Transfer {},
    /// The member pays in at the center's bank or post office.
    PayIn {},
    /// Cash by registered mail.
    RegisteredMail {},
}

/// How a top-up is funded: [`Funding`] without what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// An issuer gives credit.
    Issuer,
    /// The member's bank or post office transfers.
    Transfer,
    /// Paid in at the center's bank or post office.
    PayIn,
    /// Cash by registered mail.
    RegisteredMail,
}

impl Way {
    /// The word in formats and commands.
    pub fn as_str(self) -> &'static str {
        match self {
            Way::Issuer => "issuer",
            Way::Transfer => "transfer",
            Way::PayIn => "pay_in",
            Way::RegisteredMail => "registered_mail",
        }
    }
}

/// From a command: only a way by which money comes in by itself.
impl std::str::FromStr for Way {
    type Err = String;
    fn from_str(text: &str) -> std::result::Result<Way, String> {
        [Way::Transfer, Way::PayIn, Way::RegisteredMail]
            .into_iter()
            .find(|way| way.as_str() == text)
            .ok_or_else(|| "one of transfer, pay_in, registered_mail".to_string())
    }
}

impl Funding {
    /// Which of the four ways it is.
    pub fn way(&self) -> Way {
        match self {
            Funding::Issuer { .. } => Way::Issuer,
            Funding::Transfer {} => Way::Transfer,
            Funding::PayIn {} => Way::PayIn,
            Funding::RegisteredMail {} => Way::RegisteredMail,
        }
    }
}

/// A payment instruction (row B9). What many payments have in common is named by its SHA-256, and
/// enclosed where the center does not have it yet ([`crate::joining::Message::Enclose`]).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payment {
    /// The signed order.
    pub order: String,
    /// The center's part of it.
    pub part: String,
    /// The payer's credential.
    pub credential: Digest,
    /// The merchant's form.
    pub form: Digest,
    /// The credential of the merchant that receives the order.
    pub front: Digest,
}

impl Payment {
    /// Pays for an order that goes to the merchant whose credential this is.
    pub fn of(sealed: &SealedOrder, front: &str) -> Result<Payment> {
        let missing = || ProtocolError::own(Reason::OutsideRule, "parts.center");
        Ok(Payment {
            order: sealed.order.clone(),
            part: sealed.parts.get(&Role::Center).ok_or_else(missing)?.clone(),
            credential: sha256(sealed.credential.as_bytes()),
            form: sha256(sealed.form.as_bytes()),
            front: sha256(front.as_bytes()),
        })
    }

    /// What is to be enclosed with a payment for such an order.
    pub fn enclosures(sealed: &SealedOrder, front: &str) -> Vec<String> {
        vec![sealed.credential.clone(), sealed.form.clone(), front.to_string()]
    }
}

/// A change of the signature key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyChange {
    /// A request for a credential of the same identifier, signed with the new key.
    pub enrolment: String,
}

macro_rules! debug_by_name {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}
debug_by_name!(
    Registration,
    Profile,
    Person,
    Store,
    BankAccount,
    TopUp,
    Funding,
    Payment,
    KeyChange
);

impl Drop for Person {
    fn drop(&mut self) {
        self.name.zeroize();
        self.address.zeroize();
        self.born.zeroize();
    }
}

impl Profile {
    /// Refuses data that nobody can have; the error names the field.
    pub fn check(&self) -> Result<()> {
        match self {
            Profile::Member(person) => {
                plain(&person.name, "name")?;
                plain(&person.address, "address")?;
                if !is_date(&person.born) {
                    return Err(bad("born"));
                }
                Ok(())
            }
            Profile::Merchant(store) => {
                plain(&store.name, "name")?;
                plain(&store.address, "address")?;
                plain(&store.representative, "representative")?;
                store.account.check()
            }
        }
    }
}

impl BankAccount {
    /// Refuses an account that cannot exist: a check digit of the IBAN, digits too many or too few,
    /// letters that the bank's formats do not have.
    pub fn check(&self) -> Result<()> {
        let digits = |text: &str, count: usize| {
            text.len() == count && text.bytes().all(|b| b.is_ascii_digit())
        };
        match self {
            BankAccount::Iban { iban, holder } => {
                if !is_iban(iban) {
                    return Err(bad("account.iban"));
                }
                plain(holder, "account.holder")
            }
            BankAccount::Japanese { bank, branch, number, holder, .. } => {
                if !digits(bank, 4) {
                    return Err(bad("account.bank"));
                }
                if !digits(branch, 3) {
                    return Err(bad("account.branch"));
                }
                if !digits(number, 7) {
                    return Err(bad("account.number"));
                }
                let zengin = |c: char| matches!(c, 'ｦ'..='ﾟ' | 'A'..='Z' | '0'..='9' | ' ' | '(' | ')' | '-' | '.' | '/');
                let length = holder.chars().count();
                if !(1..=30).contains(&length) || !holder.chars().all(zengin) {
                    return Err(bad("account.holder"));
                }
                Ok(())
            }
        }
    }
}

fn bad(field: &'static str) -> ProtocolError {
    ProtocolError::sender(Reason::BadValue, format!("telegram.instruction.profile.{field}"))
}

fn plain(text: &str, field: &'static str) -> Result<()> {
    let good = text.len() <= 512 && !text.trim().is_empty() && !text.chars().any(char::is_control);
    if good { Ok(()) } else { Err(bad(field)) }
}

/// A day of the calendar, `YYYY-MM-DD`, from 1850 on.
fn is_date(text: &str) -> bool {
    let pieces: Vec<&str> = text.split('-').collect();
    let [year, month, day] = pieces.as_slice() else { return false };
    if (year.len(), month.len(), day.len()) != (4, 2, 2) {
        return false;
    }
    let number = |text: &str| {
        text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u32>().ok()).flatten()
    };
    let (Some(year), Some(month), Some(day)) = (number(year), number(month), number(day)) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return false,
    };
    year >= 1850 && (1..=days).contains(&day)
}

/// An IBAN in electronic form (ISO 13616).
fn is_iban(text: &str) -> bool {
    use iban::IbanLike;
    text.parse::<iban::Iban>().is_ok_and(|iban| iban.electronic_str() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_the_calendar() {
        for good in ["1970-01-31", "2000-02-29", "1996-02-29", "1926-12-25"] {
            assert!(is_date(good), "{good}");
        }
        for bad in [
            "1900-02-29",
            "2001-04-31",
            "2001-13-01",
            "2001-00-10",
            "2001-1-10",
            "1970/01/31",
            "+970-01-01",
            "",
        ] {
            assert!(!is_date(bad), "{bad}");
        }
    }

    #[test]
    fn ibans_have_good_check_digits() {
        // The examples of the registry of ISO 13616.
        for good in
            ["DE89370400440532013000", "GB29NWBK60161331926819", "FR1420041010050500013M02606"]
        {
            assert!(is_iban(good), "{good}");
        }
        for bad in [
            "DE88370400440532013000",
            "de89370400440532013000",
            "DE89 3704 0044 0532 0130 00",
            "DE89",
        ] {
            assert!(!is_iban(bad), "{bad}");
        }
    }

    #[test]
    fn japanese_accounts() {
        let account = |bank: &str, number: &str, holder: &str| BankAccount::Japanese {
            bank: bank.into(),
            branch: "001".into(),
            kind: JapaneseAccountKind::Ordinary,
            number: number.into(),
            holder: holder.into(),
        };
        assert_eq!(account("0005", "1234567", "ﾔﾏﾀﾞ ﾊﾅｺ").check(), Ok(()));
        for (account, field) in [
            (account("5", "1234567", "ﾔﾏﾀﾞ"), "account.bank"),
            (account("0005", "123456", "ﾔﾏﾀﾞ"), "account.number"),
            (account("0005", "1234567", "山田"), "account.holder"),
        ] {
            let error = account.check().unwrap_err();
            assert!(error.field.ends_with(field), "{error}");
        }
    }
}
