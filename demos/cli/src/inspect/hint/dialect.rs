//! How a dialect that is recognised differs from the protocol, how to correct that, and the option that accepts it.

use jsonframe::{ByteOrder, Member, ProtoHeader};

use super::super::annotate::{count, digits};
use super::Suspicion;
use crate::dialect::{DialectName, underscored};

/// What a header length in another form is, but for its order.
const PACKED: &str = "and the protocol's has two: struct.pack(\">H\", n) in Python";

impl Suspicion<'_> {
    /// What is to be said of a stream that begins like one in this dialect.
    pub(super) fn of_dialect(&self, dialect: DialectName, stream: &[u8]) -> Option<String> {
        // What is given on a command line must not be more than one word.
        let is_in_word = |character: char| character.is_alphanumeric() || "-_.,=".contains(character);
        if !dialect.to_string().chars().all(is_in_word) {
            return None;
        }
        let mut causes = of_framing(dialect, stream);
        causes.extend(self.of_members(dialect));
        causes.extend(self.no_text().filter(|_| dialect.raw_json));
        if causes.is_empty() {
            causes.push("this looks like another dialect".into());
        }
        Some(format!("{}; {}", causes.join("; "), accepted(dialect)))
    }

    fn of_members(&self, dialect: DialectName) -> Vec<String> {
        let is_underscored = |member: &Member| {
            let name = dialect.departure(*member).name;
            name != member.as_str() && name == underscored(*member)
        };
        let underscored_ones = || Member::ALL.iter().copied().filter(is_underscored);
        let first = self.kind.member().filter(is_underscored).or_else(|| underscored_ones().next_back());
        let underscores = first.map(|member| {
            format!(
                "the names of the members have underscores, and the protocol's have hyphens: {member}, not {}",
                underscored(member)
            )
        });
        let departs = |member: &Member| {
            let departure = dialect.departure(*member);
            !is_underscored(member) && (departure.name != member.as_str() || departure.absent.is_some())
        };
        let others: Vec<_> = Member::ALL.iter().copied().filter(departs).collect();
        let others = self.missing(&others);
        underscores.into_iter().chain(others).collect()
    }
}

/// How a dialect can be accepted as it is.
pub(super) fn accepted(dialect: DialectName) -> String {
    let name = dialect.to_string();
    format!("to accept it as it is: --dialect {}", name.strip_prefix("standard,").unwrap_or(&name))
}

fn of_framing(dialect: DialectName, stream: &[u8]) -> Vec<String> {
    let DialectName { prefix, proto_header, .. } = dialect;
    let length = stream.get(prefix.len()..prefix.len() + usize::from(proto_header.len())).unwrap_or_default();
    let is_twice = prefix == length;
    let is_long = proto_header == ProtoHeader::U32(ByteOrder::Big) && prefix == [0; 4];
    let form = match proto_header {
        ProtoHeader::U32(_) if is_long => Some(format!("the header length has eight bytes, {PACKED}")),
        ProtoHeader::U16(ByteOrder::Big) => None,
        ProtoHeader::U16(ByteOrder::Little) => Some(
            "the header length is little-endian, and the protocol's is big-endian: struct.pack(\">H\", n) in Python"
                .into(),
        ),
        ProtoHeader::U32(_) => Some(format!("the header length has four bytes, {PACKED}")),
        ProtoHeader::U8 => Some(format!("the header length has one byte, {PACKED}")),
    };
    let before = if is_long || prefix.is_empty() {
        None
    } else if is_twice {
        Some(format!("the header length is there twice ({} {}): send it once", digits(prefix), digits(length)))
    } else {
        let bytes = count(prefix.len() as u64, "byte");
        Some(format!(
            "{bytes} ({}) come before the header length, and a message begins with that: leave them out",
            digits(prefix)
        ))
    };
    before.into_iter().chain(form).collect()
}

/// The dialect of a header length of four bytes, of which nothing else has come: many programs send it by itself.
pub(super) fn lone_length(stream: &[u8]) -> Option<DialectName> {
    let is_length = |length: u32| (2..=u16::MAX.into()).contains(&length);
    let bytes = stream.try_into().ok()?;
    let order = [(u32::from_be_bytes(bytes), ByteOrder::Big), (u32::from_le_bytes(bytes), ByteOrder::Little)];
    let (_, order) = order.into_iter().find(|(length, _)| is_length(*length))?;
    Some(DialectName { proto_header: ProtoHeader::U32(order), ..DialectName::STANDARD })
}
