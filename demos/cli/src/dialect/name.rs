//! Dialects as text ([SPEC C.6](../../../SPEC.md#c6-what-dialects-are-called)). The tests of the protocol crate read it as well.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use jsonframe::{ByteOrder, Dialect, Member, ProtoHeader};

/// A dialect by the text that stands for it: `standard`, `u16-le`, `u32,underscores,no-byteorder=big`.
///
/// Of the texts for one dialect it gives back the one with everything in its order and nothing that goes without saying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialectName {
    pub(crate) proto_header: ProtoHeader,
    pub(crate) prefix: &'static [u8],
    /// In the order of [`Member::ALL`].
    pub(crate) members: [Departure; Member::ALL.len()],
    pub(crate) raw_json: bool,
}

/// How a dialect departs in one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Departure {
    pub(crate) name: &'static str,
    pub(crate) absent: Option<Absent>,
}

impl Departure {
    const fn none(member: Member) -> Self {
        Self { name: member.as_str(), absent: None }
    }
}

/// What it means that a member is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Absent {
    pub(crate) stand_in: &'static str,
    /// Whether it is left out when it says that.
    pub(crate) is_omitted: bool,
}

/// The forms of a proto-header, the simplest first.
pub(crate) const FORMS: [(&str, ProtoHeader); 5] = [
    ("standard", ProtoHeader::STANDARD),
    ("u16-le", ProtoHeader::U16(ByteOrder::Little)),
    ("u32", ProtoHeader::U32(ByteOrder::Big)),
    ("u32-le", ProtoHeader::U32(ByteOrder::Little)),
    ("u8", ProtoHeader::U8),
];

/// What a part of the text is about.
#[derive(Clone, Copy)]
enum Part {
    Prefix,
    Underscores,
    Name(Member),
    /// The member is left out when it says what stands in for it.
    No(Member),
    /// It is sent all the same.
    Maybe(Member),
    RawJson,
}

/// The parts, in their order.
const PARTS: [(&str, Part); 15] = [
    ("prefix", Part::Prefix),
    ("underscores", Part::Underscores),
    ("byteorder", Part::Name(Member::ByteOrder)),
    ("type", Part::Name(Member::ContentType)),
    ("encoding", Part::Name(Member::ContentEncoding)),
    ("length", Part::Name(Member::ContentLength)),
    ("no-byteorder", Part::No(Member::ByteOrder)),
    ("maybe-byteorder", Part::Maybe(Member::ByteOrder)),
    ("no-type", Part::No(Member::ContentType)),
    ("maybe-type", Part::Maybe(Member::ContentType)),
    ("no-encoding", Part::No(Member::ContentEncoding)),
    ("maybe-encoding", Part::Maybe(Member::ContentEncoding)),
    ("no-length", Part::No(Member::ContentLength)),
    ("maybe-length", Part::Maybe(Member::ContentLength)),
    ("raw-json", Part::RawJson),
];

/// What stands in for an absent member unless something else is said.
pub(crate) const fn usual(member: Member) -> &'static str {
    match member {
        Member::ByteOrder => "little",
        Member::ContentType => "text/json",
        Member::ContentEncoding => "utf-8",
        _ => "0",
    }
}

/// The name of a member with an underscore for the hyphen.
pub(crate) const fn underscored(member: Member) -> &'static str {
    match member {
        Member::ByteOrder => "byteorder",
        Member::ContentType => "content_type",
        Member::ContentEncoding => "content_encoding",
        _ => "content_length",
    }
}

impl DialectName {
    /// The protocol as it is specified.
    pub const STANDARD: Self = Self {
        proto_header: ProtoHeader::STANDARD,
        prefix: &[],
        members: [
            Departure::none(Member::ByteOrder),
            Departure::none(Member::ContentType),
            Departure::none(Member::ContentEncoding),
            Departure::none(Member::ContentLength),
        ],
        raw_json: false,
    };

