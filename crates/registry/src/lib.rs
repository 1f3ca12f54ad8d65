//! The card registry (rows C2, C4, C7): keeps cards apart from the broker, says whether a card is
//! good, and sends it by the second channel.
//!
//! A process of its own with two listeners. Holders' terminals reach it in the network and register
//! their card within a session ([`warifu_wire::Service`]). Broker and issuers reach it over the
//! private line ([`line_routes`]). The broker gets a yes or a no and a one-time reference; it can
//! neither read a card nor say where one is sent: that stands in the registry's own list of providers,
//! which its operator keeps.

mod answering;
mod claiming;
mod dispatching;
mod faxing;
mod keys;
mod line;
mod operating;
mod records;
mod registering;
mod registry;
mod resolving;
mod rotating;
pub mod rules;
mod sending;
mod settings;
mod viewing;

pub use keys::{CardKeys, KeyError};
pub use line::line_routes;
pub use operating::SheetSummary;
pub use records::{Channel, ProviderEntry, Step};
pub use registry::{ClosedLine, PrivateClosedLine, Registry, Ways};
pub use sending::Pass;
pub use settings::Settings;
pub use viewing::SheetView;
