// SPDX-License-Identifier: MIT
//! The original server crate as a foreign peer: `original-server IP:PORT` sends every framed message back.
use std::net::SocketAddr;

use webrtc_direct_server::{DtlsKey, WebRtcServer};

#[tokio::main]
async fn main() {
    let listen: SocketAddr = std::env::args()
        .nth(1)
        .and_then(|word| word.parse().ok())
        .expect("usage: original-server IP:PORT");
    let key = DtlsKey::from_seed(1);
    let mut server = WebRtcServer::bind(listen, key.to_dtls_cert()).await.expect("bind");
    println!("listening {listen} {}", key.fingerprint().to_hex());
    while let Some((stream, peer)) = server.accept().await {
        tokio::spawn(async move {
            eprintln!("connection {peer} open from {peer}");
            let (mut reader, writer) = stream.split();
            while let Some(message) = reader.recv().await {
                if writer.send(&message).await.is_err() {
                    break;
                }
            }
            eprintln!("connection {peer} closed: end of stream");
        });
    }
}
