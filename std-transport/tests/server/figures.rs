//! The figures of a server are exact, once what they are about is over.

use std::io::Write;

use crate::running::driver::{Driver, on_each_driver};
use crate::running::{Echo, exchange, message, receive};
use jsonframe_std::protocol::Header;
use jsonframe_std::server::Limits;

on_each_driver! {
    messages_and_bytes_of_an_exchange_are_counted_to_the_last_one,
}

fn messages_and_bytes_of_an_exchange_are_counted_to_the_last_one(driver: Driver) {
    let echo = Echo::default();
    let server = driver.start(Limits::default(), echo.clone());
    let mut bytes = 0;
    let [mut first, mut second] = [0; 2].map(|_| server.connect());
    for number in 0..100 {
        let text = number.to_string();
        bytes += Header::new("text", "utf-8", text.len() as u64).encoded_len() + text.len();
        exchange(if number % 2 == 0 { &mut first } else { &mut second }, &text);
    }
    // Long ones go another way in and out.
    let long = message(&vec![b'x'; 300_000]);
    first.get_mut().write_all(&long).unwrap();
    assert_eq!(receive(&mut first).map(|text| text.len()), Some(300_000));
    bytes += long.len();
    server.wait_until(|server| server.handle.stats().bytes_sent == bytes as u64);
    // A message that is not whole is none, but its bytes have come. The answer to it is a message.
    let part = &message(b"not whole")[..20];
    second.get_mut().write_all(part).unwrap();
    second.get_ref().shutdown(std::net::Shutdown::Write).unwrap();
    let complaint = receive(&mut second).expect("a complaint");
    let answer = Header::new("error", "utf-8", complaint.len() as u64).encoded_len() + complaint.len();
    drop((first, second));
    server.wait_until(|server| server.handle.stats().connections == 0);
    let stats = server.handle.stats();
    assert_eq!((stats.messages_received, stats.messages_sent), (101, 102));
    assert_eq!(stats.bytes_received, (bytes + part.len()) as u64);
    assert_eq!(stats.bytes_sent, (bytes + answer) as u64);
}
