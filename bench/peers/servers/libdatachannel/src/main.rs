// SPDX-License-Identifier: MIT
//! libdatachannel as a server to measure: `libdatachannel IP:PORT`; all of it is in server.cc, see ../../README.md.
extern crate datachannel_sys; // for the libraries that it links
use std::ffi::CString;
use std::os::raw::{c_char, c_int};

extern "C" {
    fn bench_serve(ip: *const c_char, port: u16, certificate: *const c_char, key: *const c_char) -> c_int;
}

fn main() {
    let listen: std::net::SocketAddr =
        std::env::args().nth(1).and_then(|word| word.parse().ok()).expect("usage: libdatachannel IP:PORT");
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("key");
    let params = rcgen::CertificateParams::new(vec!["bench".to_string()]).expect("certificate");
    let certificate = params.self_signed(&key).expect("certificate");
    let text = |words: String| CString::new(words).expect("text");
    let (ip, pem, key) = (text(listen.ip().to_string()), text(certificate.pem()), text(key.serialize_pem()));
    std::process::exit(unsafe { bench_serve(ip.as_ptr(), listen.port(), pem.as_ptr(), key.as_ptr()) });
}
