//! Measures what honest clients get from the servers while others flood them.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use jsonframe::Header;
use jsonframe_benches::programs::{self, Running};
use jsonframe_benches::report;

/// Measure what honest clients get from the servers while others flood them.
///
/// The honest load is that of the program `load`: some connections, each with one request at a time. The attackers are one
/// connection each, in a process of their own, and send one kind of message as fast as the server takes it. The column
/// `share` divides the honest rate by what equal shares of the processor would leave: the rate without attackers, times the
/// part that the honest connections are of all.
#[derive(Parser)]
#[command(name = "floods", version, after_help = EXAMPLES)]
struct Arguments {
    /// Measure only these kinds of flood
    #[arg(long = "flood", value_enum, value_name = "KIND")]
    floods: Vec<Flood>,

    /// Measure only these servers
    #[arg(long = "server", value_name = "NAME", default_values = ["app-server", "tokio-server"])]
    servers: Vec<String>,

    /// Where the programs are: by default, beside this one
    #[arg(long, value_name = "DIRECTORY")]
    programs: Option<PathBuf>,

    /// How many honest connections there are
    #[arg(long, value_name = "N", default_value_t = 10)]
    honest: u32,

    /// How many attackers there are
    #[arg(long, value_name = "N", default_value_t = 16)]
    attackers: u32,

    /// How long each line is measured
    #[arg(long, value_name = "N", default_value_t = 6)]
    seconds: u32,

    /// Be the attackers of this server
    #[arg(long, hide = true, value_name = "ADDRESS")]
    attack: Option<SocketAddr>,
}

const EXAMPLES: &str = "Examples:
  cargo build --release && cargo run --release -p jsonframe-benches --bin floods
  cargo run --release -p jsonframe-benches --bin floods -- --server app-server --flood worst --honest 200
  cargo run --release -p jsonframe-benches --bin floods -- --programs older/target/release

Exit status:
  0  all was measured
  1  a program is missing or failed
  2  the command line is wrong";

/// What the attackers send.
#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
enum Flood {
    /// Nothing: there are no attackers
    None,
    /// Headers of 16 KiB with plain members
    Ordinary,
    /// Headers of 16 KiB of escapes and characters beyond ASCII
    Worst,
    /// Messages without content
    Empty,
    /// The smallest request that is answered
    Smallest,
    /// Content of 64 MiB
    Content,
}

