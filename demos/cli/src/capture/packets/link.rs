//! From a frame of any link to the TCP segment in it.

use std::net::{IpAddr, SocketAddr};

use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, TransportSlice};

/// What a frame begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// Ethernet, perhaps with tags of virtual networks.
    Ethernet,
    /// IPv4 or IPv6.
    Ip,
    /// Four bytes with the number of an address family, of the loopback of BSD and macOS.
    Loopback,
    /// Linux "cooked", of version 1 and 2.
    Sll,
    /// The second version.
    Sll2,
}

/// A TCP segment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are the flags of TCP")]
pub(crate) struct Segment<'a> {
    /// Who sent it, and to whom.
    pub(super) from: SocketAddr,
    /// The other side.
    pub(super) to: SocketAddr,
    /// The number of its first byte.
    pub(super) sequence: u32,
    /// Whether it opens a connection.
    pub(super) syn: bool,
    /// Whether it acknowledges something: with `syn`, whether it is the answer of a server.
    pub(super) ack: bool,
    /// Whether it is the last of its direction.
    pub(super) fin: bool,
    /// Whether it ends the connection at once.
    pub(super) rst: bool,
    /// What was captured of its bytes.
    pub(super) bytes: &'a [u8],
    /// How many more it had.
    pub(super) cut: u32,
}

impl Link {
    /// The link of this number in a capture file.
    pub(super) const fn of_number(number: i32) -> Option<Self> {
        Some(match number {
            1 => Self::Ethernet,
            12 | 14 | 101 | 228 | 229 => Self::Ip,
            0 | 108 => Self::Loopback,
            113 => Self::Sll,
            276 => Self::Sll2,
            _ => return None,
        })
    }

    /// The link of a frame of which nothing else is known, if it is one with a TCP segment.
    pub(crate) fn guess(frame: &[u8]) -> Option<Self> {
        [Self::Ethernet, Self::Ip, Self::Sll, Self::Sll2, Self::Loopback]
            .into_iter()
            .find(|link| matches!(link.segment(frame), Ok(Some(_))))
    }

    /// The segment in a frame; none if there is something else in it, and an error if it is a fragment of a packet.
    pub(super) fn segment(self, frame: &[u8]) -> Result<Option<Segment<'_>>, Fragment> {
        let of_type = |at: usize, length: usize| {
            let number = u16::from_be_bytes(frame.get(at..at + 2)?.try_into().ok()?);
            Some(LaxSlicedPacket::from_ether_type(EtherType(number), frame.get(length..)?))
        };
        let packet = match self {
            Self::Ethernet => LaxSlicedPacket::from_ethernet(frame).ok(),
            Self::Ip => LaxSlicedPacket::from_ip(frame).ok(),
            Self::Loopback => frame.get(4..).and_then(|packet| LaxSlicedPacket::from_ip(packet).ok()),
            Self::Sll => of_type(14, 16),
            Self::Sll2 => of_type(0, 20),
        };
        packet.map_or(Ok(None), |packet| segment(&packet))
    }
}

/// A packet that was sent in several, of which this is one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fragment;

fn segment<'a>(packet: &LaxSlicedPacket<'a>) -> Result<Option<Segment<'a>>, Fragment> {
    let (from, to, length, payload): (IpAddr, IpAddr, _, _) = match &packet.net {
        Some(LaxNetSlice::Ipv4(ip)) => {
            let header = ip.header();
            let length = usize::from(header.total_len()).saturating_sub(header.slice().len());
            (header.source_addr().into(), header.destination_addr().into(), length, ip.payload())
        }
        Some(LaxNetSlice::Ipv6(ip)) => {
            let header = ip.header();
            let length = usize::from(header.payload_length()).saturating_sub(ip.extensions().slice().len());
            (header.source_addr().into(), header.destination_addr().into(), length, ip.payload())
        }
        _ => return Ok(None),
    };
    if payload.fragmented {
        return Err(Fragment);
    }
    let Some(TransportSlice::Tcp(tcp)) = &packet.transport else { return Ok(None) };
    // Of a packet that its sender's network card was to cut, the length may be absent.
    let cut = if payload.incomplete { length.saturating_sub(payload.payload.len()) } else { 0 };
    Ok(Some(Segment {
        from: SocketAddr::new(from, tcp.source_port()),
        to: SocketAddr::new(to, tcp.destination_port()),
        sequence: tcp.sequence_number(),
        syn: tcp.syn(),
        ack: tcp.ack(),
        fin: tcp.fin(),
        rst: tcp.rst(),
        bytes: tcp.payload(),
        cut: u32::try_from(cut).unwrap_or(u32::MAX),
    }))
}
