//! Keeps corpora in the repository, and makes them again.
//!
//! `seeds unpack TARGET FOLDER` fills the folder with the inputs that fuzzing of the target begins with.
//! `seeds pack TARGET FOLDER` keeps the inputs in the folder, up to 160 bytes each, but for those made of the vectors.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use jsonframe_fuzz::seeds;

/// Longer inputs are not kept.
const LONGEST: usize = 160;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [command, target, folder] = arguments.as_slice() else {
        eprintln!("usage: seeds unpack|pack TARGET FOLDER");
        std::process::exit(2);
    };
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("seeds/{target}.txt"));
    match command.as_str() {
        "unpack" => unpack(target, &kept, Path::new(folder)),
        "pack" => pack(target, &kept, Path::new(folder)),
        _ => Err(io::Error::other(format!("no command {command}"))),
    }
}

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol/tests/vectors")
}

fn unpack(target: &str, kept: &Path, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (name, bytes) in seeds::from_vectors(target, &vectors()) {
        fs::write(folder.join(name), bytes)?;
    }
    for (number, bytes) in seeds::kept(kept).iter().enumerate() {
        fs::write(folder.join(format!("kept-{number:04}")), bytes)?;
    }
    Ok(())
}

fn pack(target: &str, kept: &Path, folder: &Path) -> io::Result<()> {
    let made: BTreeSet<Vec<u8>> = seeds::from_vectors(target, &vectors()).into_iter().map(|(_, bytes)| bytes).collect();
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let bytes = fs::read(entry?.path())?;
        if bytes.len() <= LONGEST && !made.contains(&bytes) {
            found.insert(bytes);
        }
    }
    let mut ordered: Vec<_> = found.iter().collect();
    ordered.sort_by_key(|bytes| bytes.len());
    fs::write(kept, ordered.into_iter().map(|bytes| seeds::escape(bytes) + "\n").collect::<String>())?;
    println!("{target}: {} inputs kept", found.len());
    Ok(())
}
