//! Which notices are taken.

use warifu_types::Role;

/// Whether a peer in this role may give notices at all: only fronts do.
pub fn may_ask(role: Role) -> bool {
    matches!(role, Role::Merchant | Role::Door)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fronts_only() {
        let may: Vec<_> = Role::ALL.iter().filter(|role| may_ask(**role)).collect();
        assert_eq!(may, [&Role::Merchant, &Role::Door]);
    }
}
