//! Replays the fuzz targets' seeds on stable Rust, and a fixed number of inputs grown from them:
//! every law of `fuzz/laws` on every run, without a fuzzer.
#![cfg(feature = "jar")]

#[path = "../../../fuzz/laws/mod.rs"]
pub mod laws;

use std::fs;
use std::path::{Path, PathBuf};

/// Inputs grown from each seed.
const GROWN: usize = 60;

#[test]
fn every_law_holds_on_its_seeds_and_on_what_grows_from_them() {
    for (name, law) in laws::LAWS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(name);
        let seeds = seeds(&folder);
        assert!(seeds.len() >= 10, "{} has the seeds of {name}", folder.display());
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        for seed in &seeds {
            law(seed);
            for _ in 0..GROWN {
                law(&grown(seed, &seeds, &mut random));
            }
        }
        println!("{name}: {} inputs from {} seeds", seeds.len() * (1 + GROWN), seeds.len());
    }
}

/// In the order of their names, so that every run grows the same inputs.
fn seeds(folder: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a folder of seeds");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a seed")).collect()
}

/// A few mutations of the kinds that fuzzers make.
fn grown(seed: &[u8], seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        match random.below(5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.below(256) as u8),
            2 => bytes.extend_from_slice(&seeds[random.below(seeds.len())]),
            _ if at < bytes.len() => bytes[at] = random.below(256) as u8,
            _ => {}
        }
    }
    bytes
}

/// xorshift64*: the same numbers on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % limit
    }
}
