// SPDX-License-Identifier: MIT
//! webrtc-rs as a server to measure: `webrtc-rs IP:PORT`, one UDP port through its own mux, see ../../README.md.
use std::any::Any;
use std::collections::HashSet;
use std::io::Write;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use tokio::net::UdpSocket;
use tokio::sync::Notify;
use webrtc::api::setting_engine::SettingEngine;
use webrtc::api::APIBuilder;
use webrtc::data_channel::data_channel_init::RTCDataChannelInit;
use webrtc::data_channel::RTCDataChannel;
use webrtc::dtls_transport::dtls_role::DTLSRole;
use webrtc::ice::udp_mux::{UDPMux, UDPMuxDefault, UDPMuxParams};
use webrtc::ice::udp_network::UDPNetwork;
use webrtc::peer_connection::certificate::RTCCertificate;
use webrtc::peer_connection::configuration::RTCConfiguration;
use webrtc::peer_connection::peer_connection_state::RTCPeerConnectionState;
use webrtc::peer_connection::sdp::session_description::RTCSessionDescription;
use webrtc::peer_connection::RTCPeerConnection;
use webrtc::util::{Conn, Error};

const KEPT: usize = 1 << 20; // bytes queued to send

struct Server {
    mux: OnceLock<Arc<UDPMuxDefault>>,
    certificate: RTCCertificate,
    local: SocketAddr,
    known: Mutex<HashSet<String>>,
    alive: Mutex<Vec<Arc<RTCPeerConnection>>>,
}

/// The socket under the mux. Who is not known is made known before the mux sees his first check.
struct Door {
    socket: UdpSocket,
    server: Arc<Server>,
}

/// X from the USERNAME of a STUN binding request; the library itself then verifies the check.
fn x_from(packet: &[u8]) -> Option<String> {
    if packet.len() < 20 || packet[..2] != [0, 1] {
        return None;
    }
    let mut rest = &packet[20..];
    while rest.len() >= 4 {
        let (kind, len) = (u16::from_be_bytes([rest[0], rest[1]]), u16::from_be_bytes([rest[2], rest[3]]) as usize);
        if kind == 6 {
            let name = std::str::from_utf8(rest.get(4..4 + len)?).ok()?;
            let (first, last) = name.split_once(':')?;
            return (first == last).then(|| first.to_string());
        }
        rest = rest.get(4 + len.next_multiple_of(4)..)?;
    }
    None
}

fn offer(x: &str) -> String {
    let zeros = "00:".repeat(31);
    format!(
        "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
         m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n\
         a=ice-ufrag:{x}\r\na=ice-pwd:{x}\r\na=fingerprint:sha-256 {zeros}00\r\n\
         a=setup:actpass\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n"
    )
}

#[async_trait::async_trait]
impl Conn for Door {
    async fn recv_from(&self, buf: &mut [u8]) -> Result<(usize, SocketAddr), Error> {
        let (len, from) = self.socket.recv_from(buf).await?;
        if let Some(x) = x_from(&buf[..len]) {
            if self.server.known.lock().unwrap().insert(x.clone()) {
                if let Some(mux) = self.server.mux.get() {
                    let _ = mux.clone().get_conn(&x).await;
                }
                let server = self.server.clone();
                tokio::spawn(async move {
                    if let Err(error) = start(&server, x).await {
                        eprintln!("webrtc-rs: {error}");
                    }
                });
            }
        }
        Ok((len, from))
    }
    async fn send_to(&self, buf: &[u8], to: SocketAddr) -> Result<usize, Error> {
        Ok(self.socket.send_to(buf, to).await?)
    }
    async fn connect(&self, _: SocketAddr) -> Result<(), Error> {
        Ok(())
    }
    async fn recv(&self, buf: &mut [u8]) -> Result<usize, Error> {
        Ok(self.socket.recv(buf).await?)
    }
    async fn send(&self, buf: &[u8]) -> Result<usize, Error> {
        Ok(self.socket.send(buf).await?)
    }
    fn local_addr(&self) -> Result<SocketAddr, Error> {
        Ok(self.socket.local_addr()?)
    }
    fn remote_addr(&self) -> Option<SocketAddr> {
        None
    }
    async fn close(&self) -> Result<(), Error> {
        Ok(())
    }
    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self
    }
}

