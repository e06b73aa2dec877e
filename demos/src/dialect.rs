//! Dialects, as an option of a command line.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use clap::Args;
use jsonframe::{ByteOrder, Dialect, ProtoHeader};

/// The option `--dialect`.
#[derive(Args, Clone, Copy, Debug)]
pub struct DialectOption {
    /// How the peer departs from the protocol: FORM[,PART]..., such as u32,no-byteorder
    ///
    /// FORM is the proto-header: `standard` (or `u16`: two bytes, most significant first), `u16-le`, `u8`, `u32` or
    /// `u32-le`, where `-le` is for the least significant byte first.
    ///
    /// PART is any of `underscores` (`content_length`, `content_type`, `content_encoding`), `no-byteorder`, `no-type` and
    /// `no-encoding`, for headers that may lack the member. What stands in for it is `little`, `text/json` and `utf-8`; it
    /// is another with `no-byteorder=big`, `no-type=TYPE` and `no-encoding=ENCODING`. What is sent lacks what it can.
    #[arg(long, value_name = "DIALECT", default_value_t)]
    dialect: DialectName,
}

impl DialectOption {
    /// The dialect that was chosen.
    pub const fn name(&self) -> DialectName {
        self.dialect
    }

    /// The dialect that was chosen, for connections. Called once in a program: it is never freed.
    pub fn dialect(&self) -> &'static Dialect {
        self.dialect.leak()
    }
}

/// A dialect by the text that stands for it: `standard`, `u16-le`, `u32,no-byteorder=big,underscores`.
///
/// Of the texts for one dialect it gives back the one with everything in its order and nothing that goes without saying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialectName {
    pub(crate) proto_header: ProtoHeader,
    pub(crate) underscores: bool,
    pub(crate) byte_order: Option<ByteOrder>,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) content_encoding: Option<&'static str>,
}

/// What stands in for absent members unless something else is said.
pub(crate) const BYTE_ORDER: ByteOrder = ByteOrder::Little;
pub(crate) const CONTENT_TYPE: &str = "text/json";
pub(crate) const CONTENT_ENCODING: &str = "utf-8";

/// The forms of a proto-header, the simplest first.
pub(crate) const FORMS: [(&str, ProtoHeader); 5] = [
    ("standard", ProtoHeader::STANDARD),
    ("u16-le", ProtoHeader::U16(ByteOrder::Little)),
    ("u32", ProtoHeader::U32(ByteOrder::Big)),
    ("u32-le", ProtoHeader::U32(ByteOrder::Little)),
    ("u8", ProtoHeader::U8),
];

const PARTS: &str = "underscores, no-byteorder, no-type, no-encoding";

impl DialectName {
    /// The protocol as it is specified.
    pub const STANDARD: Self = Self {
        proto_header: ProtoHeader::STANDARD,
        underscores: false,
        byte_order: None,
        content_type: None,
        content_encoding: None,
    };

    /// The dialect, as a value.
    pub const fn dialect(&self) -> Dialect {
        let mut dialect = Dialect::STANDARD.with_proto_header(self.proto_header);
        if self.underscores {
            dialect = dialect.with_underscores();
        }
        if let Some(byte_order) = self.byte_order {
            dialect = dialect.byte_order_or(byte_order).omit(jsonframe::Member::ByteOrder);
        }
        if let Some(content_type) = self.content_type {
            dialect = dialect.content_type_or(content_type).omit(jsonframe::Member::ContentType);
        }
        if let Some(content_encoding) = self.content_encoding {
            dialect = dialect.content_encoding_or(content_encoding).omit(jsonframe::Member::ContentEncoding);
        }
        dialect
    }

    /// The dialect, for as long as the program runs. It is never freed, unless it is the standard.
    pub fn leak(&self) -> &'static Dialect {
        if *self == Self::STANDARD { &Dialect::STANDARD } else { Box::leak(Box::new(self.dialect())) }
    }

    fn add(&mut self, part: &str) -> Result<(), String> {
        let (name, value) = part.split_once('=').map_or((part, None), |(name, value)| (name, Some(value)));
        match (name, value) {
            (_, Some("")) => return Err(format!("a value is missing after `{part}`")),
            ("underscores", None) if !self.underscores => self.underscores = true,
            ("no-byteorder", value) if self.byte_order.is_none() => {
                self.byte_order = Some(match value {
                    None => BYTE_ORDER,
                    Some("little") => ByteOrder::Little,
                    Some("big") => ByteOrder::Big,
                    Some(other) => return Err(format!("`{other}` is not a byte order: little or big")),
                });
            }
            ("no-type", value) if self.content_type.is_none() => {
                self.content_type = Some(stand_in(value, CONTENT_TYPE));
            }
            ("no-encoding", value) if self.content_encoding.is_none() => {
                self.content_encoding = Some(stand_in(value, CONTENT_ENCODING));
            }
            ("underscores", Some(_)) => return Err("`underscores` takes no value".into()),
            ("underscores" | "no-byteorder" | "no-type" | "no-encoding", _) => {
                return Err(format!("`{name}` is there twice"));
            }
            _ if form(name).is_some() => {
                return Err(format!("the form of the proto-header, `{part}`, must come first"));
            }
            _ => return Err(format!("`{part}` is not part of a dialect; the parts are {PARTS}")),
        }
        Ok(())
    }
}

