//! The figures of a server over HTTP, as Prometheus asks for them.

use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, http};
use hyper_util::rt::TokioIo;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::Semaphore;
use tokio::time::{interval, sleep, timeout};
use tracing::warn;

/// How many connections there are at most. Others wait until one of them ends.
const MAX_CONNECTIONS: usize = 16;

/// How long a connection may take, from its beginning to its end.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much of a request is read before it is refused.
const MAX_HEADER: usize = 16 << 10;

/// How often the measured times are summed up. Those since the last time take memory, each.
const UPKEEP: Duration = Duration::from_secs(1);

/// How long to wait when a connection cannot be accepted: others may end meanwhile and set resources free.
const PAUSE: Duration = Duration::from_millis(100);

/// The format: version 0.0.4 is the only one there is of the text.
const TEXT: &str = "text/plain; version=0.0.4";

/// The bounds of the classes that times are counted in, in seconds.
const BUCKETS: [f64; 13] =
    [0.00001, 0.000_025, 0.0001, 0.000_25, 0.001, 0.0025, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0];

/// Whether this is a host and a port, with a colon between them.
///
/// # Errors
///
/// What is wrong with it, in words.
pub(crate) fn host_and_port(text: &str) -> Result<String, &'static str> {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(text.to_owned()),
        _ => Err("expected HOST:PORT, such as 127.0.0.1:9100"),
    }
}

/// Has a thread serve the figures of all servers that are made from now on, until the program ends, and returns its address.
/// To be called once.
///
/// # Errors
///
/// Why that is not possible, in words.
pub(crate) fn serve(host_and_port: &str) -> Result<SocketAddr, String> {
    let cannot = |error: io::Error| format!("cannot serve metrics on {host_and_port}: {error}");
    let runtime = Builder::new_current_thread().enable_io().enable_time().build().map_err(cannot)?;
    let listener = runtime.block_on(TcpListener::bind(host_and_port)).map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let figures = PrometheusBuilder::new()
        .set_buckets(&BUCKETS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| cannot(io::Error::other(error)))?;
    let run = move || runtime.block_on(answer_each(listener, figures));
    thread::Builder::new().name("metrics".into()).spawn(run).map_err(cannot)?;
    Ok(address)
}

async fn answer_each(listener: TcpListener, figures: PrometheusHandle) {
    let upkept = figures.clone();
    tokio::spawn(async move {
        let mut interval = interval(UPKEEP);
        loop {
            interval.tick().await;
            upkept.run_upkeep();
        }
    });
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    // Nothing closes it.
    while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let figures = figures.clone();
                tokio::spawn(async move {
                    // A failure is the scraper's to report.
                    let _ = timeout(PATIENCE, converse(stream, &figures)).await;
                    drop(slot);
                });
            }
            Err(error) => {
                warn!(%error, "cannot accept a connection for metrics");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Answers one request.
async fn converse(stream: TcpStream, figures: &PrometheusHandle) -> hyper::Result<()> {
    let service = service_fn(|request| ready(answer(&request, figures)));
    http1::Builder::new()
        .keep_alive(false)
        .header_read_timeout(None)
        .max_buf_size(MAX_HEADER)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

fn answer(request: &Request<Incoming>, figures: &PrometheusHandle) -> http::Result<Response<String>> {
    let response = Response::builder();
    if request.uri().path() != "/metrics" {
        let body = "the figures are at /metrics\n".into();
        response.status(StatusCode::NOT_FOUND).header(CONTENT_TYPE, "text/plain").body(body)
    } else if ![Method::GET, Method::HEAD].contains(request.method()) {
        response.status(StatusCode::METHOD_NOT_ALLOWED).header(ALLOW, "GET, HEAD").body(String::new())
    } else {
        response.header(CONTENT_TYPE, TEXT).body(figures.render())
    }
}
