// SPDX-License-Identifier: MIT
//! The dcsctp crate behind C functions, for bench/peers/dcsctp.c: one end of an association, driven from outside.
//! Pointers are those that `dcsctp_peer_open` gave, and buffers as long as said; times are virtual microseconds.

use std::collections::VecDeque;
use std::slice;
use std::time::Duration;

use dcsctp::api::{
    DcSctpSocket, Message, Options, PpId, SendOptions, SocketEvent, SocketState, SocketTime, StreamId,
    ZERO_CHECKSUM_ALTERNATE_ERROR_DETECTION_METHOD_LOWER_LAYER_DTLS,
};

pub struct End {
    socket: Box<dyn DcSctpSocket>,
    packets: VecDeque<Vec<u8>>,
}

const NEVER: u64 = u64::MAX;

fn at(now: u64) -> SocketTime {
    SocketTime::zero() + Duration::from_micros(now)
}

impl End {
    fn drain(&mut self) {
        while let Some(event) = self.socket.poll_event() {
            if let SocketEvent::SendPacket(packet) = event {
                self.packets.push_back(packet);
            }
        }
    }
}

#[no_mangle]
pub extern "C" fn dcsctp_peer_open(
    without_checksum: bool,
    packet_max: usize,
    send_limit: usize,
    receive_window: usize,
    now: u64,
) -> *mut End {
    let mut options = Options {
        mtu: packet_max,
        max_receiver_window_buffer_size: receive_window,
        max_send_buffer_size: send_limit,
        per_stream_send_queue_limit: send_limit,
        // As Chrome sets it.
        max_timer_backoff_duration: Some(Duration::from_secs(3)),
        max_retransmissions: None,
        max_init_retransmits: None,
        ..Options::default()
    };
    if without_checksum {
        options.zero_checksum_alternate_error_detection_method =
            ZERO_CHECKSUM_ALTERNATE_ERROR_DETECTION_METHOD_LOWER_LAYER_DTLS;
    }
    let mut end = Box::new(End { socket: dcsctp::new_socket("", &options), packets: VecDeque::new() });
    end.socket.advance_time(at(now));
    end.socket.connect();
    end.drain();
    Box::into_raw(end)
}

/// # Safety
/// See the head of this file; the same for all below.
#[no_mangle]
pub unsafe extern "C" fn dcsctp_peer_close(end: *mut End) {
    drop(Box::from_raw(end));
}

/// # Safety
#[no_mangle]
pub unsafe extern "C" fn dcsctp_peer_established(end: *mut End) -> bool {
    (*end).socket.state() == SocketState::Connected
}

/// # Safety
#[no_mangle]
pub unsafe extern "C" fn dcsctp_peer_input(end: *mut End, now: u64, packet: *const u8, len: usize) {
    let end = &mut *end;
    end.socket.advance_time(at(now));
    end.socket.handle_input(slice::from_raw_parts(packet, len));
    end.drain();
}

/// # Safety
#[no_mangle]
pub unsafe extern "C" fn dcsctp_peer_output(end: *mut End, out: *mut u8, cap: usize) -> usize {
    let end = &mut *end;
    end.drain();
    match end.packets.pop_front() {
        Some(packet) if packet.len() <= cap => {
            slice::from_raw_parts_mut(out, packet.len()).copy_from_slice(&packet);
            packet.len()
        }
        _ => 0,
    }
}

/// # Safety
#[no_mangle]
pub unsafe extern "C" fn dcsctp_peer_deadline(end: *mut End) -> u64 {
    let time = (*end).socket.poll_timeout();
    if time == SocketTime::infinite_future() {
        return NEVER;
    }
    // Rounded up, or the timer is not yet due when it is asked again.
    (time - SocketTime::zero()).as_nanos().div_ceil(1000).min(NEVER as u128) as u64
}

/// # Safety
#[no_mangle]
pub unsafe extern "C" fn dcsctp_peer_expire(end: *mut End, now: u64) {
    let end = &mut *end;
    end.socket.advance_time(at(now));
    end.drain();
}

/// # Safety
#[no_mangle]
pub unsafe extern "C" fn dcsctp_peer_send(end: *mut End, now: u64, message: *const u8, len: usize) -> bool {
    let end = &mut *end;
    end.socket.advance_time(at(now));
    let payload = slice::from_raw_parts(message, len).to_vec();
    let sent = end.socket.send(Message::new(StreamId(1), PpId(53), payload), &SendOptions::default()).is_ok();
    if sent {
        end.drain();
    }
    sent
}

/// # Safety
#[no_mangle]
pub unsafe extern "C" fn dcsctp_peer_receive(end: *mut End, now: u64, head: *mut u8, cap: usize) -> usize {
    let end = &mut *end;
    end.socket.advance_time(at(now));
    let Some(message) = end.socket.get_next_message() else { return 0 };
    let shown = message.payload.len().min(cap);
    slice::from_raw_parts_mut(head, shown).copy_from_slice(&message.payload[..shown]);
    message.payload.len()
}
