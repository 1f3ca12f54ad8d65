//! Passwords as people type them.

use crate::error::{Result, VaultError};
use std::fmt;
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

const MAX_BYTES: usize = 1024;
const MIN_NEW_CHARACTERS: usize = 8;

/// A password in Unicode NFKC, so that full-width and half-width letters are the same. Wiped from
/// memory when dropped, never shown.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// From what was typed: not empty, at most 1024 bytes, before normalization and after it. The
    /// caller wipes its own copy.
    pub fn new(typed: &str) -> Result<Password> {
        if typed.is_empty() {
            return Err(VaultError::PasswordEmpty);
        }
        if typed.len() > MAX_BYTES {
            return Err(VaultError::PasswordTooLong);
        }
        // Counted first, so that the text never grows and leaves copies behind.
        let length = typed.nfkc().map(char::len_utf8).sum();
        if length > MAX_BYTES {
            return Err(VaultError::PasswordTooLong);
        }
        let mut text = Zeroizing::new(String::with_capacity(length));
        typed.nfkc().for_each(|character| text.push(character));
        Ok(Password(text))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Refuses a new password of fewer than 8 characters.
    pub(crate) fn check_new(&self) -> Result<()> {
        if self.0.chars().count() < MIN_NEW_CHARACTERS {
            return Err(VaultError::PasswordTooShort);
        }
        Ok(())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(secret)")
    }
}

/// The new passwords of a vault, and with them its mode.
#[derive(Debug, Clone)]
pub struct Passwords {
    pub(crate) a: Password,
    pub(crate) b: Option<Password>,
}

impl Passwords {
    /// One-password mode: A alone signs. At least 8 characters.
    pub fn one(a: Password) -> Result<Passwords> {
        a.check_new()?;
        Ok(Passwords { a, b: None })
    }

    /// Two-password mode. At least 8 characters each, and not the same.
    pub fn two(a: Password, b: Password) -> Result<Passwords> {
        a.check_new()?;
        b.check_new()?;
        if a.bytes().ct_eq(b.bytes()).into() {
            return Err(VaultError::SamePasswords);
        }
        Ok(Passwords { a, b: Some(b) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_does_not_matter_but_case_does() {
        let typed = |text| Password::new(text).unwrap().bytes().to_vec();
        assert_eq!(typed("ｐａｓｓｗｏｒｄ１"), typed("password1"));
        assert_eq!(typed("ﾊﾟｽﾜｰﾄﾞ"), typed("パスワード"));
        assert_ne!(typed("Password1"), typed("password1"));
    }

    #[test]
    fn lengths_are_held_before_and_after_normalization() {
        assert!(matches!(Password::new(""), Err(VaultError::PasswordEmpty)));
        assert!(Password::new(&"x".repeat(1024)).is_ok());
        assert!(matches!(Password::new(&"x".repeat(1025)), Err(VaultError::PasswordTooLong)));
        // One character of 3 bytes that NFKC makes 33 of.
        let expands = "\u{fdfa}".repeat(32);
        assert!(matches!(Password::new(&expands), Err(VaultError::PasswordTooLong)));
    }

    #[test]
    fn new_ones_are_long_and_differ() {
        let password = |text| Password::new(text).unwrap();
        assert!(matches!(Passwords::one(password("1234567")), Err(VaultError::PasswordTooShort)));
        assert!(Passwords::one(password("八文字の合言葉だ")).is_ok());
        let short_b = Passwords::two(password("12345678"), password("1234567"));
        assert!(matches!(short_b, Err(VaultError::PasswordTooShort)));
        let same = Passwords::two(password("12345678"), password("１２３４５６７８"));
        assert!(matches!(same, Err(VaultError::SamePasswords)));
        assert!(Passwords::two(password("12345678"), password("12345679")).is_ok());
    }
}
