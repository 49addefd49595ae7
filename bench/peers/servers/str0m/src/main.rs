// SPDX-License-Identifier: MIT
//! str0m as a server to measure: `str0m IP:PORT`, one thread, one socket, sans-IO, see ../../README.md.
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io::Write;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::channel::{ChannelConfig, ChannelData, ChannelId};
use str0m::config::DtlsCert;
use str0m::crypto::{from_feature_flags, CryptoProvider};
use str0m::ice::IceCreds;
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc};

enum Task {
    Unknown,
    Echo,
    Sink,
    Source(Vec<u8>),
}

struct Client {
    rtc: Rtc,
    deadline: Instant,
    channel: Option<ChannelId>,
    task: Task,
    waiting: VecDeque<(bool, Vec<u8>)>, // echoes for which there was no room
}

struct Server {
    socket: UdpSocket,
    local: SocketAddr,
    cert: DtlsCert,
    crypto: Arc<CryptoProvider>,
    clients: HashMap<SocketAddr, Client>,
    deadlines: BTreeSet<(Instant, SocketAddr)>,
}

/// X from the USERNAME of a STUN binding request; str0m itself then verifies the check.
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

impl Client {
    fn new(x: String, server: &Server) -> Client {
        let credentials = IceCreds { ufrag: x.clone(), pass: x };
        let now = Instant::now();
        let mut rtc = Rtc::builder()
            .set_crypto_provider(server.crypto.clone())
            .set_ice_lite(true)
            .set_dtls_cert(server.cert.clone())
            .set_fingerprint_verification(false)
            .set_local_ice_credentials(credentials.clone())
            .build(now);
        rtc.add_local_candidate(Candidate::host(server.local, "udp").expect("candidate"));
        let mut api = rtc.direct_api();
        api.set_remote_ice_credentials(credentials);
        api.set_ice_controlling(false);
        api.set_remote_fingerprint(format!("sha-256 {}00", "00:".repeat(31)).parse().expect("fingerprint"));
        api.start_dtls(false).expect("DTLS");
        api.start_sctp(false);
        api.create_data_channel(ChannelConfig { negotiated: Some(0), ..Default::default() });
        Client { rtc, deadline: now, channel: None, task: Task::Unknown, waiting: VecDeque::new() }
    }

    fn take(&mut self, data: ChannelData) {
        if let Task::Unknown = self.task {
            self.task = match std::str::from_utf8(&data.data[..data.data.len().min(64)]).unwrap_or("") {
                "wrd-bench sink" => Task::Sink,
                text => match text.strip_prefix("wrd-bench source ").and_then(|size| size.parse().ok()) {
                    Some(size) => Task::Source(vec![0; size]),
                    None => Task::Echo,
                },
            };
        }
        if let Task::Echo = self.task {
            self.waiting.push_back((data.binary, data.data));
        }
    }

    fn write(&mut self) -> bool {
        let Some(mut channel) = self.channel.and_then(|id| self.rtc.channel(id)) else { return false };
        let mut any = false;
        while let Some((binary, data)) = self.waiting.front() {
            if !matches!(channel.write(*binary, data), Ok(true)) {
                break;
            }
            self.waiting.pop_front();
            any = true;
        }
        if let Task::Source(bytes) = &self.task {
            while matches!(channel.write(true, bytes), Ok(true)) {
                any = true;
            }
        }
        any
    }

    /// Everything that the connection has to say, until it waits.
    fn poll(&mut self, socket: &UdpSocket) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    self.deadline = at;
                    if !self.write() {
                        return;
                    }
                }
                Ok(Output::Transmit(packet)) => {
                    let _ = socket.send_to(&packet.contents, packet.destination);
                }
                Ok(Output::Event(Event::ChannelOpen(id, _))) => self.channel = Some(id),
                Ok(Output::Event(Event::ChannelData(data))) => self.take(data),
                Ok(Output::Event(Event::ChannelClose(_))) => self.rtc.disconnect(),
                Ok(Output::Event(_)) => {}
                Err(_) => {
                    self.rtc.disconnect();
                    return;
                }
            }
            if !self.rtc.is_alive() {
                return;
            }
        }
    }
}

impl Server {
    fn feed(&mut self, from: SocketAddr, input: Input) {
        let Some(client) = self.clients.get_mut(&from) else { return };
        let before = client.deadline;
        if client.rtc.handle_input(input).is_err() {
            client.rtc.disconnect();
        }
        if client.rtc.is_alive() {
            client.poll(&self.socket);
        }
        self.deadlines.remove(&(before, from));
        if client.rtc.is_alive() {
            self.deadlines.insert((client.deadline, from));
        } else {
            self.clients.remove(&from);
        }
    }

    fn receive(&mut self, from: SocketAddr, packet: &[u8]) {
        if !self.clients.contains_key(&from) {
            let Some(x) = x_from(packet) else { return };
            let client = Client::new(x, self);
            self.clients.insert(from, client);
        }
        let Ok(contents) = packet.try_into() else { return };
        let receive = Receive { proto: Protocol::Udp, source: from, destination: self.local, contents };
        self.feed(from, Input::Receive(Instant::now(), receive));
    }

    fn expire(&mut self) {
        let now = Instant::now();
        while let Some((at, who)) = self.deadlines.first().copied() {
            if at > now {
                break;
            }
            self.deadlines.remove(&(at, who));
            self.feed(who, Input::Timeout(now));
        }
    }

    fn wait(&self) {
        let now = Instant::now();
        let rest = self.deadlines.first().map_or(Duration::from_secs(1), |(at, _)| at.saturating_duration_since(now));
        let mut ready = libc::pollfd { fd: self.socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        unsafe { libc::poll(&mut ready, 1, rest.as_micros().div_ceil(1000).min(1000) as i32) };
    }
}

fn grow_buffers(socket: &UdpSocket) {
    let size: libc::c_int = 4 << 20;
    for option in [libc::SO_RCVBUF, libc::SO_SNDBUF] {
        let value = &size as *const libc::c_int as *const libc::c_void;
        unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, option, value, 4) };
    }
}

fn main() {
    let listen = std::env::args().nth(1).expect("usage: str0m IP:PORT");
    let socket = UdpSocket::bind(listen).expect("bind");
    socket.set_nonblocking(true).expect("non-blocking");
    grow_buffers(&socket);
    let local = socket.local_addr().expect("address");
    let crypto = Arc::new(from_feature_flags());
    let cert = crypto.dtls_provider.generate_certificate().expect("certificate");
    let hash = crypto.sha256_provider.sha256(&cert.certificate);
    let text: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("listening {local} {text}");
    std::io::stdout().flush().expect("stdout");
    let mut server =
        Server { socket, local, cert, crypto, clients: HashMap::new(), deadlines: BTreeSet::new() };
    let mut buffer = [0u8; 2048];
    loop {
        for _ in 0..64 {
            let Ok((len, from)) = server.socket.recv_from(&mut buffer) else { break };
            server.receive(from, &buffer[..len]);
        }
        server.expire();
        server.wait();
    }
}
