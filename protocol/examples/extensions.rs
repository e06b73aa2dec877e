//! Members of your own beside the required four: `cargo run -p jsonframe --example extensions`.
//!
//! A sensor sends 4 readings of 16 bits, and says in the header what they are. A receiver that does not know these members
//! can still read the message.

use std::error::Error;

use jsonframe::{ByteOrder, Decoder, Event, Header, Value};

fn main() -> Result<(), Box<dyn Error>> {
    let readings = [2115_i16, 2117, -40, 2120];
    let content: Vec<u8> = readings.iter().flat_map(|reading| reading.to_le_bytes()).collect();

    // Texts, integers and booleans convert to values; other values come from JSON.
    let scale = Value::from_json("[0.01, 273.15]")?;
    let extensions =
        [("sensor", "boiler \"A\"".into()), ("readings", 4_u64.into()), ("calibrated", true.into()), ("scale", scale)];
    let header = Header::new("application/x-readings", "binary", content.len() as u64)
        .with_byte_order(ByteOrder::Little)
        .with_extensions(&extensions);
    let mut buffer = [0; 256];
    let wire = [header.encode(&mut buffer)?, &content].concat();
    println!("{header}");

    // The receiver looks up members by name and type, …
    let mut decoder = Decoder::new([0; 256]);
    let mut input = wire.as_slice();
    let Some(Event::Header(header)) = decoder.decode(&mut input)? else { return Err("no header".into()) };
    let text = |name| header.extension(name).and_then(|value| value.as_str());
    assert_eq!(text("sensor"), Some("boiler \"A\""));
    assert_eq!(header.extension("readings").and_then(|value| value.as_u64()), Some(4));
    assert_eq!(header.extension("calibrated").and_then(|value| value.as_bool()), Some(true));
    assert_eq!(header.extension("scale").and_then(|value| value.as_json()), Some("[0.01, 273.15]"));
    // … which gives `None` for members that are absent or of another type, …
    assert_eq!((text("unit"), text("readings")), (None, None));
    // … or iterates over all members.
    let mut names = Vec::new();
    for (name, value) in header.extensions() {
        println!("{name} is {value}");
        names.push(name.to_string());
    }
    assert_eq!(names, ["sensor", "readings", "calibrated", "scale"]);

    // The header gives the byte order of the content's numbers.
    let from_bytes = match header.byte_order() {
        ByteOrder::Little => i16::from_le_bytes,
        ByteOrder::Big => i16::from_be_bytes,
    };
    let Some(Event::Content(content)) = decoder.decode(&mut input)? else { return Err("no content".into()) };
    let received: Vec<i16> = content.chunks_exact(2).map(|bytes| from_bytes([bytes[0], bytes[1]])).collect();
    assert_eq!(received, readings);
    assert_eq!(decoder.decode(&mut input)?, Some(Event::End));
    Ok(())
}