    /// The dialect, as a value.
    pub fn dialect(&self) -> Dialect {
        let dialect = Dialect::STANDARD.with_proto_header(self.proto_header).with_prefix(self.prefix);
        let dialect = if self.raw_json { dialect.with_raw_json() } else { dialect };
        Member::ALL.iter().copied().zip(self.members).fold(
            dialect,
            |mut dialect, (member, Departure { name, absent })| {
                if name != member.as_str() {
                    dialect = dialect.with_name(member, name);
                }
                let Some(Absent { stand_in, is_omitted }) = absent else { return dialect };
                dialect = match member {
                    Member::ByteOrder if stand_in == "big" => dialect.byte_order_or(ByteOrder::Big),
                    Member::ByteOrder => dialect.byte_order_or(ByteOrder::Little),
                    Member::ContentType => dialect.content_type_or(stand_in),
                    Member::ContentEncoding => dialect.content_encoding_or(stand_in),
                    _ => dialect.content_length_or_zero(),
                };
                if is_omitted { dialect.omit(member) } else { dialect }
            },
        )
    }

    /// The dialect, for as long as the program runs. It is never freed, unless it is the standard; there is one of each.
    pub fn leak(&self) -> &'static Dialect {
        static LEAKED: Mutex<Vec<(DialectName, &'static Dialect)>> = Mutex::new(Vec::new());
        if *self == Self::STANDARD {
            return &Dialect::STANDARD;
        }
        // A server that asks for each connection must not take more and more memory.
        let mut leaked = LEAKED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, dialect)) = leaked.iter().find(|(name, _)| name == self) {
            return dialect;
        }
        let dialect = Box::leak(Box::new(self.dialect()));
        leaked.push((*self, dialect));
        dialect
    }

    pub(crate) fn departure(&self, member: Member) -> &Departure {
        &self.members[member as usize]
    }

    pub(crate) const fn departure_mut(&mut self, member: Member) -> &mut Departure {
        &mut self.members[member as usize]
    }

    /// Gives the members that have hyphens their names with underscores, but for those that have another name already.
    pub(crate) fn use_underscores(&mut self) {
        for (member, departure) in Member::ALL.iter().copied().zip(&mut self.members) {
            if departure.name == member.as_str() {
                departure.name = underscored(member);
            }
        }
    }

    fn has_underscores(&self) -> bool {
        Member::ALL.iter().copied().skip(1).all(|member| self.departure(member).name == underscored(member))
    }

    /// The value of this part, if the text has it. That of one without a value is empty.
    fn get(&self, part: Part) -> Option<String> {
        let absent = |member, is_omitted| {
            let absent = self.departure(member).absent.filter(|absent| absent.is_omitted == is_omitted)?;
            Some(if absent.stand_in == usual(member) { String::new() } else { absent.stand_in.into() })
        };
        match part {
            Part::Prefix => (!self.prefix.is_empty()).then(|| hex::encode(self.prefix)),
            Part::Underscores => self.has_underscores().then(String::new),
            Part::Name(member) => {
                let name = self.departure(member).name;
                let goes_without = name == member.as_str() || (self.has_underscores() && name == underscored(member));
                (!goes_without).then(|| name.into())
            }
            Part::No(member) => absent(member, true),
            Part::Maybe(member) => absent(member, false),
            Part::RawJson => self.raw_json.then(String::new),
        }
    }

    fn set(&mut self, part: Part, value: Option<&str>) -> Result<(), String> {
        match (part, value) {
            (Part::Prefix, Some(digits)) => {
                let bytes = hex::decode(digits);
                self.prefix = bytes.map_err(|_| format!("`{digits}` is not bytes, of two hex digits each"))?.leak();
            }
            (Part::Name(Member::ByteOrder), Some(order @ ("little" | "big"))) => {
                return Err(format!("it would be a name; what stands in is said by `no-byteorder={order}`"));
            }
            (Part::Name(member), Some(name)) if name != member.as_str() => {
                self.departure_mut(member).name = String::leak(name.into());
            }
            (Part::Name(_), Some(name)) => return Err(format!("`{name}` is its name anyway")),
            (Part::Prefix | Part::Name(_), None) => return Err("a value is missing".into()),
            (Part::Underscores, None) => self.use_underscores(),
            (Part::RawJson, None) => self.raw_json = true,
            (
                Part::No(Member::ContentLength)
                | Part::Maybe(Member::ContentLength)
                | Part::Underscores
                | Part::RawJson,
                Some(_),
            ) => {
                return Err("it takes no value".into());
            }
            (Part::No(Member::ByteOrder) | Part::Maybe(Member::ByteOrder), Some(other))
                if !matches!(other, "little" | "big") =>
            {
                return Err(format!("`{other}` is not a byte order: little or big"));
            }
            (Part::No(member) | Part::Maybe(member), value) => {
                let is_omitted = matches!(part, Part::No(_));
                let earlier =
                    self.departure_mut(member).absent.replace(Absent { stand_in: stand_in(member, value), is_omitted });
                if earlier.is_some() {
                    return Err("it has been said already what an absent one means".into());
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, text: &str) -> Result<(), String> {
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        let Some(part) = part(name) else {
            return Err(match form(name) {
                Some(_) => format!("the form of the proto-header, `{text}`, must come first"),
                None => format!("`{text}` is not part of a dialect; the parts are {}", list(&PARTS)),
            });
        };
        if value == Some("") {
            return Err(format!("a value is missing after `{text}`"));
        }
        if self.get(part).is_some() {
            return Err(format!("`{name}` is there twice"));
        }
        self.set(part, value).map_err(|reason| format!("`{text}`: {reason}"))
    }

    /// Checks that no name is that of two members.
    fn check_names(&self) -> Result<(), String> {
        for (member, departure) in Member::ALL.iter().copied().zip(self.members) {
            let is_its =
                |other: &Member| other.as_str() == departure.name || self.departure(*other).name == departure.name;
            if let Some(other) = Member::ALL.iter().copied().filter(|other| *other != member).find(is_its) {
                return Err(format!("`{}` would be the name of both `{member}` and `{other}`", departure.name));
            }
        }
        Ok(())
    }
}

/// A stand-in; the usual one is not stored anew.
fn stand_in(member: Member, value: Option<&str>) -> &'static str {
    match value {
        Some(value) if value != usual(member) => String::leak(value.into()),
        _ => usual(member),
    }
}

fn part(name: &str) -> Option<Part> {
    PARTS.iter().find_map(|(known, part)| (*known == name).then_some(*part))
}

fn form(name: &str) -> Option<ProtoHeader> {
    let name = match name {
        "u16" | "u16-be" => "standard",
        "u32-be" => "u32",
        name => name,
    };
    FORMS.iter().find_map(|(known, form)| (*known == name).then_some(*form))
}

fn list<T>(table: &[(&str, T)]) -> String {
    table.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

impl Default for DialectName {
    fn default() -> Self {
        Self::STANDARD
    }
}

impl FromStr for DialectName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut name = Self::STANDARD;
        let mut parts = text.split(',').peekable();
        let first = parts.peek().copied().unwrap_or_default();
        if let Some(proto_header) = form(first) {
            name.proto_header = proto_header;
            parts.next();
        } else if part(first.split('=').next().unwrap_or_default()).is_none() {
            return Err(format!(
                "`{first}` is not a dialect: a dialect begins with one of {}, or with one of {}",
                list(&FORMS),
                list(&PARTS)
            ));
        }
        parts.try_for_each(|part| name.add(part))?;
        name.check_names()?;
        Ok(name)
    }
}

impl Display for DialectName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let form = FORMS.iter().find(|(_, form)| *form == self.proto_header);
        f.write_str(form.map_or("", |(name, _)| name))?;
        for (part, value) in PARTS.iter().filter_map(|(name, part)| Some((name, self.get(*part)?))) {
            let equals = if value.is_empty() { "" } else { "=" };
            write!(f, ",{part}{equals}{value}")?;
        }
        Ok(())
    }
}
