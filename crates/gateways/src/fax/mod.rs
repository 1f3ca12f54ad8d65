//! Card sheets by fax (row C7): the page, a HylaFAX server, a mail-to-fax gateway, and a line in
//! memory for trials.

pub mod hylafax;
pub mod machine;
pub mod mail_to_fax;
mod number;
pub mod page;
pub mod simulator;
mod tiff;
