//! The center: issues keys and credentials (row A2), keeps the directory, and hands out keys for
//! single trades where the network works so (row A4). Money comes with a later issue.

mod error;
mod http;
mod records;
mod registrar;
pub mod rules;

pub use error::CenterError;
pub use http::{Center, routes};
pub use registrar::{CenterWish, Kind, Registrar, add_center, init};
