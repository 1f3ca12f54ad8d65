//! For which site passkeys are.

use url::{Origin, Url};

/// A relying party: the site that its passkeys are bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Scheme, host and port as browsers write them: `https://order.example`.
    pub origin: String,
    /// The host's name (*RP ID*), to which authenticators bind a passkey: `order.example`.
    pub id: String,
}

impl Site {
    /// The site of a public address. None where browsers have no passkeys: without TLS, but for
    /// `localhost`, and at an address that has no name.
    pub fn of(address: &str) -> Option<Site> {
        let url = Url::parse(address).ok()?;
        let id = url.domain()?.to_string();
        let local = id == "localhost" || id.ends_with(".localhost");
        let origin = url.origin();
        match &origin {
            Origin::Tuple(scheme, ..) if scheme == "https" || (scheme == "http" && local) => {
                Some(Site { origin: origin.ascii_serialization(), id })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_written_as_browsers_write_it() {
        for (address, origin, id) in [
            ("https://order.example", "https://order.example", "order.example"),
            ("https://order.example:443/a/path", "https://order.example", "order.example"),
            ("https://Order.Example:8443", "https://order.example:8443", "order.example"),
            ("https://注文.example", "https://xn--7dv27n.example", "xn--7dv27n.example"),
            ("http://localhost:7400", "http://localhost:7400", "localhost"),
        ] {
            let site = Site::of(address).unwrap();
            assert_eq!((site.origin.as_str(), site.id.as_str()), (origin, id));
        }
    }

    #[test]
    fn where_browsers_have_no_passkeys_there_are_none() {
        for address in [
            "http://order.example",
            "http://127.0.0.1:7400",
            "https://192.0.2.1",
            "https://[2001:db8::1]",
            "http://localhost.example",
            "ftp://localhost",
            "order.example",
            "",
        ] {
            assert_eq!(Site::of(address), None, "{address}");
        }
    }
}
