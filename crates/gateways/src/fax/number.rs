//! What the fax gateways check before anything leaves.

use warifu_ports::fax::FaxError;

/// A fax number: 3 to 20 digits, with a leading + if it is international.
pub(super) fn check_number(to: &str) -> Result<(), FaxError> {
    let digits = to.strip_prefix('+').unwrap_or(to);
    match (3..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(()),
        false => Err(FaxError::BadNumber),
    }
}

/// A stable id, as a fax server keeps it beside the job.
pub(super) fn check_id(id: &str) -> Result<(), FaxError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    match (1..=64).contains(&id.len()) && id.bytes().all(allowed) {
        true => Ok(()),
        false => Err(FaxError::BadId),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for good in ["117", "+81312345678", "0312345678", "12345678901234567890"] {
            assert_eq!(check_number(good), Ok(()), "{good}");
        }
        for bad in
            ["", "+", "12", "03-1234-5678", "123456789012345678901", "1 2 3", "555\r\nJKILL 1"]
        {
            assert_eq!(check_number(bad), Err(FaxError::BadNumber), "{bad}");
        }
    }

    #[test]
    fn ids() {
        assert_eq!(check_id("order-17_a"), Ok(()));
        for bad in ["", "a b", "a\"", "a\r\nQUIT", "票", &"a".repeat(65)] {
            assert_eq!(check_id(bad), Err(FaxError::BadId), "{bad}");
        }
    }
}
