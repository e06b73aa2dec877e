//! Headers in a dialect that are kept.

use jsonframe::{Assembler, ByteOrder, Dialect, Growable, OwnedHeader};

use crate::framed;
use crate::name::DialectName;

/// Its prefix, the names that others have for its members, and JSON where there should be text.
#[test]
fn a_kept_header_is_as_it_was_in_every_dialect() {
    const BYTE_ORDER: &str = r#""byteorder":"big""#;
    for (name, members) in [
        ("standard,prefix=00010203", r#""content-type":"x","content-encoding":"y","content-length":0,"a":"\u0062""#),
        ("u8,prefix=00,length=n", r#""content-type":"x","content-encoding":"y","\u006e":0,"a\u0062":"\n""#),
        (
            "u8,length=a very long name of a length",
            r#""a very long name of a \u006cength":0,"n":["\n"],"content-encoding":"\"","content-type":"""#,
        ),
        ("u8,type=a\"b,encoding=\\", r#""a\"b":"ty\"pe","\\":"enc\u006fding","content-length":0,"x":1"#),
        (
            "u8,raw-json",
            r#""content-type":["\u0061",{"content-length":7}],"content-encoding": null ,"content-length":0,"b\n":"\t""#,
        ),
        ("u8,no-type=[1],no-length,no-encoding", r#""content-encoding":"é""#),
    ] {
        let dialect = name.parse::<DialectName>().unwrap().leak();
        let stream = framed(dialect, format!("{{{BYTE_ORDER},{members}}}"));
        let mut assembler = Assembler::new([0; 300], Growable::with_limit(0)).with_dialect(dialect);
        let received = assembler.decode(&mut stream.as_slice()).unwrap().unwrap().header();
        assert_eq!((received.prefix(), received.byte_order()), (dialect.prefix(), ByteOrder::Big));
        let kept = OwnedHeader::new(&received, Growable::with_limit(1000)).unwrap();
        assert_eq!(kept.header(), received, "{name}");
        let again = OwnedHeader::new(&kept.header(), Growable::with_limit(1000)).unwrap();
        assert_eq!(again.header(), received, "{name}");
        // What was received is sent, and received again.
        let mut buffer = [0; 300];
        let sent = dialect.encode(&kept.header(), &mut buffer).unwrap();
        let mut assembler = Assembler::new([0; 300], Growable::with_limit(0)).with_dialect(dialect);
        let sent_on = assembler.decode(&mut &*sent).unwrap().unwrap().header();
        assert_eq!(sent_on.extensions().count(), received.extensions().count());
        assert_eq!(sent_on.prefix(), received.prefix());
    }
}

/// With the encoding behind it, its end was once more than two bytes can say: the encoding was cut, or empty.
#[test]
fn a_kept_header_has_all_of_its_encoding_however_long_the_type_that_stands_in() {
    for length in [0, 100, 9_000, 65_528, 65_529, 65_530, 65_534, 65_535, 65_536, 70_000, 200_000] {
        let stand_in = String::from("é").repeat(length / 2) + &"x".repeat(length % 2);
        let dialect: &'static Dialect = Box::leak(Box::new(
            Dialect::STANDARD
                .content_type_or(stand_in.leak())
                .omit(jsonframe::Member::ContentType)
                .content_encoding_or("utf-8-sig")
                .omit(jsonframe::Member::ContentEncoding),
        ));
        for members in [
            r#""byteorder":"big","content-encoding":"utf-16","content-length":0"#,
            r#""byteorder":"big","content-length":0"#,
            r#""byteorder":"big","content-length":0,"a\u0062":"\n""#,
        ] {
            let stream = framed(dialect, format!("{{{members}}}"));
            let mut assembler = Assembler::new([0; 1000], Growable::with_limit(0)).with_dialect(dialect);
            let received = assembler.decode(&mut stream.as_slice()).unwrap().unwrap().header();
            assert_eq!(received.content_type().len(), length);

            let kept = OwnedHeader::new(&received, Growable::with_limit(300_000)).unwrap();
            assert_eq!(kept.header(), received, "a stand-in of {length} bytes");
            let again = OwnedHeader::new(&kept.header(), Growable::with_limit(300_000)).unwrap();
            assert_eq!(again.header(), received, "a stand-in of {length} bytes");
        }
    }
}
