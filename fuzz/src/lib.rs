//! Fuzz targets for every parser of outside bytes: see `targets` for the protocol's, and `services` for
//! all that lies behind it.

pub mod services;
pub mod targets;
