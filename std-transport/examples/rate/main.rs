//! What the transport costs, beside bare TCP, or rustls over it, doing the same with the same bytes:
//! `cargo run --release -p jsonframe-std --features tls --example rate`.
//!
//! Both sides are measured in turn, round after round, in one run: the clients and the servers share the machine, so that
//! a figure is of use only beside the one it is measured with. Each is the median of its rounds, and so is the ratio.
//!
//! On Linux all servers run on one processor and all clients on another, and the processor time that both have taken is printed
//! too: in microseconds for a request, a connection or a megabyte.

mod bare;
mod clients;
mod ends;
mod memory;
mod messages;
mod processors;

use std::error::Error;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use jsonframe_std::tls::TlsStream;
use serde_json::json;

use bare::Bare;
use ends::Ends;
use messages::Messages;
use processors::Measured;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Measure what the transport costs, beside bare TCP or rustls doing the same with the same bytes.
#[derive(Parser)]
#[command(name = "rate", after_help = EXAMPLES)]
struct Arguments {
    /// Print the figures as a JSON object
    #[arg(long)]
    json: bool,

    /// How often each figure is measured; those that take longer, a third as often
    #[arg(long, value_name = "N", default_value = "21", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rounds: u32,

    /// Only the figures whose names contain this
    #[arg(long, value_name = "NAME", default_value = "")]
    filter: String,

    /// Serve until standard input ends, for the memory of this process to be looked at
    #[arg(long, value_name = "SIDE", hide = true)]
    serve: Option<memory::Side>,

