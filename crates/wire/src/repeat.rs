//! Which questions about an order are the same.

use crate::Problem;
use warifu_types::{Digest, Identifier};

/// Refuses another order under a known id, and another front's: `known` and `asked` are an order's
/// identity and its front.
pub fn same_order(
    known: (&Digest, &Identifier),
    asked: (&Digest, &Identifier),
) -> Result<(), Problem> {
    if known == asked { Ok(()) } else { Err(Problem::conflict("order.jti")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_order_for_one_id() {
        let shop = Identifier::parse("domain:shop.example").unwrap();
        let other = Identifier::parse("domain:other.example").unwrap();
        let (a, b) = (Digest([1; 32]), Digest([2; 32]));
        assert_eq!(same_order((&a, &shop), (&a, &shop)), Ok(()));
        assert_eq!(same_order((&a, &shop), (&b, &shop)), Err(Problem::conflict("order.jti")));
        assert_eq!(same_order((&a, &shop), (&a, &other)), Err(Problem::conflict("order.jti")));
    }
}