async fn start(server: &Arc<Server>, x: String) -> Result<(), webrtc::Error> {
    let mut settings = SettingEngine::default();
    settings.set_lite(true);
    settings.set_ice_credentials(x.clone(), x.clone());
    settings.set_udp_network(UDPNetwork::Muxed(server.mux.get().expect("mux").clone()));
    settings.set_include_loopback_candidate(true);
    let only = server.local.ip();
    settings.set_ip_filter(Box::new(move |ip| ip == only));
    settings.disable_certificate_fingerprint_verification(true);
    settings.set_answering_dtls_role(DTLSRole::Server)?;
    let api = APIBuilder::new().with_setting_engine(settings).build();
    let certificates = vec![server.certificate.clone()];
    let pc = Arc::new(api.new_peer_connection(RTCConfiguration { certificates, ..Default::default() }).await?);
    let init = RTCDataChannelInit { negotiated: Some(0), ..Default::default() };
    let channel = pc.create_data_channel("rpc", Some(init)).await?;
    serve(&channel);
    server.alive.lock().unwrap().push(pc.clone());
    let (state_server, channel_server) = (server.clone(), server.clone());
    let (state_pc, channel_pc) = (Arc::downgrade(&pc), Arc::downgrade(&pc));
    pc.on_peer_connection_state_change(Box::new(move |state| {
        if state == RTCPeerConnectionState::Failed {
            end(&state_server, state_pc.upgrade());
        }
        Box::pin(async {})
    }));
    channel.on_close(Box::new(move || {
        end(&channel_server, channel_pc.upgrade());
        Box::pin(async {})
    }));
    pc.set_remote_description(RTCSessionDescription::offer(offer(&x))?).await?;
    let answer = pc.create_answer(None).await?;
    pc.set_local_description(answer).await
}

fn end(server: &Arc<Server>, pc: Option<Arc<RTCPeerConnection>>) {
    if let Some(pc) = pc {
        server.alive.lock().unwrap().retain(|other| !Arc::ptr_eq(other, &pc));
        tokio::spawn(async move { pc.close().await });
    }
}

fn serve(channel: &Arc<RTCDataChannel>) {
    let (mut first, mut sink) = (true, false);
    let weak = Arc::downgrade(channel);
    channel.on_message(Box::new(move |message| {
        let Some(channel) = weak.upgrade() else { return Box::pin(async {}) };
        if std::mem::take(&mut first) {
            let text = std::str::from_utf8(&message.data[..message.data.len().min(64)]).unwrap_or("");
            let size = text.strip_prefix("wrd-bench source ").and_then(|size| size.parse().ok());
            sink = text == "wrd-bench sink" || size.is_some();
            if let Some(size) = size {
                tokio::spawn(source(channel.clone(), size));
            }
        }
        if sink {
            return Box::pin(async {});
        }
        Box::pin(async move {
            let _ = match message.is_string {
                true => channel.send_text(String::from_utf8_lossy(&message.data)).await,
                false => channel.send(&message.data).await,
            };
        })
    }));
}

async fn source(channel: Arc<RTCDataChannel>, size: usize) {
    let bytes = Bytes::from(vec![0; size]);
    let room = Arc::new(Notify::new());
    let there_is = room.clone();
    channel.set_buffered_amount_low_threshold(KEPT / 2).await;
    channel
        .on_buffered_amount_low(Box::new(move || {
            there_is.notify_one();
            Box::pin(async {})
        }))
        .await;
    loop {
        while channel.buffered_amount().await < KEPT {
            if channel.send(&bytes).await.is_err() {
                return;
            }
        }
        room.notified().await;
    }
}

fn grow_buffers(socket: &UdpSocket) {
    let size: libc::c_int = 4 << 20;
    for option in [libc::SO_RCVBUF, libc::SO_SNDBUF] {
        let value = &size as *const libc::c_int as *const libc::c_void;
        unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, option, value, 4) };
    }
}

#[tokio::main]
async fn main() {
    let listen = std::env::args().nth(1).expect("usage: webrtc-rs IP:PORT");
    let socket = UdpSocket::bind(listen).await.expect("bind");
    grow_buffers(&socket);
    let local = socket.local_addr().expect("address");
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("key");
    let certificate = RTCCertificate::from_key_pair(key).expect("certificate");
    let fingerprint = certificate.get_fingerprints().remove(0).value.replace(':', "").to_lowercase();
    let server = Arc::new(Server {
        mux: OnceLock::new(),
        certificate,
        local,
        known: Mutex::new(HashSet::new()),
        alive: Mutex::new(Vec::new()),
    });
    let mux = UDPMuxDefault::new(UDPMuxParams::new(Door { socket, server: server.clone() }));
    let _ = server.mux.set(mux);
    println!("listening {local} {fingerprint}");
    std::io::stdout().flush().expect("stdout");
    std::future::pending::<()>().await;
}
