fn main() {
    // The migrations are embedded; a new file must rebuild this crate.
    println!("cargo:rerun-if-changed=../../migrations");
}
