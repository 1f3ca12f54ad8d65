//! Which notices are taken, and which are the same.

use warifu_types::{Digest, Identifier, Role};
use warifu_wire::Problem;

/// Refuses another order under a known id, and another front's.
pub fn same(
    known: (&Digest, &Identifier),
    identity: &Digest,
    front: &Identifier,
) -> Result<(), Problem> {
    if known == (identity, front) { Ok(()) } else { Err(Problem::conflict("order.jti")) }
}

/// Whether a peer in this role may give notices at all: only fronts do.
pub fn may_ask(role: Role) -> bool {
    matches!(role, Role::Merchant | Role::Door)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_order_for_one_id() {
        let shop = Identifier::parse("domain:shop.example").unwrap();
        let other = Identifier::parse("domain:other.example").unwrap();
        let (a, b) = (Digest([1; 32]), Digest([2; 32]));
        assert_eq!(same((&a, &shop), &a, &shop), Ok(()));
        assert_eq!(same((&a, &shop), &b, &shop), Err(Problem::conflict("order.jti")));
        assert_eq!(same((&a, &shop), &a, &other), Err(Problem::conflict("order.jti")));
    }

    #[test]
    fn fronts_only() {
        let may: Vec<_> = Role::ALL.iter().filter(|role| may_ask(**role)).collect();
        assert_eq!(may, [&Role::Merchant, &Role::Door]);
    }
}
