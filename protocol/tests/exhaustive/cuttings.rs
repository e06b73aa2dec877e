//! Every cutting of every short test vector, in two and in three.

use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use jsonframe::{DecodeError, Decoder, Event};

use crate::{REDUCED, in_parallel};

/// FNV-1a: the same for the same bytes, however they are cut.
struct Hash(u64);

impl Hash {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
}

impl Write for Hash {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.add(text.as_bytes());
        Ok(())
    }
}

/// What a decoder reports of a stream in these pieces: all of its events in one number, and the fault.
fn report(room: &mut [u8], pieces: [&[u8]; 3]) -> (u64, Option<DecodeError>) {
    let mut hash = Hash(0xCBF2_9CE4_8422_2325);
    let mut decoder = Decoder::new(room);
    let mut decode = |mut input: &[u8]| -> Result<(), DecodeError> {
        while let Some(event) = decoder.decode(&mut input)? {
            match event {
                Event::Header(header) => write!(hash, "{header}").unwrap(),
                Event::Content(piece) => {
                    hash.add(piece);
                    continue;
                }
                Event::End => hash.add(b"end"),
            }
            hash.add(&decoder.position().to_be_bytes());
        }
        assert!(input.is_empty());
        Ok(())
    };
    let outcome = pieces.into_iter().try_for_each(&mut decode);
    let fault = outcome.and_then(|()| decoder.finish()).err();
    (hash.0, fault)
}

struct Vector {
    name: String,
    bytes: Vec<u8>,
    capacity: usize,
}

fn vectors() -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = paths.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
    let vectors = files.flat_map(|path| {
        let file: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        file["vectors"].as_array().unwrap().clone()
    });
    let vector = |json: serde_json::Value| Vector {
        name: json["name"].as_str().unwrap().to_owned(),
        bytes: hex::decode(json["bytes"].as_str().unwrap()).unwrap(),
        capacity: json["header_capacity"].as_u64().map_or(65_535, |capacity| usize::try_from(capacity).unwrap()),
    };
    vectors.map(vector).collect()
}

#[test]
fn every_short_vector_is_cut_in_two_and_in_three_everywhere() {
    let (in_two, in_three) = if REDUCED { (300, 64) } else { (4_000, 300) };
    let vectors = vectors();
    let [cut_in_two, cut_in_three, cuttings] = [const { AtomicUsize::new(0) }; 3];
    in_parallel(&vectors, |vector| {
        let bytes = vector.bytes.as_slice();
        // No shorter than the capacity where that matters, and no longer than needed: it is cleared for every cutting.
        let mut room = vec![0; vector.capacity.min(bytes.len().max(300))];
        if vector.capacity < 65_535 {
            room.resize(vector.capacity, 0);
        }
        let whole = report(&mut room, [bytes, &[], &[]]);
        let mut check = |first: usize, second: usize| {
            let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
            assert_eq!(report(&mut room, pieces), whole, "{}, cut at {first} and {second}", vector.name);
        };
        if bytes.len() <= in_two {
            (0..=bytes.len()).for_each(|at| check(at, bytes.len()));
            cut_in_two.fetch_add(1, Ordering::Relaxed);
            cuttings.fetch_add(bytes.len() + 1, Ordering::Relaxed);
        }
        if bytes.len() <= in_three {
            for first in 0..=bytes.len() {
                (first..=bytes.len()).for_each(|second| check(first, second));
            }
            cut_in_three.fetch_add(1, Ordering::Relaxed);
            cuttings.fetch_add((bytes.len() + 1) * (bytes.len() + 2) / 2, Ordering::Relaxed);
        }
    });
    let [cut_in_two, cut_in_three, cuttings] = [cut_in_two, cut_in_three, cuttings].map(AtomicUsize::into_inner);
    println!(
        "{cuttings} cuttings report the same: in two everywhere, {cut_in_two} of {} vectors (up to {in_two} bytes); in \
         three everywhere, {cut_in_three} (up to {in_three} bytes)",
        vectors.len()
    );
}
