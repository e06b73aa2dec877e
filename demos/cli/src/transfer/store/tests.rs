use super::*;

fn names(directory: &Path) -> Vec<String> {
    let entries = directory.read_dir().unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_appears_when_it_is_finished() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path(), false, u64::MAX).unwrap();
    assert!(names(directory.path()).is_empty());
    let mut partial = store.begin("a").unwrap();
    partial.write(b"abc").unwrap();
    let [unfinished] = names(directory.path()).try_into().unwrap();
    assert!(unfinished.starts_with(".transfer-"), "{unfinished}");
    partial.finish().unwrap();
    assert_eq!(names(directory.path()), ["a"]);
    assert_eq!(fs::read(directory.path().join("a")).unwrap(), b"abc");
    assert_eq!(store.close(), 0);
}

#[test]
fn a_file_that_is_given_up_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path(), false, u64::MAX).unwrap();
    store.begin("a").unwrap().write(b"abc").unwrap();
    assert!(names(directory.path()).is_empty());
    assert_eq!(store.close(), 0);
}

#[test]
fn all_files_together_have_a_limit_that_counts_unfinished_ones_and_not_those_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path(), false, 10_000).unwrap();
    let full = |outcome: io::Result<()>| outcome.unwrap_err().kind() == ErrorKind::QuotaExceeded;
    let mut whole = store.begin("whole").unwrap();
    whole.write(&[0; 4096]).unwrap();
    whole.finish().unwrap();

    let mut first = store.begin("first").unwrap();
    first.write(&[0; 5904]).unwrap();
    assert!(full(first.write(b"1")));
    // Even an empty file counts.
    assert!(full(store.begin("empty").map(drop)));
    drop(first);
    assert_eq!(store.unfinished().total, 4096);

    let [one, other] = [(); 2].map(|()| store.begin("same"));
    assert!(full(other.map(drop)));
    one.unwrap().finish().unwrap();
    assert_eq!(store.unfinished().total, 8192);
    assert_eq!(names(directory.path()), ["same", "whole"]);
}

#[test]
fn a_file_that_cannot_get_its_name_does_not_count() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path(), false, 10_000).unwrap();
    let [first, second] = [(); 2].map(|()| store.begin("a").unwrap());
    first.finish().unwrap();
    assert_eq!(second.finish().unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(store.unfinished().total, 4096);
}

#[test]
fn a_file_is_no_directory_to_store_in_and_the_temporary_name_is_not_told() {
    let file = NamedTempFile::new().unwrap();
    assert_eq!(Store::open(file.path(), false, 1).unwrap_err().to_string(), "not a directory");
}

#[test]
fn of_two_files_of_a_name_the_first_to_be_finished_stays() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path(), false, u64::MAX).unwrap();
    let [mut first, mut second] = [(); 2].map(|()| store.begin("a").unwrap());
    first.write(b"1").unwrap();
    second.write(b"2").unwrap();
    first.finish().unwrap();
    assert_eq!(second.finish().unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(store.begin("a").unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(names(directory.path()), ["a"]);
    assert_eq!(fs::read(directory.path().join("a")).unwrap(), b"1");
}

#[test]
fn a_file_is_replaced_if_that_is_wanted_and_a_directory_never() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path(), true, u64::MAX).unwrap();
    fs::write(directory.path().join("a"), b"old").unwrap();
    store.begin("a").unwrap().finish().unwrap();
    assert_eq!(fs::read(directory.path().join("a")).unwrap(), b"");
    fs::create_dir(directory.path().join("b")).unwrap();
    assert_eq!(store.begin("b").unwrap_err().kind(), ErrorKind::IsADirectory);
    assert_eq!(names(directory.path()), ["a", "b"]);
}

#[cfg(unix)]
#[test]
fn a_link_is_replaced_and_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let outside = directory.path().join("outside");
    fs::write(&outside, b"old").unwrap();
    let inside = directory.path().join("inside");
    fs::create_dir(&inside).unwrap();
    std::os::unix::fs::symlink(&outside, inside.join("a")).unwrap();
    let store = Store::open(&inside, false, u64::MAX).unwrap();
    assert_eq!(store.begin("a").unwrap_err().kind(), ErrorKind::AlreadyExists);
    let store = Store::open(&inside, true, u64::MAX).unwrap();
    store.begin("a").unwrap().finish().unwrap();
    assert_eq!(fs::read(&outside).unwrap(), b"old");
    assert!(inside.join("a").symlink_metadata().unwrap().is_file());
}

#[test]
fn what_is_unfinished_at_the_end_is_removed_and_cannot_be_finished() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path(), true, u64::MAX).unwrap();
    let [first, _second] = ["a", "b"].map(|name| store.begin(name).unwrap());
    assert_eq!(store.close(), 2);
    assert!(names(directory.path()).is_empty());
    assert_eq!(first.finish().unwrap_err().to_string(), "the receiver is ending");
    assert_eq!(store.begin("c").unwrap_err().to_string(), "the receiver is ending");
    assert!(names(directory.path()).is_empty());
}
