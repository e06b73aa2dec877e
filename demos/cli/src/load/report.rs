//! What came out, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use serde::Serialize;

use super::Plan;
use super::pace::in_f64;
use super::request::Request;
use super::tally::Tally;
use super::timeline::Timeline;

/// What came out of a measurement. Shown, it is a few lines; in JSON, an object.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    connections: usize,
    pipeline: usize,
    rate: Option<f64>,
    per_connection: Option<u64>,
    /// The bytes of a request's content, and of the whole request.
    content_size: usize,
    request_size: usize,
    idle: usize,
    /// How many of the idle connections the server has ended.
    idle_lost: usize,
    #[serde(flatten)]
    server: Figures,
    /// Failures by kind.
    errors: BTreeMap<&'static str, u64>,
    /// Why something that came first was no message.
    #[serde(skip)]
    no_message: Option<String>,
    /// The answers over the time.
    timeline: Timeline,
    /// How long the part of the answers took that was fastest, in microseconds, up to nearly all.
    #[serde(skip)]
    curve: Vec<(f64, f64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<Figures>,
    /// The server's requests per second as a part of the echo's.
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<f64>,
}

/// The figures of one server.
#[derive(Clone, Debug, Serialize)]
struct Figures {
    seconds: f64,
    sent: u64,
    answered: u64,
    /// How many were due and never sent, for all connections were busy.
    unsent: u64,
    opened: u64,
    requests_per_second: f64,
    connections_per_second: f64,
    latency_us: Latency,
}

/// In microseconds.
#[derive(Clone, Debug, Serialize)]
struct Latency {
    mean: f64,
    min: f64,
    p50: f64,
    p90: f64,
    p99: f64,
    p99_9: f64,
    max: f64,
}

impl Report {
    pub(super) fn new(
        plan: &Plan,
        request: &Request<'_>,
        tally: &Tally,
        raw: Option<&Tally>,
        idle_lost: usize,
    ) -> Self {
        let server = Figures::new(tally);
        let raw = raw.map(Figures::new);
        let ratio = raw.as_ref().filter(|raw| raw.answered > 0);
        Self {
            connections: plan.connections.get(),
            pipeline: plan.pipeline.get(),
            rate: plan.rate,
            per_connection: plan.per_connection.map(Into::into),
            content_size: request.content().len(),
            request_size: request.frame().len(),
            idle: plan.idle,
            idle_lost,
            errors: tally.failures.iter().map(|(failure, count)| (failure.name(), *count)).collect(),
            no_message: tally.no_message.clone(),
            timeline: tally.timeline().clone(),
            curve: curve(tally),
            ratio: ratio.map(|raw| server.requests_per_second / raw.requests_per_second),
            server,
            raw,
        }
    }

    /// When the parts of the time ended, in seconds, and the answers per second in each.
    pub(super) fn rates(&self) -> impl Iterator<Item = (f64, f64)> {
        self.timeline.rates(self.server.seconds)
    }

    pub(super) fn curve(&self) -> &[(f64, f64)] {
        &self.curve
    }

