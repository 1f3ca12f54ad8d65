//! Fuzz targets for every parser of outside bytes. See `targets`.

pub mod targets;
