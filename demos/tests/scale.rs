//! Two servers behind HAProxy as `demos/scale/haproxy.cfg` has them: restarts under load, and health checks.
#![cfg(target_os = "linux")]

mod certificates;
mod common;
#[allow(dead_code, reason = "each test program uses what it needs")]
mod peer;

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use certificates::{Files, words};
use common::{AppServer, PATIENCE, Program, Server, client, on_each_server, text};
use jsonframe_std::client::{CallError, Client, Options};
use peer::has;
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

on_each_server! {
    nobody_notices_restarts_where_connections_are_renewed,
    each_request_is_done_once_in_restarts_where_connections_last,
    a_server_that_is_sick_is_taken_out_until_it_is_well,
}

const SERVERS: [&str; 2] = ["s1", "s2"];
/// Clients have addresses of their own, which are not HAProxy's.
const CLIENTS: [Ipv4Addr; 3] = [Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 0, 0, 3), Ipv4Addr::new(127, 0, 0, 4)];
const CONNECTIONS_OF_EACH: usize = 2;
/// How often each server is restarted.
const ROUNDS: usize = 3;

/// An address at which nobody listens.
fn free_address(host: [u8; 4]) -> SocketAddr {
    TcpListener::bind(SocketAddr::from((host, 0))).and_then(|listener| listener.local_addr()).unwrap()
}

/// HAProxy and its servers.
struct Scale {
    on: AppServer,
    files: Files,
    servers: [Server; 2],
    /// What the servers have printed that are no more.
    printed: [Vec<String>; 2],
    front: SocketAddr,
    admin: PathBuf,
    _haproxy: Program,
}

fn serve(on: AppServer, files: &Files, address: SocketAddr, more: &[&str]) -> Server {
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    let of_server = files.of_server();
    let options = [&[&host, &port, "--proxy-protocol"], &words(&of_server)[..], more].concat();
    Server::spawn(Command::new(on.path()).args(options))
}

impl Scale {
    /// Everything is there, and has been found well.
    fn start(on: AppServer, check_timeout: &str) -> Self {
        let files = Files::new();
        // Each listens on an address that nobody else uses, so that its port is still free when it is started again.
        let servers = [1, 2].map(|number| serve(on, &files, ([127, 0, 1, number], 0).into(), &[]));
        let front = free_address([127, 0, 1, 3]);
        let admin = PathBuf::from(files.path("admin"));
        let haproxy = Program::spawn(
            Command::new("haproxy")
                .args(["-db", "-f", concat!(env!("CARGO_MANIFEST_DIR"), "/scale/haproxy.cfg")])
                .env("FRONT", front.to_string())
                .envs(["S1", "S2"].into_iter().zip(servers.each_ref().map(|server| server.address.to_string())))
                .env("CA", files.path("ca.pem"))
                .env("ADMIN", &admin)
                .env("CHECK_TIMEOUT", check_timeout),
        );
        let scale = Self { on, files, servers, printed: Default::default(), front, admin, _haproxy: haproxy };
        wait_until("HAProxy listens", || UnixStream::connect(&scale.admin).is_ok());
        for name in SERVERS {
            scale.wait_for(name, "check_status", |status| status == "L7OK");
        }
        scale
    }

