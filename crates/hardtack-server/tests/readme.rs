//! The README's program is the example, to the letter, so that it always builds.

#[test]
fn the_readme_shows_the_example_as_it_is() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
    let read = |file: &str| std::fs::read_to_string(format!("{root}{file}")).unwrap();
    let (readme, example) = (read("README.md"), read("examples/visits.rs"));
    let (_, example) = example.split_once("\n\n").unwrap(); // its first line is about itself
    assert!(
        readme.contains(&format!("```rust\n{example}```\n")),
        "copy examples/visits.rs into README.md"
    );
    assert!(readme.lines().count() <= 120);
}
