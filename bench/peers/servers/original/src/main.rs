// SPDX-License-Identifier: MIT
//! The original crates as a server to measure: `original IP:PORT`. Messages are framed, there is no other way in. It
//! sends nothing of itself ("source"): what its writer takes it queues without bound, so it cannot be held to any pace.
use std::net::SocketAddr;

use webrtc_direct_server::{DataStream, DtlsKey, WebRtcServer};

async fn serve(stream: DataStream) {
    let (mut reader, writer) = stream.split();
    let (mut first, mut sink) = (true, false);
    while let Some(message) = reader.recv().await {
        if first && message == b"wrd-bench sink" {
            sink = true;
        }
        if first && message.starts_with(b"wrd-bench source") {
            return;
        }
        first = false;
        if !sink && writer.send(&message).await.is_err() {
            return;
        }
    }
}

#[tokio::main(flavor = "current_thread")] // the stack of the main thread is as big as str0m 0.16 wants it
async fn main() {
    let listen: SocketAddr =
        std::env::args().nth(1).and_then(|word| word.parse().ok()).expect("usage: original IP:PORT");
    let key = DtlsKey::from_rng();
    let mut server = WebRtcServer::bind(listen, key.to_dtls_cert()).await.expect("bind");
    println!("listening {listen} {}", key.fingerprint().to_hex());
    while let Some((stream, _)) = server.accept().await {
        tokio::spawn(serve(stream));
    }
}
