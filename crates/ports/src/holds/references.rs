//! Asking the registry which card a broker's reference names (row C7).

use crate::card_network::PresentedCard;
use async_trait::async_trait;
use warifu_types::{Digest, Identifier, Money};

/// What the registry is asked: the card for one order, and for no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceQuestion {
    /// The reference, as the order's sealed part names it.
    pub reference: String,
    /// The merchant who is to be paid.
    pub merchant: Identifier,
    /// How much.
    pub amount: Money,
    /// The order's identity. A reference that was used for another order is refused.
    pub order: Digest,
}

/// The registry could not be asked, or cannot say now: the same question is asked again, and nothing
/// is held meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the registry does not answer: {0}")]
pub struct ReferenceError(pub String);

/// The private line from an issuer to the registry.
#[async_trait]
pub trait CardReferences: Send + Sync + 'static {
    /// The card that a reference names; none if the registry says no. The same question again has
    /// the same answer, also when the reference is good for one order only.
    async fn resolve(
        &self,
        asked: &ReferenceQuestion,
    ) -> Result<Option<PresentedCard>, ReferenceError>;
}
