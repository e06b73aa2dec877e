# To be sourced in this directory, with a name: makes `copy`, a directory for the sources in which faults are planted, which is
# removed at the end, and has cargo build in a directory of that name.

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
built=${CARGO_TARGET_DIR:-$PWD/../target}/debug
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/$1 RUST_BACKTRACE=0
# What `cargo test` has compiled of other crates is not compiled again.
if [ -d "$built" ] && [ ! -d "$CARGO_TARGET_DIR/debug" ]; then
    mkdir -p "$CARGO_TARGET_DIR"
    cp -al "$built" "$CARGO_TARGET_DIR/debug"
    rm -rf "$CARGO_TARGET_DIR"/debug/incremental
fi

# Files keep their times, so that nothing is compiled twice but what a fault changes.
sources() {
    tar -C .. --exclude=target --exclude=corpus --exclude=artifacts --exclude=.git -cf - . | tar -C "$copy" -xf -
}

# Applies a patch to the copy, with these further options, and says which `files` it has changed.
plant() {
    local patch=$1 output
    if ! output=$(patch -d "$copy" -p1 --no-backup-if-mismatch "${@:2}" -i "$patch" 2>&1); then
        printf '%s\n' "$output" "$patch: the patch no longer applies" >&2
        exit 1
    fi
    files=$(sed -n 's|^+++ b/||p' "$patch")
    (cd "$copy" && touch $files)
}
