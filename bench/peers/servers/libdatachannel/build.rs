// SPDX-License-Identifier: MIT
//! What we need of libdatachannel its C interface does not have. Its headers lie inside the crate, whose folder
//! ../../build finds.
fn main() {
    println!("cargo:rerun-if-env-changed=DATACHANNEL_CRATE");
    println!("cargo:rerun-if-changed=src/server.cc");
    let folder = std::env::var("DATACHANNEL_CRATE").expect("DATACHANNEL_CRATE names the unpacked datachannel-sys crate");
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .define("RTC_STATIC", None)
        .define("RTC_ENABLE_WEBSOCKET", "0")
        .define("RTC_ENABLE_MEDIA", "0")
        .include(format!("{folder}/libdatachannel/include"))
        .file("src/server.cc")
        .compile("bench_server");
}
