//! Says plainly when the phone's app has not been built: the simulator carries it within itself.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=phone/dist");
    if !Path::new("phone/dist/index.html").exists() {
        println!("cargo::error=the app in devices/simulator/phone is not built; run `make web` first");
    }
}
