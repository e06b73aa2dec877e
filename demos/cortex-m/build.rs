//! Links with the linker script of cortex-m-rt, which includes `memory.x`; and what logs, with that of defmt.

fn main() {
    let here = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    println!("cargo:rustc-link-search={here}");
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rustc-link-arg-bin=log=-Tdefmt.x");
    println!("cargo:rerun-if-changed=memory.x");
}
