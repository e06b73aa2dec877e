//! A first look at the protocol: bytes first, then a server, a client, and the messages between them.

use std::io::{self, Write};
use std::process::ExitCode;
use std::slice;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use clap::Parser;
use jsonframe::Dialect;
use jsonframe_cli::address::Address;
use jsonframe_cli::console::Console;
use jsonframe_cli::dialect::Dialects;
use jsonframe_cli::inspect::{Options, inspect};
use jsonframe_cli::limits::default_limits;
use jsonframe_demos::application::request;
use jsonframe_demos::client::{Client, connect};
use jsonframe_demos::listen::bind;
use jsonframe_demos::server::Application;
use jsonframe_demos::{echo, multiconn};
use jsonframe_std::server::Server;

/// Watch a server and a client talk, and see what goes over the wire.
///
/// Both run in this process, over TCP on the loopback interface.
#[derive(Parser)]
#[command(name = "tour", version, after_help = EXAMPLES)]
struct Arguments {}

const EXAMPLES: &str = "\
Examples:
  tour
  tour | less

Exit status:
  0  it was shown, or whoever read the output left
  1  something failed on the way
  2  the command line is wrong";

const BYTES: &str = "\
A TCP connection carries bytes, and nothing says where one thing ends and the next begins.
For an echo that is enough: the server sends back whatever comes, until the client leaves.";

const MANY: &str = "\
One thread is enough for many connections, if it never waits for one of them alone. Here
are two at a time. Still nobody can tell messages from each other: two that are sent one
after the other may come back as one.";

const WELCOME: &str = "\
A message is two bytes, a header and content. The two bytes say how long the header is.
The header, in JSON, says what the content is, and how long. Whatever carries bytes can
carry messages; here it is TCP, between a server and a client.";

const SEARCH: &str = "\
The client asks in JSON, the server answers in JSON. Both print each message they send
byte for byte: \\x00g announces a header of 103 bytes.";

const EMOJI: &str = "\
Text travels as UTF-8, and lengths count bytes: the dog takes four of them.";

const BINARY: &str = "\
Content may be anything. Every action but \"search\" is sent as bytes, of a type that is
the client's own; the server answers with bytes of its own type.";

const FAREWELL: &str = "\
Now try it yourself, in two terminals:

    cargo run --bin app-server
    cargo run --bin app-client search ring";

const TITLE: Style = Style::new().bold();
const CLIENT: Style = AnsiColor::Cyan.on_default();
const SERVER: Style = AnsiColor::Green.on_default();

/// How long to wait for the server at the other end of this process.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    Arguments::parse();
    let console = Console::new(anstream::stdout(), io::stderr());
    console.finish("tour", tour(&console))
}

fn tour(console: &Console) -> Result<(), String> {
    let guide = Guide::start(console)?;
    console.say(format_args!("{TITLE}jsonframe: messages that describe themselves{TITLE:#}"));
    echo_bytes(console)?;
    echo_many(console)?;
    console.say(format_args!("\n\n{TITLE}Messages{TITLE:#}\n\n{WELCOME}"));
    let messages = guide.exchange("3. A search that finds nothing", SEARCH, "search", "needle")?;
    guide.inspect(&messages)?;
    guide.exchange("4. A search that finds something", EMOJI, "search", "🐶")?;
    let messages = guide.exchange("5. Content that is not JSON", BINARY, "dance", " on the table")?;
    guide.inspect(&messages)?;
    console.say(format_args!("\n\n{FAREWELL}"));
    Ok(())
}

/// Shows the echo pair.
fn echo_bytes(console: &Console) -> Result<(), String> {
    console.say(format_args!("\n\n{TITLE}1. Bytes{TITLE:#}\n\n{BYTES}\n"));
    let (listener, address) = bind("127.0.0.1", 0)?;
    let (server, server_lines) = console_of_lines();
    let (client, client_lines) = console_of_lines();
    let serving = thread::spawn(move || echo::serve(&listener, &server));
    echo::converse(("127.0.0.1", address.port()), b"Hello,world", PATIENCE, &client)?;
    serving.join().map_err(|_| "the server panicked")??;
    show(console, "client", CLIENT, client_lines.try_iter());
    show(console, "server", SERVER, server_lines.try_iter());
    Ok(())
}

