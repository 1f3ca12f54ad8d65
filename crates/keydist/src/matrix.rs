//! The names of matrices, and the two sides of one.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt, str::FromStr};

/// Names one matrix of a center in one epoch.
///
/// As text: `h3` is holders × services of group 3; `s0-2` is services of group 0 × services of
/// group 2; `s1-1` is the symmetric square of group 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Matrix {
    /// Holders × the services of one group.
    Holders {
        /// The services' group.
        group: u32,
    },
    /// Services × services; make it by [`Matrix::between_services`], which puts the groups in
    /// order. A matrix with `low > high` does not exist: its text is refused by everyone.
    Services {
        /// The lower group, whose services stand on the rows.
        low: u32,
        /// The higher group, whose services stand on the columns.
        high: u32,
    },
}

/// Which side of the matrix the owner of a share stands on.
///
/// On the rows: holders, the services of the lower group, and in a square everyone. On the
/// columns: services towards holders, and the services of the higher group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The owner's point is x.
    Rows,
    /// The owner's point is y.
    Columns,
}

/// A text that does not name a matrix in its one spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a matrix is h<group> or s<low>-<high>, in plain decimal, low <= high")]
pub struct BadMatrix;

impl Matrix {
    /// The matrix for services of group `a` with services of group `b`, in either order.
    pub fn between_services(a: u32, b: u32) -> Matrix {
        Matrix::Services { low: a.min(b), high: a.max(b) }
    }

    /// Whether f(x, y) = f(y, x), so that both parties stand on the rows.
    pub fn is_square(&self) -> bool {
        matches!(self, Matrix::Services { low, high } if low == high)
    }
}

impl Side {
    /// The word in share files.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Side::Rows => "rows",
            Side::Columns => "columns",
        }
    }
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Matrix::Holders { group } => write!(f, "h{group}"),
            Matrix::Services { low, high } => write!(f, "s{low}-{high}"),
        }
    }
}

impl FromStr for Matrix {
    type Err = BadMatrix;
    fn from_str(text: &str) -> Result<Self, BadMatrix> {
        let number = |digits: &str| digits.parse::<u32>().map_err(|_| BadMatrix);
        let matrix = if let Some(group) = text.strip_prefix('h') {
            Matrix::Holders { group: number(group)? }
        } else {
            let groups = text.strip_prefix('s').ok_or(BadMatrix)?;
            let (low, high) = groups.split_once('-').ok_or(BadMatrix)?;
            Matrix::between_services(number(low)?, number(high)?)
        };
        // One spelling only: this refuses leading zeros, signs and groups in the wrong order.
        if matrix.to_string() == text { Ok(matrix) } else { Err(BadMatrix) }
    }
}

impl Serialize for Matrix {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Matrix {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(d)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_matrix_has_one_text() {
        for (matrix, text) in [
            (Matrix::Holders { group: 3 }, "h3"),
            (Matrix::Holders { group: u32::MAX }, "h4294967295"),
            (Matrix::between_services(2, 0), "s0-2"),
            (Matrix::between_services(1, 1), "s1-1"),
        ] {
            assert_eq!(matrix.to_string(), text);
            assert_eq!(text.parse(), Ok(matrix));
            let json = format!("\"{text}\"");
            assert_eq!(serde_json::to_string(&matrix).unwrap(), json);
            assert_eq!(serde_json::from_str::<Matrix>(&json).unwrap(), matrix);
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "h",
            "h03",
            "h+3",
            "h 3",
            "h-3",
            "H3",
            "h4294967296",
            "h3 ",
            "s",
            "s1",
            "s2-0",
            "s0-02",
            "s00-2",
            "s0-2-3",
            "s0-",
            "s-2",
            "m3",
            "h３",
        ] {
            assert_eq!(text.parse::<Matrix>(), Err(BadMatrix), "{text}");
            assert!(serde_json::from_str::<Matrix>(&format!("\"{text}\"")).is_err());
        }
    }

    #[test]
    fn only_one_group_with_itself_is_square() {
        assert!(Matrix::between_services(4, 4).is_square());
        assert!(!Matrix::between_services(4, 5).is_square());
        assert!(!Matrix::Holders { group: 4 }.is_square());
    }
}
