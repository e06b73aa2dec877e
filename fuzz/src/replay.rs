//! Every input that is known, once more, without the fuzzer.

use std::fs;
use std::panic;
use std::path::{Path, PathBuf};

use crate::seeds::{self, Seed};

/// The known inputs of a target: the vectors in its form, what earlier runs found worth keeping, and what once failed.
///
/// The folder is that of a package beside this one.
pub fn inputs(target: &str, package: &str) -> Vec<Seed> {
    let package = Path::new(package);
    let mut inputs = seeds::from_vectors(target, &package.join("../protocol/tests/vectors"));
    let kept = seeds::kept(&package.join(format!("../fuzz/seeds/{target}.txt")));
    inputs
        .extend(kept.into_iter().enumerate().map(|(line, bytes)| (format!("{target}.txt, line {}", line + 1), bytes)));
    inputs.extend(regressions(&package.join("../fuzz/regressions").join(target)));
    inputs
}

/// Checks a target's property for all of its known inputs, and returns how many they are.
pub fn replay(target: &str, package: &str, check: fn(&[u8])) -> usize {
    let inputs = inputs(target, package);
    for (name, bytes) in &inputs {
        if let Err(panicked) = panic::catch_unwind(|| check(bytes)) {
            eprintln!("{target}: the property does not hold for {name}: {}", bytes.escape_ascii());
            panic::resume_unwind(panicked);
        }
    }
    println!("{target}: the property holds for {} known inputs", inputs.len());
    inputs.len()
}

/// Inputs that once failed, each in a file named after the bug.
fn regressions(folder: &Path) -> Vec<Seed> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let named = |path: &PathBuf| (path.display().to_string(), fs::read(path).unwrap());
    paths.iter().map(named).collect()
}
