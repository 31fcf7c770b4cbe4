//! The recorded floors: `benches/floors.txt`, a line for each instruction set, number of threads and loop.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/floors.txt");

const HEADER: &str = "\
# Fractions of a limit measured in the same run, below which `cargo bench --bench guard` fails.
# Written by `cargo bench --bench guard -- --record`: 0.8 × what was measured.
# instruction-set threads loop fraction
";

/// What a floor holds for: fractions differ from one instruction set to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub isa: String,
    pub threads: usize,
    pub name: String,
}

pub struct Floors(BTreeMap<Key, f64>);

impl Floors {
    /// The recorded floors; none where there is no file.
    pub fn read() -> Result<Self, String> {
        let text = match fs::read_to_string(PATH) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(format!("{PATH}: {error}")),
        };
        let mut floors = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            let (key, floor) = entry(line).ok_or_else(|| format!("{PATH}: {line:?} is not a floor"))?;
            floors.insert(key, floor);
        }
        Ok(Floors(floors))
    }

    pub fn get(&self, key: &Key) -> Option<f64> {
        self.0.get(key).copied()
    }

    pub fn set(&mut self, key: Key, floor: f64) {
        self.0.insert(key, floor);
    }

    pub fn write(&self) -> Result<(), String> {
        let mut text = HEADER.to_owned();
        for (Key { isa, threads, name }, floor) in &self.0 {
            text += &format!("{isa} {threads} {name} {floor:.3}\n");
        }
        fs::write(PATH, text).map_err(|error| format!("{PATH}: {error}"))
    }
}

fn entry(line: &str) -> Option<(Key, f64)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let &[isa, threads, name, floor] = &words[..] else { return None };
    let key = Key { isa: isa.to_owned(), threads: threads.parse().ok()?, name: name.to_owned() };
    Some((key, floor.parse().ok()?))
}