/// Shows the pair for many connections.
fn echo_many(console: &Console) -> Result<(), String> {
    const CONNECTIONS: usize = 2;

    console.say(format_args!("\n\n{TITLE}2. Bytes on many connections{TITLE:#}\n\n{MANY}\n"));
    let (listener, address) = bind("127.0.0.1", 0)?;
    let (server, server_lines) = console_of_lines();
    let (client, client_lines) = console_of_lines();
    thread::spawn(move || multiconn::serve(listener, None, &server));
    multiconn::converse(("127.0.0.1", address.port()), CONNECTIONS, PATIENCE, &client)?;
    show(console, "client", CLIENT, client_lines.try_iter());
    show_server(console, &server_lines, CONNECTIONS)
}

/// A console, and what is written to it.
fn console_of_lines() -> (Console, Receiver<String>) {
    let (sender, lines) = mpsc::channel();
    (Console::new(LineSender(sender.clone()), LineSender(sender)), lines)
}

/// Shows what a program has said.
fn show(console: &Console, program: &str, style: Style, lines: impl IntoIterator<Item = String>) {
    for line in lines {
        console.say(format_args!("{style}{program} |{style:#} {}", line.trim_end()));
    }
}

/// Shows what a server says until it has closed this many connections.
fn show_server(console: &Console, lines: &Receiver<String>, connections: usize) -> Result<(), String> {
    console.say("");
    let mut open = connections;
    while open > 0 {
        let line = lines.recv_timeout(PATIENCE).map_err(|_| "the server does not close its connections")?;
        open -= usize::from(line.starts_with("closing connection"));
        show(console, "server", SERVER, [line]);
    }
    Ok(())
}

/// A running server, and what it says.
struct Guide<'a> {
    console: &'a Console,
    server: Address,
    server_lines: Receiver<String>,
}

impl<'a> Guide<'a> {
    fn start(console: &'a Console) -> Result<Self, String> {
        let (said, server_lines) = console_of_lines();
        let server = Server::bind("127.0.0.1:0", default_limits()).map_err(|error| error.to_string())?;
        let address = server.address().to_string();
        said.say(format_args!("listening on {address}"));
        thread::spawn(move || server.run(&Application::new(said)));
        Ok(Self { console, server: address.parse()?, server_lines })
    }

    /// Shows one exchange, first as the client prints it, then as the server does. Returns both messages.
    fn exchange(&self, title: &str, narration: &str, action: &str, value: &str) -> Result<[Vec<u8>; 2], String> {
        self.console.say(format_args!("\n\n{TITLE}{title}{TITLE:#}\n\n{narration}\n"));
        let (console, client_lines) = console_of_lines();
        let request = request(action, value).map_err(|error| error.to_string())?;
        let (stream, server) = connect(&self.server, PATIENCE, Duration::ZERO, &console)?;
        let client = Client { server: &server, dialects: Dialects::STANDARD, timeout: PATIENCE, console: &console };
        let answer = client.exchange(stream, slice::from_ref(&request))?.ok_or("there is no answer")?;
        show(self.console, "client", CLIENT, client_lines.try_iter());
        show_server(self.console, &self.server_lines, 1)?;
        let messages = request.frame(&Dialect::STANDARD).and_then(|sent| Ok([sent, answer.message().to_vec()?]));
        messages.map_err(|error| error.to_string())
    }

    /// Shows what went over the wire.
    fn inspect(&self, messages: &[Vec<u8>; 2]) -> Result<(), String> {
        self.console.say("\nThe two messages, as `jsonframe inspect` shows them:");
        let color = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
        let options = Options { color, ..Options::default() };
        for ((title, style), message) in [("client", CLIENT), ("server", SERVER)].into_iter().zip(messages) {
            let mut shown = Vec::new();
            inspect(&mut message.as_slice(), &mut shown, &options).map_err(|error| error.to_string())?;
            self.console.say("");
            // What comes after the message, behind an empty line, is about the end of the stream.
            let shown = String::from_utf8_lossy(&shown);
            let lines = shown.lines().take_while(|line| !line.is_empty()).map(str::to_owned);
            show(self.console, title, style, lines);
        }
        Ok(())
    }
}

/// Sends each line that is written to it.
struct LineSender(Sender<String>);

impl Write for LineSender {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line).into_owned();
        self.0.send(text).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
