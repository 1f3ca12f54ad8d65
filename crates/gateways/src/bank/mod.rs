//! Banks and post offices where a center has accounts (row B7). Here are those of trials and of the
//! demonstration; the files of real ones are the back office's.

pub mod account;
pub mod simulator;
