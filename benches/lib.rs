//! Measurements of helmholtz: the benches beside this file. In this folder, `cargo bench --bench NAME`; from the one above
//! with `--manifest-path benches/Cargo.toml`.
