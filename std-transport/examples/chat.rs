//! A chat with rooms, in one thread and a pool: `cargo run -p jsonframe-std --example chat`.
//!
//! A request is a pair: `["join", room]`, `["say", text]` to all in the room, or `["reverse", text]`, which stands for slow
//! work and is done by the pool. A peer that has not joined a room within a second is told so and disconnected.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use jsonframe_std::protocol::Message;
use jsonframe_std::server::{Address, CloseReason, Handler, Id, Limits, Peer, Reply, Server};
use jsonframe_std::{Connection, Error};

struct Chat {
    rooms: HashMap<String, Vec<Id>>,
    pool: mpsc::Sender<(Reply, String)>,
}

impl Handler for Chat {
    /// The room that the peer has joined.
    type State = Option<String>;

    fn connected(&mut self, peer: &mut Peer<'_>, _: &mut Option<String>) {
        peer.set_deadline(Some(Instant::now() + Duration::from_secs(1)));
    }

    fn message(&mut self, peer: &mut Peer<'_>, room: &mut Option<String>, message: Message<'_>) {
        match (message.json::<(&str, &str)>(), &*room) {
            (Ok(("join", name)), None) => {
                peer.set_deadline(None);
                self.rooms.entry(name.to_owned()).or_default().push(peer.id());
                *room = Some(name.to_owned());
            }
            (Ok(("say", text)), Some(room)) => drop(peer.handle().send_json(&self.rooms[room], text)),
            (Ok(("reverse", text)), Some(_)) => drop(self.pool.send((peer.reply_later(), text.to_owned()))),
            _ => peer.close(),
        }
    }

    fn farewell(&mut self, peer: &mut Peer<'_>, _: &mut Option<String>, why: &CloseReason) {
        let _ = peer.send_json(&why.to_string());
    }

    fn disconnected(&mut self, id: Id, _: Address, room: Option<String>, _: &CloseReason) {
        if let Some(members) = room.and_then(|room| self.rooms.get_mut(&room)) {
            members.retain(|member| *member != id);
        }
        self.rooms.retain(|_, members| !members.is_empty());
    }
}

fn main() -> Result<(), Error> {
    let (pool, jobs) = mpsc::channel::<(Reply, String)>();
    let jobs = Arc::new(Mutex::new(jobs));
    for jobs in [Arc::clone(&jobs), jobs] {
        let next = move || jobs.lock().ok()?.recv().ok();
        thread::spawn(move || {
            while let Some((reply, text)) = next() {
                let _ = reply.send_json(&text.chars().rev().collect::<String>());
            }
        });
    }
    let server = Server::bind("127.0.0.1:0", Limits::default().with_max_content(10_000))?;
    let address = server.address();
    thread::spawn(move || server.run(Chat { rooms: HashMap::new(), pool }));
    let mut peers = [(); 4].map(|()| Connection::connect(address).expect("the server listens"));
    let hear = |peer: &mut Connection<_>| peer.receive()?.expect("a message").json::<String>();
    for (peer, request) in [(0, ("join", "lobby")), (1, ("join", "attic")), (2, ("join", "lobby"))] {
        peers[peer].send_json(&request)?;
        peers[peer].send_json(&("reverse", "stressed"))?;
        assert_eq!(hear(&mut peers[peer])?, "desserts");
    }
    peers[0].send_json(&("say", "hello"))?;
    assert_eq!((hear(&mut peers[0])?, hear(&mut peers[2])?), ("hello".into(), "hello".into()));
    println!("a silent peer is told after a second: {}", hear(&mut peers[3])?);
    Ok(())
}
