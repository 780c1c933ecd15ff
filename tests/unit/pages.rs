//! The pages of the tree: every link in them leads somewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Where pages may stand, and what no page is in.
const PLACES: [&str; 6] = ["exim", "tests", "fixtures", "fuzz", "src", "examples"];
const LEFT_OUT: [&str; 5] = ["target", "run", "artifacts", "corpora", "__pycache__"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn pages_below(place: &Path, pages: &mut BTreeMap<PathBuf, String>) {
    for path in fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !path.is_symlink() && !LEFT_OUT.contains(&name.as_str()) {
            pages_below(&path, pages);
        } else if path.is_file() && path.extension().is_some_and(|extension| extension == "md") {
            let text = fs::read_to_string(&path).unwrap();
            pages.insert(path, text);
        }
    }
}

fn pages() -> BTreeMap<PathBuf, String> {
    let mut pages = BTreeMap::new();
    for entry in fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.extension().is_some_and(|extension| extension == "md") {
            let text = fs::read_to_string(&entry).unwrap();
            pages.insert(entry, text);
        }
    }
    for place in PLACES {
        pages_below(&root().join(place), &mut pages);
    }
    pages
}

/// What is said, and not typed: neither blocks of code nor words between backticks.
fn prose(page: &str) -> String {
    let mut is_code = false;
    let lines = page.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    text.split('`').enumerate().map(|(place, piece)| if place % 2 == 0 { piece } else { "`" }).collect()
}

/// Where the links of a page lead, as they stand there.
fn links(page: &str) -> Vec<String> {
    let prose = prose(page);
    prose.split("](").skip(1).map(|rest| rest.split(')').next().unwrap().to_owned()).collect()
}

/// The anchors that a forge makes of headings.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let mut anchors = BTreeSet::new();
    for line in page.lines() {
        is_code ^= line.starts_with("```");
        let heading = line.trim_start_matches('#');
        if is_code || heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
        let anchor: String = heading.trim().to_lowercase().chars().filter(kept).collect();
        let anchor = anchor.replace(' ', "-");
        let again = (1..).map(|number| format!("{anchor}-{number}"));
        let free = std::iter::once(anchor.clone()).chain(again).find(|anchor| !anchors.contains(anchor));
        anchors.insert(free.unwrap());
    }
    anchors
}

#[test]
fn every_link_within_the_tree_leads_to_a_file_and_a_heading() {
    let pages = pages();
    assert!(pages.len() > 10, "{:?}", pages.keys());
    let mut wrong = Vec::new();
    for (path, page) in &pages {
        for link in links(page) {
            if ["https://", "http://", "mailto:"].iter().any(|beginning| link.starts_with(beginning)) {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            let is_there = target.canonicalize().is_ok_and(|target| {
                let headings = pages.get(&target).map(|page| anchors(page)).unwrap_or_default();
                anchor.is_empty() || headings.contains(anchor)
            });
            if !is_there {
                wrong.push(format!("{}: {link}", path.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The README leads to every page, or to one that does.
#[test]
fn every_page_can_be_reached_from_the_readme() {
    let pages = pages();
    let mut reached = BTreeSet::from([root().join("README.md").canonicalize().unwrap()]);
    let mut ahead: Vec<PathBuf> = reached.iter().cloned().collect();
    while let Some(path) = ahead.pop() {
        let Some(page) = pages.get(&path) else { continue };
        for link in links(page) {
            let file = link.split('#').next().unwrap();
            if let Ok(target) = path.parent().unwrap().join(file).canonicalize()
                && reached.insert(target.clone())
            {
                ahead.push(target);
            }
        }
    }
    for path in pages.keys() {
        assert!(reached.contains(path), "no way leads to {}", path.display());
    }
}

#[test]
fn an_anchor_is_what_a_forge_makes_of_a_heading() {
    let page =
        "# smtp-sts-verify(1)\n## Where it applies, and where not\n```\n# a comment\n```\n## Undo\n## Undo\n";
    let expected = ["smtp-sts-verify1", "undo", "undo-1", "where-it-applies-and-where-not"];
    assert_eq!(anchors(page), BTreeSet::from(expected.map(str::to_owned)));
    assert_eq!(links("a [b](c.md#d), `[e](f)`\n```\n[g](h)\n```\n[i](#j)"), ["c.md#d", "#j"]);
}