    /// What HAProxy says to this command.
    fn admin(&self, command: &str) -> String {
        let mut stream = UnixStream::connect(&self.admin).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(format!("{command}\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Commands to which HAProxy has nothing to say.
    fn order(&self, commands: &str) {
        let answer = self.admin(commands);
        assert_eq!(answer.trim(), "", "{commands}");
    }

    /// A figure of a server.
    fn figure(&self, server: &str, figure: &str) -> String {
        let table = self.admin("show stat app 4 -1");
        let mut lines = table.lines().map(|line| line.trim_start_matches("# ").split(','));
        let index = lines.next().and_then(|mut names| names.position(|name| name == figure)).expect(figure);
        let mut line = lines.find(|line| line.clone().nth(1) == Some(server)).expect(server);
        line.nth(index).expect(figure).to_owned()
    }

    fn number(&self, server: &str, figure: &str) -> u64 {
        self.figure(server, figure).parse().unwrap()
    }

    fn wait_for(&self, server: &str, figure: &str, is_it: impl Fn(&str) -> bool) {
        wait_until(&format!("{server} has another {figure}"), || is_it(&self.figure(server, figure)));
    }

    /// Has new connections go to the other server.
    fn drain(&self, name: &str) {
        self.order(&format!("set server app/{name} state drain"));
    }

    /// Restarts a server as demos/scale/README.md says, but for what precedes it.
    fn restart(&mut self, index: usize) {
        self.servers[index].signal("TERM");
        assert_eq!(self.servers[index].exit_code(), Some(0));
        self.keep_lines(index);
        self.servers[index] = serve(self.on, &self.files, self.servers[index].address, &[]);
        self.order(&format!("set server app/{} state ready", SERVERS[index]));
        // Unless a check has failed meanwhile, it is at once.
        self.wait_for(SERVERS[index], "status", |status| status == "UP");
    }

    /// Keeps what a server has printed that has ended. It has not complained.
    fn keep_lines(&mut self, index: usize) {
        assert_eq!(self.servers[index].errors.rest(), [""; 0], "{}", SERVERS[index]);
        self.printed[index].extend(self.servers[index].output.rest());
    }

    /// Ends both servers, which no client uses any more, for all that they have printed.
    fn end(mut self) -> [Vec<String>; 2] {
        for (index, name) in SERVERS.iter().enumerate() {
            self.wait_for(name, "scur", |sessions| sessions == "0");
            self.servers[index].signal("TERM");
            assert_eq!(self.servers[index].exit_code(), Some(0));
            self.keep_lines(index);
        }
        self.printed
    }
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited for: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// What clients have asked for and been told.
#[derive(Default)]
struct Asked {
    /// What was searched for, all of it answered in the end.
    values: Vec<String>,
    /// Those of them that were asked for again, for the client could not know whether they had been done.
    unknown: Vec<String>,
}

/// Ends the load, even if the test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Has clients ask for as long as `meanwhile` takes. Each replaces its connection after every `renewed_after` requests.
fn under_load(scale: &mut Scale, renewed_after: usize, meanwhile: impl FnOnce(&mut Scale)) -> Asked {
    let (front, stop) = (scale.front, AtomicBool::new(false));
    thread::scope(|scope| {
        let clients = CLIENTS.iter().flat_map(|client| (0..CONNECTIONS_OF_EACH).map(move |number| (*client, number)));
        let stopped = &stop;
        let load: Vec<_> = clients
            .map(|(client, number)| scope.spawn(move || ask(front, client, number, renewed_after, stopped)))
            .collect();
        let ending = Stop(&stop);
        meanwhile(scale);
        drop(ending);
        let mut all = Asked::default();
        for asked in load {
            let asked = asked.join().expect("no request is lost");
            all.values.extend(asked.values);
            all.unknown.extend(asked.unknown);
        }
        all
    })
}

fn ask(front: SocketAddr, from: Ipv4Addr, number: usize, renewed_after: usize, stop: &AtomicBool) -> Asked {
    let connect = move || connect_from(from, front);
    let new_client = || Client::new(connect, Options::default()).unwrap();
    let (mut asked, mut client) = (Asked::default(), new_client());
    while !stop.load(Ordering::Relaxed) {
        let value = format!("{from} {number} {}", asked.values.len());
        let deadline = Instant::now() + PATIENCE;
        let answer = loop {
            assert!(Instant::now() < deadline, "no answer: {value}");
            match client.call_json::<Value>(&json!({"action": "search", "value": value})) {
                Ok(answer) => break answer,
                // A search may be done twice.
                Err(CallError::Lost { is_sent: true, .. }) => asked.unknown.push(value.clone()),
                // What was not sent, the client sends over its next connection.
                Err(error) => panic!("{value}: {error}"),
            }
        };
        assert_eq!(answer, json!({"result": format!("No match for \"{value}\".")}));
        asked.values.push(value);
        if asked.values.len() % renewed_after == 0 {
            // Nothing is under way.
            client = new_client();
        }
        thread::sleep(Duration::from_millis(1));
    }
    asked
}

fn connect_from(client: Ipv4Addr, server: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((client, 0)).into())?;
    socket.connect(&server.into())?;
    Ok(socket.into())
}

/// How often each value was searched for, as the servers print it, beside the address of the client that it names.
fn handled(printed: &[Vec<String>; 2]) -> HashMap<String, usize> {
    let mut handled = HashMap::new();
    for lines in printed {
        let before = handled.len();
        for line in lines {
            let Some(request) = line.strip_prefix("received request ") else { continue };
            let (request, address) = request.rsplit_once(" from ").unwrap();
            let request: Value = serde_json::from_str(request).unwrap();
            let value = request["value"].as_str().unwrap();
            let is_check = value == "needle";
            let client = if is_check { "127.0.0.1" } else { value.split(' ').next().unwrap() };
            assert_eq!(address.split(':').next(), Some(client), "{line}");
            if !is_check {
                *handled.entry(value.to_owned()).or_default() += 1;
            }
        }
        assert!(handled.len() > before, "each server has served some");
    }
    handled
}

/// Everything that was asked for was done once.
fn done_once(asked: &Asked, handled: &HashMap<String, usize>) {
    for value in &asked.values {
        assert_eq!(handled.get(value), Some(&1), "{value}");
    }
    assert_eq!(handled.len(), asked.values.len());
}

/// A server ends when its last connection has, of which its clients know nothing.
fn nobody_notices_restarts_where_connections_are_renewed(on: AppServer) {
    if !has("haproxy") {
        return;
    }
    let mut scale = Scale::start(on, "30s");
    let asked = under_load(&mut scale, 20, |scale| {
        for index in (0..SERVERS.len()).cycle().take(ROUNDS * SERVERS.len()) {
            let before = scale.number(SERVERS[index], "stot");
            scale.drain(SERVERS[index]);
            scale.wait_for(SERVERS[index], "scur", |sessions| sessions == "0");
            scale.restart(index);
            wait_until("the server is in use again", || scale.number(SERVERS[index], "stot") > before);
        }
    });
    assert_eq!(asked.unknown, [""; 0]);
    done_once(&asked, &handled(&scale.end()));
}

/// A server ends its connections between two messages. Whatever crosses with the end is not done, which its client is told as
/// far as it can know.
fn each_request_is_done_once_in_restarts_where_connections_last(on: AppServer) {
    if !has("haproxy") {
        return;
    }
    let mut scale = Scale::start(on, "30s");
    let asked = under_load(&mut scale, usize::MAX, |scale| {
        for (number, index) in (0..SERVERS.len()).cycle().take(ROUNDS * SERVERS.len()).enumerate() {
            // Connections last anyway, so it is about those alone that are being made.
            if number < SERVERS.len() {
                scale.drain(SERVERS[index]);
            }
            scale.restart(index);
            // Those who have connected again have been answered since, and so would lose a second request, not the same.
            thread::sleep(Duration::from_millis(100));
        }
    });
    let connections = CLIENTS.len() * CONNECTIONS_OF_EACH;
    println!("{} of {} requests had to be made again", asked.unknown.len(), asked.values.len());
    assert!(asked.unknown.len() <= connections * ROUNDS * SERVERS.len());
    done_once(&asked, &handled(&scale.end()));
}

fn a_server_that_is_sick_is_taken_out_until_it_is_well(on: AppServer) {
    if !has("haproxy") {
        return;
    }
    let mut scale = Scale::start(on, "1s");
    let asked = under_load(&mut scale, 20, |scale| {
        let in_use = |scale: &Scale, name| {
            let before = scale.number(name, "stot");
            wait_until("the server is in use", || scale.number(name, "stot") >= before + 10);
        };
        for name in SERVERS {
            in_use(scale, name);
        }
        let failed = scale.number("s1", "chkfail");
        // The system goes on to accept connections for it.
        scale.servers[0].signal("STOP");
        scale.wait_for("s1", "status", |status| status == "DOWN");
        assert!(scale.number("s1", "chkfail") > failed);
        assert!(["L6TOUT", "L7TOUT"].contains(&&*scale.figure("s1", "check_status")));
        in_use(scale, "s2");
        scale.servers[0].signal("CONT");
        scale.wait_for("s1", "status", |status| status == "UP");
        assert_eq!(scale.figure("s1", "check_status"), "L7OK");

        // One that is well, but speaks another dialect.
        scale.servers[0].signal("TERM");
        assert_eq!(scale.servers[0].exit_code(), Some(0));
        scale.printed[0].extend(scale.servers[0].output.rest());
        scale.wait_for("s1", "status", |status| status == "DOWN");
        let address = scale.servers[0].address;
        scale.servers[0] = serve(scale.on, &scale.files, address, &["--dialect", "u16-le"]);
        scale.wait_for("s1", "check_status", |status| status == "L7RSP");
        assert_eq!(scale.figure("s1", "status"), "DOWN");
    });
    assert!(scale.number("s1", "chkdown") >= 2);
    scale.printed[1].extend(scale.servers[1].output.so_far());
    let handled = handled(&scale.printed);
    for value in &asked.values {
        let most = 1 + asked.unknown.iter().filter(|unknown| *unknown == value).count();
        assert!(handled.get(value).is_some_and(|times| (1..=most).contains(times)), "{value}");
    }
}

/// What demos/scale/README.md has its readers do.
#[test]
fn the_scripts_run_and_restart_everything() {
    if !has("haproxy") || !has("openssl") || !has("python3") {
        return;
    }
    let folder = TempDir::new().unwrap();
    let script = |name: &str| {
        let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scale").join(name));
        command.arg(folder.path());
        command
    };
    let addresses = [4, 5, 6].map(|number| free_address([127, 0, 1, number]));
    let names = ["FRONT", "S1", "S2"].into_iter().zip(addresses.map(|address| address.to_string()));
    let mut run = Program::spawn(script("run").envs(names).env("SERVER", AppServer::Std.path()));
    let search = || {
        let (host, port) = (addresses[0].ip().to_string(), addresses[0].port().to_string());
        client(&[&host, &port, "search", "needle"]).ok().is_ok()
    };
    wait_until("an answer", search);
    // The pid of a server is there before the server is.
    let pids = || ["s1.pid", "s2.pid"].map(|name| fs::read_to_string(folder.path().join(name)).unwrap());
    let before = pids();
    let restart = assert_cmd::Command::from_std(script("restart")).timeout(PATIENCE).assert().success().stderr("");
    let said = text(&restart.get_output().stdout).to_owned();
    assert_eq!(said, "s1: 0 connections left\ns1: restarted\ns2: 0 connections left\ns2: restarted\n");
    assert!(pids().iter().zip(&before).all(|(now, before)| now != before));
    assert!(search());
    run.signal("TERM");
    run.exit_code();
    for address in addresses {
        assert!(TcpStream::connect(address).is_err(), "{address}");
    }
    for name in ["s1.log", "s2.log"] {
        let log = fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(log.matches("listening on ").count(), 2, "{log}");
        assert!(!log.contains("error"), "{log}");
    }
}