/// A stand-in; the usual one is not stored anew.
fn stand_in(value: Option<&str>, usual: &'static str) -> &'static str {
    match value {
        Some(value) if value != usual => String::leak(value.into()),
        _ => usual,
    }
}

fn form(name: &str) -> Option<ProtoHeader> {
    let name = match name {
        "u16" | "u16-be" => "standard",
        "u32-be" => "u32",
        name => name,
    };
    FORMS.iter().find_map(|(known, form)| (*known == name).then_some(*form))
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
        if let Some(proto_header) = parts.peek().copied().and_then(form) {
            name.proto_header = proto_header;
            parts.next();
        } else if let Some(first) =
            parts.peek().filter(|first| !first.starts_with("no-") && !first.starts_with("underscores"))
        {
            let forms: Vec<&str> = FORMS.iter().map(|(name, _)| *name).collect();
            return Err(format!(
                "`{first}` is not a dialect: a dialect begins with one of {}, or with one of {PARTS}",
                forms.join(", ")
            ));
        }
        parts.try_for_each(|part| name.add(part))?;
        Ok(name)
    }
}

impl Display for DialectName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let form = FORMS.iter().find(|(_, form)| *form == self.proto_header);
        f.write_str(form.map_or("", |(name, _)| name))?;
        if self.underscores {
            f.write_str(",underscores")?;
        }
        let texts = [
            ("no-byteorder", self.byte_order.map(ByteOrder::as_str), BYTE_ORDER.as_str()),
            ("no-type", self.content_type, CONTENT_TYPE),
            ("no-encoding", self.content_encoding, CONTENT_ENCODING),
        ];
        for (part, value, usual) in texts {
            match value {
                None => {}
                Some(value) if value == usual => write!(f, ",{part}")?,
                Some(value) => write!(f, ",{part}={value}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BIG: ByteOrder = ByteOrder::Big;
    const LITTLE: ByteOrder = ByteOrder::Little;

    fn parsed(text: &str) -> Dialect {
        text.parse::<DialectName>().unwrap().dialect()
    }

    #[test]
    fn a_text_stands_for_a_dialect() {
        let standard = Dialect::STANDARD;
        for (text, dialect) in [
            ("standard", standard),
            ("u8", standard.with_proto_header(ProtoHeader::U8)),
            ("u16-le", standard.with_proto_header(ProtoHeader::U16(LITTLE))),
            ("u32", standard.with_proto_header(ProtoHeader::U32(BIG))),
            ("u32-le", standard.with_proto_header(ProtoHeader::U32(LITTLE))),
            ("standard,underscores", standard.with_underscores()),
            ("standard,no-byteorder", standard.byte_order_or(LITTLE).omit(jsonframe::Member::ByteOrder)),
            (
                "standard,no-type,no-encoding",
                standard
                    .content_type_or("text/json")
                    .omit(jsonframe::Member::ContentType)
                    .content_encoding_or("utf-8")
                    .omit(jsonframe::Member::ContentEncoding),
            ),
            (
                "u8,underscores,no-byteorder=big,no-type=a/b;c=d,no-encoding=latin-1",
                standard
                    .with_proto_header(ProtoHeader::U8)
                    .with_underscores()
                    .byte_order_or(BIG)
                    .omit(jsonframe::Member::ByteOrder)
                    .content_type_or("a/b;c=d")
                    .omit(jsonframe::Member::ContentType)
                    .content_encoding_or("latin-1")
                    .omit(jsonframe::Member::ContentEncoding),
            ),
        ] {
            assert_eq!(parsed(text), dialect, "{text}");
            assert_eq!(text.parse::<DialectName>().unwrap().to_string(), text);
        }
        assert_eq!(DialectName::default().leak(), &Dialect::STANDARD);
    }

    #[test]
    fn there_are_several_texts_for_a_dialect() {
        for (text, given_back) in [
            ("u16", "standard"),
            ("u16-be", "standard"),
            ("u32-be", "u32"),
            ("underscores", "standard,underscores"),
            ("no-encoding,no-byteorder=little", "standard,no-byteorder,no-encoding"),
            ("u8,no-type=text/json,no-encoding=utf-8", "u8,no-type,no-encoding"),
        ] {
            let name: DialectName = text.parse().unwrap();
            assert_eq!(name.to_string(), given_back);
            assert_eq!(given_back.parse(), Ok(name));
        }
    }

    #[test]
    fn what_is_no_dialect_is_refused_in_words() {
        for (text, reason) in [
            (
                "",
                "`` is not a dialect: a dialect begins with one of standard, u16-le, u32, u32-le, u8, or with one of underscores",
            ),
            ("u64", "`u64` is not a dialect"),
            ("u8,u16", "the form of the proto-header, `u16`, must come first"),
            ("u8,", "`` is not part of a dialect; the parts are underscores, no-byteorder, no-type, no-encoding"),
            ("u8,no-length", "`no-length` is not part of a dialect"),
            ("no-length", "`no-length` is not part of a dialect"),
            ("underscores,underscores", "`underscores` is there twice"),
            ("no-type=a,no-type", "`no-type` is there twice"),
            ("underscores=yes", "`underscores` takes no value"),
            ("no-encoding=", "a value is missing after `no-encoding=`"),
            ("u8,no-byteorder=middle", "`middle` is not a byte order: little or big"),
        ] {
            let error = text.parse::<DialectName>().unwrap_err();
            assert!(error.starts_with(reason), "{text}: {error}");
        }
    }
}
