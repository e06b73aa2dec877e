//! Headers in a dialect that are kept.

use jsonframe::{Assembler, Dialect, Growable, OwnedHeader};

use crate::framed;

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
