//! The outside world behind the ports: mail, fax, the card network; a real implementation and a
//! simulator of each.

pub mod card_network;
pub mod fax;
pub mod mail;
