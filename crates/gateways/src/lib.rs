//! The outside world behind the ports: mail, fax, the card network; a real implementation and a
//! simulator of each. Of banks there is the simulator so far.

pub mod bank;
pub mod card_network;
pub mod fax;
pub mod mail;
