//! The second channel: card data on paper, apart from the order (row C7).

use async_trait::async_trait;
use warifu_types::UnixTime;
use zeroize::{Zeroize, Zeroizing};

/// What goes to a provider by the second channel: a card, and a number that matches the order and
/// nothing else that does.
#[derive(Clone)]
pub struct CardSheet {
    /// The number that stands on the order too.
    pub number: String,
    /// Whom it is for: the provider's name.
    pub provider: String,
    /// The name on the card.
    pub holder_name: Zeroizing<String>,
    /// The card number, digits only.
    pub card_number: Zeroizing<String>,
    /// The card's expiry, `YYYY-MM`.
    pub card_expiry: Zeroizing<String>,
    /// When it was written.
    pub written: UnixTime,
}

impl std::fmt::Debug for CardSheet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CardSheet").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Drop for CardSheet {
    fn drop(&mut self) {
        self.number.zeroize();
    }
}

/// A fax server's own id of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaxJob(pub String);

/// Whether a server has a job of some id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// It has it.
    Job(FaxJob),
    /// It has none: nothing went out under this id.
    Nothing,
    /// It cannot be asked: the page may have gone out.
    Untold,
}

/// What is left of a job at the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spool {
    /// Nothing.
    Clear,
    /// What the server keeps is beyond our reach, and stays so.
    BeyondReach,
}

/// How far a fax has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaxState {
    /// It waits, or is being sent.
    Waiting,
    /// The other side has confirmed so many pages.
    Sent {
        /// Confirmed pages.
        pages: u32,
    },
    /// The line is busy or nobody answers; the server tries again by itself.
    Busy,
    /// It will not go out any more; the reason is the server's code or word, never a text of the page.
    Failed {
        /// Why.
        reason: String,
    },
    /// The server does not know the job, or cannot say whether it went out: an operator must ask the
    /// provider before it is sent again.
    Unconfirmed,
}

/// Why a fax was not handed over. No variant carries what is on the page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaxError {
    /// The server cannot be reached, or asks to try later: it has no page, which waits.
    #[error("the fax server does not answer: {0}")]
    Unreachable(String),
    /// The server broke off when it had the page: only [`Fax::find`] can tell what it has made of it.
    #[error("the fax server broke off: {0}")]
    Unclear(String),
    /// The server refuses the job: its code and the step.
    #[error("the fax server refuses to {step}: {code}")]
    Refused {
        /// What was asked.
        step: &'static str,
        /// The server's reply code.
        code: u16,
    },
    /// A number that is none.
    #[error("fax_number: 3 to 20 digits, with a leading + if it is international")]
    BadNumber,
    /// A stable id that a server cannot keep beside the job.
    #[error("id: 1 to 64 letters, digits, - and _")]
    BadId,
    /// The page cannot be drawn: a font is missing, or a text does not fit.
    #[error("the page cannot be drawn: {0}")]
    Page(&'static str),
}

/// Sends card sheets by fax.
#[async_trait]
pub trait Fax: Send + Sync + 'static {
    /// Hands a page to the server under a stable id. The same id again finds the job that is there,
    /// where the server can be asked; nothing goes out twice because an answer was lost. An id is 1 to
    /// 64 letters, digits, hyphens and underlines, and says nothing of the order.
    async fn submit(&self, id: &str, to: &str, sheet: &CardSheet) -> Result<FaxJob, FaxError>;

    /// The job that was made under an id, before anything is done about it anew.
    async fn find(&self, id: &str) -> Result<Known, FaxError>;

    /// How far a job has come.
    async fn state(&self, job: &FaxJob) -> Result<FaxState, FaxError>;

    /// Removes what the server still keeps of a finished job: page and document (row C7). An error
    /// says that something is left and may be removed later; it is refused for a job that is not over.
    async fn clear(&self, job: &FaxJob) -> Result<Spool, FaxError>;
}