    /// Serve over TLS, with the certificate in this folder
    #[arg(long, value_name = "FOLDER", hide = true)]
    certificate: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  cargo run --release -p jsonframe-std --features tls --example rate
  cargo run --release -p jsonframe-std --features tls --example rate -- --json --rounds 51
  cargo run --release -p jsonframe-std --features tls --example rate -- --filter requests";

/// What is measured of both sides.
struct Figure {
    name: &'static str,
    unit: &'static str,
    /// In which part of the rounds it is measured: one in so many.
    one_in: u32,
    /// Whether more is better.
    is_rate: bool,
    ours: Measure,
    bare: Measure,
}

type Measure = Box<dyn Fn() -> Result<Measured>>;

/// The medians of what has been measured.
struct Outcome {
    ours: f64,
    bare: f64,
    ratio: f64,
    /// The processor time for one, in microseconds.
    times: Option<[f64; 2]>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.serve {
        Some(side) => memory::serve(side, arguments.certificate.as_deref()),
        None => measure(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the figures has seen enough.
        Err(error) if error.downcast_ref().map(io::Error::kind) == Some(ErrorKind::BrokenPipe) => ExitCode::SUCCESS,
        Err(error) => {
            // Nowhere is left to report that this fails.
            let _ = writeln!(io::stderr(), "rate: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<()> {
    processors::be_server()?;
    let mut figures = figures(Messages::start()?, Bare::start()?);
    figures.extend(figures_of_tls()?);
    processors::be_client()?;
    let mut rows = Vec::new();
    for figure in figures.iter().filter(|figure| figure.name.contains(&arguments.filter)) {
        let rounds = arguments.rounds.div_ceil(figure.one_in);
        let outcome = figure.median(rounds)?;
        if !arguments.json {
            show(figure, &outcome, rows.is_empty())?;
        }
        rows.push(json!({
            "figure": figure.name,
            "unit": figure.unit,
            "rounds": rounds,
            "ours": outcome.ours,
            "bare": outcome.bare,
            "ratio": outcome.ratio,
            "processor_us": outcome.times,
        }));
    }
    if rows.is_empty() {
        return Err(format!("no figure's name contains {:?}", arguments.filter).into());
    }
    if arguments.json {
        writeln!(io::stdout(), "{:#}", json!({"figures": rows}))?;
    }
    Ok(())
}

fn figures(messages: Messages, bare: Bare) -> Vec<Figure> {
    use clients::{Side, bare_bulk, bulk, churn, collected, connect, converse, requests};

    let ask = |address, connections| -> Measure {
        Box::new(move || requests((0..connections).map(|_| connect(address)).collect::<io::Result<_>>()?))
    };
    vec![
        rate("requests, 1 connection, server", ask(messages.server, 1), ask(bare.polled, 1)),
        rate(
            "requests, 1 connection, blocking",
            Box::new(move || converse(connect(messages.blocking)?)),
            ask(bare.blocking, 1),
        ),
        rate("requests, 100 connections, server", ask(messages.server, 100), ask(bare.polled, 100)),
        Figure {
            unit: "connections/s",
            ..rate(
                "new connections, server",
                Box::new(move || churn(messages.server)),
                Box::new(move || churn(bare.polled)),
            )
        },
        transfer(
            "1 GiB, server",
            Box::new(move || bulk(connect(messages.server)?)),
            Box::new(move || bare_bulk(connect(bare.sink)?)),
        ),
        transfer(
            "1 GiB, blocking",
            Box::new(move || bulk(connect(messages.blocking)?)),
            Box::new(move || bare_bulk(connect(bare.blocking_sink)?)),
        ),
        transfer(
            "1 GiB in 16 messages, collected",
            Box::new(|| collected(Side::Messages)),
            Box::new(|| collected(Side::Bare)),
        ),
        memory("memory of an idle connection, server", memory::Kind::Idle),
    ]
}

fn figures_of_tls() -> Result<Vec<Figure>> {
    use clients::{bare_bulk, bulk, converse, requests};

    let ends = Ends::make(tempfile::tempdir()?.path())?;
    let (messages, bare) = (Messages::start_tls(&ends.server)?, Bare::start_tls(&ends.server)?);
    let over_tls = |measure: fn(TlsStream) -> Result<Measured>, address| -> Measure {
        let ends = ends.clone();
        Box::new(move || measure(ends.connect(address)?))
    };
    let ask = |address| over_tls(|stream| requests(vec![stream]), address);
    Ok(vec![
        rate("TLS requests, 1 connection, server", ask(messages.server), ask(bare.polled)),
        rate("TLS requests, 1 connection, blocking", over_tls(converse, messages.blocking), ask(bare.blocking)),
        transfer("TLS 1 GiB, server", over_tls(bulk, messages.server), over_tls(bare_bulk, bare.sink)),
        transfer("TLS 1 GiB, blocking", over_tls(bulk, messages.blocking), over_tls(bare_bulk, bare.blocking_sink)),
        memory("TLS memory of an idle connection", memory::Kind::IdleTls),
        memory("TLS memory of a handshake", memory::Kind::Handshake),
    ])
}

fn rate(name: &'static str, ours: Measure, bare: Measure) -> Figure {
    Figure { name, unit: "requests/s", one_in: 1, is_rate: true, ours, bare }
}

fn transfer(name: &'static str, ours: Measure, bare: Measure) -> Figure {
    Figure { name, unit: "MB/s", one_in: 3, is_rate: true, ours, bare }
}

fn memory(name: &'static str, kind: memory::Kind) -> Figure {
    let measure = |side| -> Measure {
        Box::new(move || Ok(Measured { figure: memory::of_a_connection(kind, side)?, time: None }))
    };
    let (ours, bare) = (measure(memory::Side::Messages), measure(memory::Side::Bare));
    Figure { name, unit: "bytes", one_in: 10, is_rate: false, ours, bare }
}

impl Figure {
    /// Measures both sides in turn, and now the one, now the other first.
    fn median(&self, rounds: u32) -> Result<Outcome> {
        let mut measured = Vec::new();
        for round in 0..rounds {
            let early = if round % 2 == 0 { Some((self.ours)()?) } else { None };
            let theirs = (self.bare)()?;
            let own = match early {
                Some(own) => own,
                None => (self.ours)()?,
            };
            measured.push([own, theirs]);
        }
        let of_all = |figure: &dyn Fn(&[Measured; 2]) -> f64| median(measured.iter().map(figure).collect());
        let time = |side: usize| {
            let times: Option<_> = measured.iter().map(|both| Some(both[side].time?.as_secs_f64() * 1e6)).collect();
            times.map(median)
        };
        Ok(Outcome {
            ours: of_all(&|[ours, _]| ours.figure),
            bare: of_all(&|[_, bare]| bare.figure),
            ratio: of_all(&|[ours, bare]| ours.figure / bare.figure),
            times: time(0).zip(time(1)).map(<[f64; 2]>::from),
        })
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    if numbers.len() % 2 == 1 { numbers[middle] } else { f64::midpoint(numbers[middle - 1], numbers[middle]) }
}

fn show(figure: &Figure, outcome: &Outcome, is_first: bool) -> io::Result<()> {
    let mut output = io::stdout().lock();
    if is_first {
        writeln!(
            output,
            "{:38}{:14}{:>12}{:>12}{:>8}{:>11}{:>9}",
            "", "", "jsonframe", "bare", "ratio", "us each", "bare"
        )?;
    }
    let Outcome { ours, bare, ratio, times } = outcome;
    write!(output, "{:38}{:14}{ours:12.0}{bare:12.0}", figure.name, figure.unit)?;
    if figure.is_rate {
        write!(output, "{ratio:8.2}")?;
    }
    if let Some([ours, bare]) = times {
        write!(output, "{ours:11.1}{bare:9.1}")?;
    }
    writeln!(output)
}