impl Flood {
    /// What an attacker sends again and again, in pieces that make few system calls.
    fn bytes(self) -> Result<Vec<u8>, Box<dyn Error>> {
        let content = match self {
            Self::None => return Ok(Vec::new()),
            Self::Ordinary => return Ok(header_of(r#", "filename": "value-of-some-length""#).repeat(8)),
            Self::Worst => return Ok(header_of(r#","\né":"é\n""#).repeat(8)),
            Self::Empty => return Ok(message(&Header::new("x", "y", 0), b"")?.repeat(2000)),
            Self::Smallest => br#"{"action":"","value":""}"#,
            Self::Content => return message(&Header::new("x", "y", 1 << 26), &vec![b'x'; 1 << 26]),
        };
        Ok(message(&Header::for_json(content.len() as u64), content)?.repeat(1000))
    }
}

fn message(header: &Header<'_>, content: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    Ok(jsonframe::Message::new(*header, content)?.to_vec()?)
}

/// A message without content whose header is nearly 16 KiB of these members, each under a name of its own.
fn header_of(member: &str) -> Vec<u8> {
    let mut json =
        r#"{"byteorder": "little", "content-type": "x", "content-encoding": "y", "content-length": 0"#.to_owned();
    let mut number = 0;
    while json.len() + member.len() + 8 < 16 * 1024 {
        json += &member.replacen(r#"":"#, &format!(r#"{}":"#, number % 10), 1);
        number += 1;
    }
    json.push('}');
    let length = u16::try_from(json.len()).expect("it is less than 16 KiB");
    [&length.to_be_bytes(), json.as_bytes()].concat()
}

fn main() -> ExitCode {
    report::exit_code("floods", run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    if let (Some(address), [flood]) = (arguments.attack, &*arguments.floods) {
        attack(address, &flood.bytes()?, arguments);
        return Ok(());
    }
    let this = std::env::current_exe()?;
    let programs = arguments.programs.clone().map_or_else(programs::beside_this, Ok)?;
    let mut floods = Flood::value_variants().to_vec();
    if !arguments.floods.is_empty() {
        floods.retain(|flood| *flood == Flood::None || arguments.floods.contains(flood));
    }
    let columns = ["server", "flood", "requests/s", "p50, ms", "p99, ms", "share"].map(str::to_owned);
    let mut rows = vec![columns];
    for server in &arguments.servers {
        let mut alone = None;
        for flood in &floods {
            let honest = measure(&programs, server, *flood, &this, arguments)?;
            let [requests, p50, p99] = honest;
            let alone = *alone.get_or_insert(requests);
            let all = arguments.honest + if *flood == Flood::None { 0 } else { arguments.attackers };
            let share = requests / (alone * f64::from(arguments.honest) / f64::from(all));
            let name = flood.to_possible_value().map_or_else(String::new, |name| name.get_name().to_owned());
            let figures = [format!("{requests:.0}"), format!("{p50:.2}"), format!("{p99:.2}"), format!("{share:.2}")];
            let [requests, p50, p99, share] = figures;
            rows.push([server.clone(), name, requests, p50, p99, share]);
        }
    }
    Ok(io::stdout().write_all(report::aligned(&rows).as_bytes())?)
}

/// The honest clients' requests per second and the time to the answer, in milliseconds: the median and the 99th percentile.
fn measure(
    programs: &Path,
    server: &str,
    flood: Flood,
    this: &Path,
    arguments: &Arguments,
) -> Result<[f64; 3], Box<dyn Error>> {
    let mut server = Running::start(Command::new(programs.join(server)).args(["--quiet", "127.0.0.1", "0"]))?;
    let address = server.address()?;
    let name = flood.to_possible_value().ok_or("it has no name")?;
    let attackers = (flood != Flood::None).then(|| {
        let mut attackers = Command::new(this);
        attackers.args(["--flood", name.get_name(), "--attack", &address.to_string()]);
        attackers.args(["--attackers", &arguments.attackers.to_string()]);
        Running::start(attackers.args(["--seconds", &(arguments.seconds + 2).to_string()]))
    });
    let _attackers = attackers.transpose()?;
    thread::sleep(Duration::from_secs(1));
    let mut load = Command::new(programs.join("jsonframe"));
    load.args(["load", &address.to_string(), "--report", "json"]);
    load.args(["--connections", &arguments.honest.to_string(), "--duration", &arguments.seconds.to_string()]);
    let output = load.output().map_err(|error| format!("{}: {error}", load.get_program().display()))?;
    let figures: serde_json::Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| String::from_utf8_lossy(&output.stderr).trim().to_owned())?;
    let figure = |pointer| figures.pointer(pointer).and_then(serde_json::Value::as_f64);
    let latency = |pointer| figure(pointer).map(|microseconds| microseconds / 1000.0);
    let all = [figure("/requests_per_second"), latency("/latency_us/p50"), latency("/latency_us/p99")];
    let [Some(requests), Some(p50), Some(p99)] = all else { return Err("load gives no figures".into()) };
    Ok([requests, p50, p99])
}

/// Floods the server, from as many connections as there are attackers.
fn attack(address: SocketAddr, bytes: &[u8], arguments: &Arguments) {
    let until = Instant::now() + Duration::from_secs(arguments.seconds.into());
    thread::scope(|scope| {
        for _ in 0..arguments.attackers {
            scope.spawn(|| {
                while Instant::now() < until {
                    // A connection that the server has ended is replaced.
                    if flood(address, bytes, until).is_err() {
                        thread::sleep(Duration::from_millis(10));
                    }
                }
            });
        }
    });
}

fn flood(address: SocketAddr, bytes: &[u8], until: Instant) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut replies = stream.try_clone()?;
    // Replies are read, so that the server has no reason to read nothing more.
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 20];
        while replies.read(&mut buffer).is_ok_and(|count| count > 0) {}
    });
    while Instant::now() < until {
        stream.write_all(bytes)?;
    }
    Ok(())
}
