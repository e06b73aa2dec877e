//! Requests and answers in JSON, as your own types, without any I/O: `cargo run -p jsonframe --example json`.
//!
//! `jsonframe-std` sends such messages over sockets.

use jsonframe::{Assembler, Growable, Message, to_json_message};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Request<'a> {
    action: &'a str,
    value: &'a str,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Answer {
    result: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A client sends two requests.
    let wire = [
        to_json_message(&Request { action: "search", value: "ring" })?,
        to_json_message(&Request { action: "search", value: "needle" })?,
    ]
    .concat();

    // The server receives them in pieces of any size, and answers each when it is whole. Content may be up to 1 MiB long;
    // memory for it grows as it arrives, whatever length is announced.
    let mut assembler = Assembler::new([0; 1024], Growable::with_limit(1024 * 1024));
    let mut answers = Vec::new();
    for mut piece in wire.chunks(50) {
        while let Some(message) = assembler.decode(&mut piece)? {
            answers.extend(answer(&message)?);
        }
    }
    assembler.finish()?; // checks that the stream did not end inside a message

    // The client reads the answers.
    let mut assembler = Assembler::new([0; 1024], Growable::with_limit(1024 * 1024));
    let mut input = answers.as_slice();
    let mut results = Vec::new();
    while let Some(message) = assembler.decode(&mut input)? {
        results.push(message.json_owned::<Answer>()?.result);
    }
    println!("{results:?}");
    assert_eq!(results, ["In the caves beneath the Misty Mountains.", "No match for \"needle\"."]);
    Ok(())
}

fn answer(message: &Message<'_>) -> Result<Vec<u8>, jsonframe::JsonError> {
    let request: Request<'_> = message.json()?; // borrows its text from the message
    let result = match request {
        Request { action: "search", value: "ring" } => "In the caves beneath the Misty Mountains.".to_owned(),
        Request { action: "search", value } => format!("No match for \"{value}\"."),
        Request { action, .. } => format!("Error: invalid action \"{action}\"."),
    };
    to_json_message(&Answer { result })
}
