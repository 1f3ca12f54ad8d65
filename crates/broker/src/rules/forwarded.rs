//! Who calls, where a web server stands between: only what a trusted one has written counts, since
//! anybody can send such a header.

// Addresses are values; there is no socket here.
use core::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The header in which the operator's own web server writes who has called it. The other one is not
/// looked at: the server may pass it on as a stranger has sent it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedBy {
    /// `X-Forwarded-For: 192.0.2.1, 198.51.100.2`.
    #[default]
    XForwardedFor,
    /// `Forwarded: for=192.0.2.1, for="[2001:db8::1]:4711"` (RFC 7239).
    Forwarded,
}

impl ForwardedBy {
    /// The header's name.
    pub fn header(self) -> &'static str {
        match self {
            ForwardedBy::XForwardedFor => "x-forwarded-for",
            ForwardedBy::Forwarded => "forwarded",
        }
    }
}

/// The web servers whose word counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxies {
    /// Their addresses, as the broker sees them.
    pub addresses: Vec<IpAddr>,
    /// Where they write who has called.
    #[serde(default)]
    pub header: ForwardedBy,
}

impl Proxies {
    /// The last address on the way from the caller that is none of ours. `lines` are the header's
    /// values, in order; where a hop cannot be read, what came before it is not believed.
    pub fn caller<'a>(&self, peer: IpAddr, lines: impl Iterator<Item = &'a str>) -> IpAddr {
        let mut caller = peer.to_canonical();
        let hops: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
        let mut hops = hops.into_iter().rev();
        while self.is_ours(caller) {
            let Some(hop) = hops.next().and_then(|hop| self.read(hop)) else { break };
            caller = hop.to_canonical();
        }
        caller
    }

    fn is_ours(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|known| known.to_canonical() == address)
    }

    fn read(&self, hop: &str) -> Option<IpAddr> {
        let text = match self.header {
            ForwardedBy::XForwardedFor => hop,
            ForwardedBy::Forwarded => hop.split(';').find_map(|pair| {
                let (name, value) = pair.split_once('=')?;
                name.trim().eq_ignore_ascii_case("for").then_some(value)
            })?,
        };
        address(text.trim().trim_matches('"'))
    }
}

/// An address, with a port or without: `192.0.2.1:4711`, `[2001:db8::1]:4711`.
fn address(text: &str) -> Option<IpAddr> {
    if let Some((inside, _)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return inside.parse().ok();
    }
    let port = |socket: SocketAddr| socket.ip();
    text.parse().ok().or_else(|| text.parse().ok().map(port))
}

/// What attempts are counted by: an IPv4 address, or the first half of an IPv6 one, of whose second
/// half a single customer has as many as it likes.
pub fn counted_by(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn caller(header: ForwardedBy, peer: &str, lines: &[&str]) -> String {
        let addresses = vec![ip("127.0.0.1"), ip("10.0.0.2")];
        let proxies = Proxies { addresses, header };
        proxies.caller(ip(peer), lines.iter().copied()).to_string()
    }

    #[test]
    fn the_last_hop_that_is_not_ours_has_called() {
        use ForwardedBy::{Forwarded, XForwardedFor};
        for (header, peer, lines, expected) in [
            (XForwardedFor, "127.0.0.1", &["192.0.2.1"][..], "192.0.2.1"),
            (XForwardedFor, "::ffff:127.0.0.1", &["192.0.2.1"], "192.0.2.1"),
            // What the caller has written itself stands before it.
            (XForwardedFor, "127.0.0.1", &["198.51.100.9, 192.0.2.1"], "192.0.2.1"),
            (XForwardedFor, "127.0.0.1", &["198.51.100.9", "192.0.2.1"], "192.0.2.1"),
            (XForwardedFor, "127.0.0.1", &["192.0.2.1, 10.0.0.2"], "192.0.2.1"),
            (XForwardedFor, "127.0.0.1", &["192.0.2.1:80"], "192.0.2.1"),
            // A stranger's word counts for nothing.
            (XForwardedFor, "192.0.2.7", &["192.0.2.1"], "192.0.2.7"),
            (XForwardedFor, "127.0.0.1", &[], "127.0.0.1"),
            (XForwardedFor, "127.0.0.1", &["192.0.2.1, nonsense"], "127.0.0.1"),
            (Forwarded, "127.0.0.1", &["for=192.0.2.1"], "192.0.2.1"),
            (Forwarded, "127.0.0.1", &["proto=https;For=\"[2001:db8::1]:4711\""], "2001:db8::1"),
            (Forwarded, "127.0.0.1", &["for=198.51.100.9, for=192.0.2.1;by=x"], "192.0.2.1"),
            (Forwarded, "127.0.0.1", &["for=192.0.2.1, for=_hidden"], "127.0.0.1"),
            (Forwarded, "127.0.0.1", &["192.0.2.1"], "127.0.0.1"),
        ] {
            assert_eq!(caller(header, peer, lines), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn a_customers_network_is_one_caller() {
        assert_eq!(counted_by(ip("2001:db8:1:2:3:4:5:6")), ip("2001:db8:1:2::"));
        assert_eq!(counted_by(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
        assert_eq!(counted_by(ip("192.0.2.1")), ip("192.0.2.1"));
    }
}
