//! Where a page has ended.

use warifu_ports::search::SearchError;

/// The last hit of a page.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cursor {
    /// By key.
    Key(String),
    /// By rank and row.
    Rank(f64, i64),
}

impl Cursor {
    pub fn write(&self) -> String {
        match self {
            Cursor::Key(key) => format!("k{key}"),
            Cursor::Rank(rank, id) => format!("r{:016x}-{id}", rank.to_bits()),
        }
    }

    pub fn read(text: &str) -> Result<Cursor, SearchError> {
        let bad = || SearchError::BadCursor;
        if let Some(key) = text.strip_prefix('k') {
            return Ok(Cursor::Key(key.to_string()));
        }
        let (rank, id) =
            text.strip_prefix('r').and_then(|rest| rest.split_once('-')).ok_or_else(bad)?;
        let rank = u64::from_str_radix(rank, 16).map_err(|_| bad())?;
        let id = id.parse().map_err(|_| bad())?;
        Ok(Cursor::Rank(f64::from_bits(rank), id))
    }
}
