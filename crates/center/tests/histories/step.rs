//! What may happen, in any order.

use proptest::prelude::*;

/// Something happens; the center may die meanwhile, after so many halves of jobs of its store.
#[derive(Debug, Clone)]
pub struct Step {
    pub what: What,
    pub dies: Option<u8>,
}

/// Numbers name one of those that are there, counted round.
#[derive(Debug, Clone)]
pub enum What {
    /// Somebody else becomes a member.
    Join,
    /// A member asks for value, on one of the own cards or a new one.
    Load {
        member: u8,
        card: u8,
        by: By,
        amount: u16,
    },
    /// Money comes for a request that has waited.
    Late {
        request: u8,
    },
    /// Money comes that names no request.
    Stray {
        amount: u16,
    },
    /// An order at one of two merchants, with any card of its owner.
    Pay {
        card: u8,
        shop: u8,
        amount: u16,
        metered: bool,
    },
    /// Metered goods are used further.
    Tick {
        payment: u8,
        more: u16,
    },
    /// A merchant captures all that there is, or a part in eighths.
    Capture {
        payment: u8,
        part: u8,
    },
    Void {
        payment: u8,
    },
    /// Something that was done is done again, to the byte.
    Again {
        which: u16,
    },
    Days(u8),
    Minutes(u8),
    Restart,
}

/// Where value comes from.
#[derive(Debug, Clone, Copy)]
pub enum By {
    Credit,
    /// Money, which comes at once, or has to be waited for.
    Money {
        at_once: bool,
    },
}

pub fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let by = prop_oneof![
        2 => Just(By::Credit),
        3 => any::<bool>().prop_map(|at_once| By::Money { at_once }),
    ];
    let what = prop_oneof![
        2 => Just(What::Join),
        5 => (any::<u8>(), 0..4u8, by, 1..6000u16)
            .prop_map(|(member, card, by, amount)| What::Load { member, card, by, amount }),
        1 => any::<u8>().prop_map(|request| What::Late { request }),
        1 => (1..900u16).prop_map(|amount| What::Stray { amount }),
        8 => (any::<u8>(), any::<u8>(), 1..3000u16, any::<bool>())
            .prop_map(|(card, shop, amount, metered)| What::Pay { card, shop, amount, metered }),
        4 => (any::<u8>(), 1..900u16).prop_map(|(payment, more)| What::Tick { payment, more }),
        5 => (any::<u8>(), 0..12u8)
            .prop_map(|(payment, part)| What::Capture { payment, part }),
        2 => any::<u8>().prop_map(|payment| What::Void { payment }),
        4 => any::<u16>().prop_map(|which| What::Again { which }),
        1 => (1..40u8).prop_map(What::Days),
        1 => (1..20u8).prop_map(What::Minutes),
        1 => Just(What::Restart),
    ];
    let dies = prop::option::weighted(0.2, 0..16u8);
    let step = (what, dies).prop_map(|(what, dies)| Step { what, dies });
    prop::collection::vec(step, 1..most)
}
