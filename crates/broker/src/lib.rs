//! The order broker (rows C1 to C8): stands between users, who have a membership number and a
//! password, and providers, who are merchants of the network.
//!
//! A [`Broker`] is a party on the holders' side. Providers register services, which users search and
//! order; the card registry says whether the user's card is good ([`RegistryLine`]); the user approves
//! by mail or on a page; then the broker makes, signs and seals the order to the provider as a holder's
//! terminal does, and has the registry send the card by another channel. An order is a recorded state
//! machine ([`rules::steps`]): each step asks a peer who answers the same twice, and stores what came of
//! it in one job.
//!
//! No type here has a field for a card: the broker is never given one.

mod approving;
mod broker;
mod devices;
mod drive;
mod ending;
mod http;
mod mails;
mod members;
mod operating;
mod ordering;
mod pages;
mod passing;
mod passkeys;
mod passwords;
mod providers;
mod records;
mod registry_line;
pub mod rules;
mod services;
mod settings;
mod stock;
mod view;
mod worker;

pub use approving::{Approval, OrderView};
pub use broker::Broker;
pub use devices::KnownDevice;
pub use http::routes;
pub use members::{Login, MemberApplication, MemberSummary};
pub use operating::OrderSummary;
pub use ordering::OrderWish;
pub use passkeys::{
    Answer, Attempt, CreationOptions, NewPasskeyAnswer, PasskeySummary, RequestOptions,
};
pub use providers::{ProviderApplication, ProviderSummary};
pub use records::{Channel, Standing, Step};
pub use registry_line::RegistryLine;
pub use services::{Found, FoundPage, Import, SearchWish};
pub use settings::Settings;
pub use worker::Pass;
