//! What the fuzz target of sessions looks for, without a fuzzer: its property, for all inputs that are known.
#![allow(unreachable_pub, dead_code, reason = "the modules are those of the fuzz targets")]

#[path = "../../fuzz/src/input.rs"]
mod input;
#[path = "../../fuzz/src/pipe.rs"]
mod pipe;
#[path = "../../fuzz/src/plan.rs"]
mod plan;
#[path = "../../fuzz/src/replay.rs"]
mod replay;
#[path = "../../fuzz/src/script.rs"]
mod script;
#[path = "../../fuzz/src/seeds.rs"]
mod seeds;
#[path = "../../fuzz/src/session.rs"]
mod session;

#[test]
fn sessions() {
    assert!(replay::replay("session", env!("CARGO_MANIFEST_DIR"), session::check) > 100);
}
