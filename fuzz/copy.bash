# To be sourced in this directory, with a name: makes `copy`, a directory for the sources in which faults are planted, which is
# removed at the end, and has cargo build in a directory of that name. Without a name there is only `apply`.

# Applies a patch to the sources in a directory, with these further options, or says that it cannot be done.
apply() {
    local exact=() output
    # Its many hunks are close to each other, and none may be taken for another.
    [[ $2 != */refusals.patch ]] || exact=(--fuzz=0)
    if ! output=$(patch -d "$1" -p1 --forward --no-backup-if-mismatch "${exact[@]}" "${@:3}" -i "$2" 2>&1); then
        printf '%s\n' "$output" "$2: the patch no longer applies" >&2
        return 1
    fi
}
[ $# -gt 0 ] || return 0

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

# Applies a patch to the copy, and says which `files` it has changed.
plant() {
    apply "$copy" "$1" || exit 1
    files=$(sed -n 's|^+++ b/||p' "$1")
    (cd "$copy" && touch $files)
}
