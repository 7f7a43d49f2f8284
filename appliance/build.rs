//! Says plainly when the front end has not been built: the box carries its pages within itself.

use std::path::Path;

fn main() {
    for (folder, made_by) in
        [("web/dist", "appliance/web"), ("../devices/evaluator/dist", "devices/evaluator")]
    {
        println!("cargo::rerun-if-changed={folder}");
        if !Path::new(folder).join(if folder == "web/dist" { "app.js" } else { "index.html" }).exists() {
            println!("cargo::error=the front end in {made_by} is not built; run `make web` first");
        }
    }
}
