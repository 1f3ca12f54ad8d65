//! What can be decoded inside a piece of data, a file for each kind.

mod base64;
mod chunked;
mod deflate;
mod escapes;
mod hex;
mod text;

/// Takes what decoders find.
pub(crate) trait Sink {
    /// `bytes` were inside, by the decoding named `kind`.
    fn inside(&mut self, kind: &'static str, bytes: &[u8]);
    /// There was more inside than is looked at.
    fn cut(&mut self);
}

/// Gives the sink everything that lies one decoding deep in `data`.
pub(crate) fn all(data: &[u8], sink: &mut dyn Sink) {
    base64::decode(data, sink);
    hex::decode(data, sink);
    deflate::decode(data, sink);
    escapes::decode(data, sink);
    chunked::decode(data, sink);
}
