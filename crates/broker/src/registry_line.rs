//! What the broker asks the card registry over the private line.

use async_trait::async_trait;
use warifu_wire::{
    CallError,
    private_line::{
        AuthenticateAnswer, AuthenticateQuestion, CodeQuestion, DispatchAnswer, DispatchQuestion,
        LineClient, LineDone, NumberQuestion, VoidAnswer,
    },
};

/// The card registry. Each question may be asked again, and has the same answer.
#[async_trait]
pub trait RegistryLine: Send + Sync + 'static {
    /// A member may register a card with a code of this hash.
    async fn code(&self, question: &CodeQuestion) -> Result<LineDone, CallError>;

    /// Whether a member's card is good.
    async fn authenticate(
        &self,
        question: &AuthenticateQuestion,
    ) -> Result<AuthenticateAnswer, CallError>;

    /// Sends the card to the provider, by the registry's own list.
    async fn dispatch(&self, question: &DispatchQuestion) -> Result<DispatchAnswer, CallError>;

    /// Calls an answer back, if nothing has gone out.
    async fn void(&self, question: &NumberQuestion) -> Result<VoidAnswer, CallError>;
}

#[async_trait]
impl RegistryLine for LineClient {
    async fn code(&self, question: &CodeQuestion) -> Result<LineDone, CallError> {
        self.ask("/v1/line/code", question).await
    }

    async fn authenticate(
        &self,
        question: &AuthenticateQuestion,
    ) -> Result<AuthenticateAnswer, CallError> {
        self.ask("/v1/line/authenticate", question).await
    }

    async fn dispatch(&self, question: &DispatchQuestion) -> Result<DispatchAnswer, CallError> {
        self.ask("/v1/line/dispatch", question).await
    }

    async fn void(&self, question: &NumberQuestion) -> Result<VoidAnswer, CallError> {
        self.ask("/v1/line/void", question).await
    }
}
