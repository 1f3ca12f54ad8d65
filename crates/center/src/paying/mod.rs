//! Payments (rows B9, B10): the member pays by a telegram, the merchant asks for the result, claims
//! it after delivery, and is told of it at once.

mod authorize;
pub(crate) mod fresh;
mod meter;
mod notice;
mod pay;
mod peers;
