//! The pages of the repository: their links, their snippets and their figures. That the snippets compile is tested elsewhere,
//! as documentation.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder of the workspace").to_path_buf()
}

/// The pages and their texts.
fn pages() -> Vec<(PathBuf, String)> {
    let (mut folders, mut pages) = (vec![root()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let (path, name, kind) = (entry.path(), entry.file_name(), entry.file_type().unwrap());
            if kind.is_dir() && name != "target" && !name.to_string_lossy().starts_with('.') {
                folders.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|ending| ending == "md") {
                let text = fs::read_to_string(&path).unwrap();
                pages.push((path, text));
            }
        }
    }
    assert!(pages.len() > 10, "{pages:?}");
    pages
}

/// The lines of a page, each with the language of the code block that it is in.
fn lines(page: &str) -> impl Iterator<Item = (Option<&str>, &str)> {
    let mut language = None;
    page.lines().map(move |line| {
        let fence = line.trim_start().strip_prefix("```");
        if let Some(name) = fence {
            language = if language.is_some() { None } else { Some(name) };
        }
        (language.or(fence), line)
    })
}

fn prose(page: &str) -> String {
    lines(page).filter(|(language, _)| language.is_none()).flat_map(|(_, line)| [line, "\n"]).collect()
}

/// What links can lead to on a page: its headings, as they are known to those who show them.
fn anchors(page: &str) -> Vec<String> {
    let headings = lines(page).filter(|(language, line)| language.is_none() && line.starts_with('#'));
    let kept = |c: char| c.is_alphanumeric() || "-_ ".contains(c);
    let anchor = |text: &str| text.to_lowercase().replace(|c| !kept(c), "").replace(' ', "-");
    headings.map(|(_, line)| anchor(line.trim_start_matches('#').trim())).collect()
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut seen = 0;
    for (path, page) in pages() {
        for link in prose(&page).split("](").skip(1) {
            let (link, _) = link.split_once(')').unwrap();
            if link.contains("://") {
                continue;
            }
            seen += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: {link}", path.display());
            if !anchor.is_empty() {
                let anchors = anchors(&fs::read_to_string(&target).unwrap());
                assert!(anchors.iter().any(|known| known == anchor), "{}: {link}", path.display());
            }
        }
    }
    assert!(seen > 100, "{seen}");
}

/// Only rustdoc leaves out lines that begin with `# `.
#[test]
fn no_snippet_has_lines_that_readers_should_not_see() {
    for (path, page) in pages() {
        for (language, line) in lines(&page) {
            let hidden = line.trim() == "#" || line.trim_start().starts_with("# ");
            let rust = language.is_some_and(|language| language.starts_with("rust"));
            assert!(!(rust && hidden), "{}: {line}", path.display());
        }
    }
}

/// The cells of the rows of a page's tables.
fn rows(page: &str) -> impl Iterator<Item = Vec<&str>> {
    page.lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

/// The measured figures stand in one table, which `compare` writes.
#[test]
fn the_figures_of_compare_md_are_those_that_were_measured() {
    let page = |name: &str| fs::read_to_string(root().join(name)).unwrap();
    let (benches, compare) = (page("benches/README.md"), page("COMPARE.md"));
    let measured: HashMap<&str, f64> =
        rows(&benches).filter_map(|row| Some((row[0], row.get(4)?.parse().ok()?))).collect();
    let mut compared = 0;
    for row in rows(&compare) {
        let [_, figure, ratio] = row[..] else { continue };
        let Some(measured) = measured.get(figure) else { continue };
        assert_eq!(ratio.trim_matches('*'), format!("{measured:.1}"), "{figure}");
        compared += 1;
    }
    assert_eq!(compared, 10);
}
