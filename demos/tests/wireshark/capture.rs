//! Captures: files of TCP segments, as if they had been seen on a wire.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

/// Which side of a connection sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Client,
    Server,
}

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const PUSH: u8 = 0x08;
const ACK: u8 = 0x10;

/// The headers of Ethernet, IPv4 and TCP, in bytes.
pub(crate) const HEADERS: usize = 14 + 20 + 20;

/// A capture file under way, in the format pcap.
pub(crate) struct Capture {
    bytes: Vec<u8>,
    frames: u32,
    /// How much of each frame is kept, in bytes.
    pub(crate) snap_length: usize,
    connections: u16,
}

impl Capture {
    pub(crate) fn new() -> Self {
        let mut bytes = Vec::new();
        // The magic number of microseconds and this byte order, version 2.4, no time zone, any length, Ethernet.
        for field in [0xA1B2_C3D4, 0x0004_0002, 0, 0, 0x0004_0000, 1_u32] {
            bytes.extend_from_slice(&field.to_le_bytes());
        }
        Self { bytes, frames: 0, snap_length: usize::MAX, connections: 0 }
    }

    pub(crate) fn save(&self, path: &Path) {
        fs::write(path, &self.bytes).unwrap();
    }

    /// How many frames there are: the number of the last.
    pub(crate) fn frames(&self) -> u32 {
        self.frames
    }

    /// A connection to this port, with its handshake.
    pub(crate) fn connect(&mut self, port: u16) -> Connection<'_> {
        let mut connection = self.join(port);
        connection.put(Side::Client, 0, SYN, &[]);
        connection.next = [1, 0];
        connection.put(Side::Server, 0, SYN | ACK, &[]);
        connection.next = [1, 1];
        connection.put(Side::Client, 1, ACK, &[]);
        connection
    }

    /// A connection whose handshake is not captured.
    pub(crate) fn join(&mut self, port: u16) -> Connection<'_> {
        let number = self.connections;
        self.connections += 1;
        // The client's numbers begin anew in the middle of what most tests send.
        let first = [u32::MAX - 60, u32::from(number) * 1_000_003];
        Connection { capture: self, number, ports: [number + 1024, port], first, next: [1, 1] }
    }

    fn frame(&mut self, frame: &[u8]) {
        let kept = &frame[..frame.len().min(self.snap_length)];
        // One a millisecond.
        let [seconds, micros] = [self.frames / 1000, self.frames % 1000 * 1000];
        for field in [seconds, micros, length(kept), length(frame)] {
            self.bytes.extend_from_slice(&field.to_le_bytes());
        }
        self.bytes.extend_from_slice(kept);
        self.frames += 1;
    }
}

/// One TCP connection of a capture. Positions are relative: the first byte that a side sends is at 1.
pub(crate) struct Connection<'a> {
    capture: &'a mut Capture,
    /// The number of the connection, as Wireshark counts them.
    pub(crate) number: u16,
    ports: [u16; 2],
    first: [u32; 2],
    next: [u32; 2],
}

impl Connection<'_> {
    /// Sends the bytes in one segment.
    pub(crate) fn send(&mut self, side: Side, bytes: &[u8]) {
        self.put(side, self.next[side as usize], PUSH | ACK, bytes);
        self.skip(side, length(bytes));
    }

    /// Sends the bytes in segments of these sizes, the last of them again and again.
    pub(crate) fn send_cut(&mut self, side: Side, mut bytes: &[u8], sizes: impl IntoIterator<Item = usize>) {
        let mut sizes = sizes.into_iter();
        let mut size = 1;
        while !bytes.is_empty() {
            size = sizes.next().unwrap_or(size).min(bytes.len()).min(60_000);
            self.send(side, &bytes[..size]);
            bytes = &bytes[size..];
        }
    }

    /// Sends a segment at this position, and does not remember it.
    pub(crate) fn send_at(&mut self, side: Side, position: u32, bytes: &[u8]) {
        self.put(side, position, PUSH | ACK, bytes);
    }

    /// Leaves so many bytes out.
    pub(crate) fn skip(&mut self, side: Side, length: u32) {
        let next = &mut self.next[side as usize];
        *next = next.wrapping_add(length);
    }

    /// Tells the other side that everything has come.
    pub(crate) fn acknowledge(&mut self, side: Side) {
        self.put(side, self.next[side as usize], ACK, &[]);
    }

    /// The position of what this side sends next.
    pub(crate) fn position(&self, side: Side) -> u32 {
        self.next[side as usize]
    }

    /// The number of the last frame.
    pub(crate) fn frame(&self) -> u32 {
        self.capture.frames()
    }

    /// Ends the stream of a side, with these bytes.
    pub(crate) fn finish(&mut self, side: Side, bytes: &[u8]) {
        self.put(side, self.next[side as usize], FIN | ACK, bytes);
        self.skip(side, length(bytes) + 1);
    }

    fn put(&mut self, side: Side, position: u32, flags: u8, bytes: &[u8]) {
        let addresses = [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)].map(|address| address.octets());
        let [from, to] = if side == Side::Client { [0, 1] } else { [1, 0] };
        let sequence = self.first[from].wrapping_add(position);
        let acknowledged = if flags & ACK == 0 { 0 } else { self.first[to].wrapping_add(self.next[to]) };
        let size = u16::try_from(20 + 20 + bytes.len()).expect("it fits a segment");
        let frame = [
            // Ethernet: both addresses, and IPv4.
            &[0; 12][..],
            &[0x08, 0x00],
            // IPv4: its length, that it is whole, and TCP. Checksums are left out, and not looked at.
            &[0x45, 0],
            &size.to_be_bytes(),
            &[0, 0, 0x40, 0, 64, 6, 0, 0],
            &addresses[from],
            &addresses[to],
            // TCP: a header of 20 bytes.
            &self.ports[from].to_be_bytes(),
            &self.ports[to].to_be_bytes(),
            &sequence.to_be_bytes(),
            &acknowledged.to_be_bytes(),
            &[0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0],
            bytes,
        ];
        self.capture.frame(&frame.concat());
    }
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("tests are smaller")
}