    /// The figures for a table.
    pub(super) fn rows(&self) -> Vec<(String, String)> {
        let Self { connections, pipeline, request_size, server, .. } = self;
        let latency = &server.latency_us;
        let milliseconds = |microseconds: f64| format!("{:.3} ms", microseconds / 1000.0);
        let mut rows = vec![
            ("connections", connections.to_string()),
            ("requests under way on each", pipeline.to_string()),
            ("bytes of a request", request_size.to_string()),
            ("sent", server.sent.to_string()),
            ("answered", server.answered.to_string()),
            ("unsent", server.unsent.to_string()),
            ("seconds", format!("{:.3}", server.seconds)),
            ("requests per second", format!("{:.1}", server.requests_per_second)),
            ("p50", milliseconds(latency.p50)),
            ("p90", milliseconds(latency.p90)),
            ("p99", milliseconds(latency.p99)),
            ("p99.9", milliseconds(latency.p99_9)),
            ("max", milliseconds(latency.max)),
            ("errors", self.errors().to_string()),
        ];
        if let Some(ratio) = self.ratio {
            rows.push(("part of the requests per second of an echo", format!("{ratio:.2}")));
        }
        rows.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// What went wrong, in words.
    pub(super) fn errors(&self) -> impl Display {
        let errors: Vec<_> = self.errors.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        let reason = self.no_message.as_ref().map(|reason| format!("; {reason}")).unwrap_or_default();
        if errors.is_empty() { "no errors".into() } else { format!("errors: {}{reason}", errors.join(", ")) }
    }
}

/// Points of the latency's distribution, ever closer to the slowest answer, which is the last.
fn curve(tally: &Tally) -> Vec<(f64, f64)> {
    let latency = tally.latency();
    let answered = in_f64(tally.answered()).max(2.0);
    let steps = (1..).map(|step| 10_f64.powf(f64::from(step) / 20.0)).take_while(|x| *x < answered);
    let ends = [1.0].into_iter().chain(steps).chain([answered]);
    ends.map(|x| 1.0 - 1.0 / x)
        .map(|quantile| (quantile, in_f64(latency.value_at_quantile(quantile)) / 1000.0))
        .collect()
}

impl Figures {
    fn new(tally: &Tally) -> Self {
        let seconds = tally.elapsed.as_secs_f64();
        let latency = tally.latency();
        let microseconds = |nanoseconds: u64| in_f64(nanoseconds) / 1000.0;
        let at = |quantile| microseconds(latency.value_at_quantile(quantile));
        Self {
            seconds,
            sent: tally.sent,
            answered: tally.answered(),
            unsent: tally.unsent,
            opened: tally.opened,
            requests_per_second: in_f64(tally.answered()) / seconds,
            connections_per_second: in_f64(tally.opened) / seconds,
            latency_us: Latency {
                mean: latency.mean() / 1000.0,
                min: microseconds(latency.min()),
                p50: at(0.5),
                p90: at(0.9),
                p99: at(0.99),
                p99_9: at(0.999),
                max: microseconds(latency.max()),
            },
        }
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { connections, pipeline, content_size, request_size, server, .. } = self;
        write!(f, "load          {connections} connections, at most {pipeline} requests under way on each, ")?;
        match self.rate {
            Some(rate) => writeln!(f, "{rate} requests/s")?,
            None => writeln!(f, "closed loop")?,
        }
        writeln!(f, "requests      {request_size} bytes each, {content_size} of them content")?;
        server.fmt(f)?;
        if self.per_connection.is_some() {
            writeln!(f, "connections   {:.0} new ones/s", server.connections_per_second)?;
        }
        if self.idle > 0 {
            writeln!(f, "idle          {} connections, {} of them ended by the server", self.idle, self.idle_lost)?;
        }
        writeln!(f, "errors        {}", self.errors())?;
        if let Some(raw) = &self.raw {
            writeln!(f, "\nthe same bytes to an echo of bytes, in turns:")?;
            raw.fmt(f)?;
        }
        if let Some(ratio) = self.ratio {
            writeln!(f, "ratio         {ratio:.2} of the requests/s of the echo")?;
        }
        Ok(())
    }
}

impl Display for Figures {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { answered, seconds, latency_us: latency, .. } = self;
        writeln!(f, "answered      {answered} of {} in {seconds:.2} s", self.sent + self.unsent)?;
        writeln!(f, "throughput    {:.0} requests/s", self.requests_per_second)?;
        let time = |microseconds: f64| Duration::from_secs_f64(microseconds / 1e6);
        writeln!(
            f,
            "latency       p50 {:.1?}  p90 {:.1?}  p99 {:.1?}  p99.9 {:.1?}  max {:.1?}",
            time(latency.p50),
            time(latency.p90),
            time(latency.p99),
            time(latency.p99_9),
            time(latency.max),
        )
    }
}
