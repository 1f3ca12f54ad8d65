//! Prices as people write them in files.

use warifu_types::{Currency, Money};

/// A price such as `1980` or `19.80`: digits, and a point with no more decimals than the currency
/// has. No sign, no separator of thousands.
pub fn parse(text: &str, currency: Currency) -> Option<Money> {
    let text = text.trim();
    let (whole, decimals) = match text.split_once('.') {
        Some((whole, decimals)) if !decimals.is_empty() => (whole, decimals),
        Some(_) => return None,
        None => (text, ""),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let places = usize::try_from(currency.decimals()).ok()?;
    // JSON libraries write 1980 as 1980.0: zeros beyond the currency's decimals say nothing.
    let (kept, rest) = decimals.split_at_checked(places.min(decimals.len()))?;
    if whole.is_empty() || !digits(whole) || !digits(kept) || rest.bytes().any(|b| b != b'0') {
        return None;
    }
    let minor = format!("{whole}{kept:0<places$}").parse().ok()?;
    Money::new(minor, currency).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_exact_or_none() {
        let yen = |text| parse(text, Currency::JPY).map(Money::minor);
        let euro = |text| parse(text, Currency::EUR).map(Money::minor);
        assert_eq!((yen("1980"), yen(" 0 "), yen("1980.0")), (Some(1_980), Some(0), Some(1_980)));
        assert_eq!(
            (euro("19.80"), euro("19.8"), euro("19")),
            (Some(1_980), Some(1_980), Some(1_900))
        );
        for bad in ["", "-1", "+1", "1,980", "1.", ".5", "1e3", "１９８０", "1 980", "19.805"] {
            assert_eq!(euro(bad), None, "{bad}");
        }
        assert_eq!(yen("19.80"), None);
        assert_eq!(yen("99999999999999999999"), None);
    }
}
