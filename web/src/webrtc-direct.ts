// SPDX-License-Identifier: MIT
import { hex, parseAddress, renderAnswer } from './address.js';
import { DirectError } from './error.js';
import { loadCodec } from './frame.js';
import { once, openPipe, type Extend, type Goodbye, type Pipe, type Said } from './pipe.js';

export { parseAddress, renderAnswer, type Address } from './address.js';
export { DirectError, type DirectErrorCode } from './error.js';
export { loadCodec, type Codec, type Decoder } from './frame.js';
export type { Pipe, Sendable } from './pipe.js';

export interface ConnectOptions {
  /**
   * The server certificate's SHA-256: 64 hex digits with or without colons, a certhash (uEi...), or 32 bytes.
   * Not needed when the address has it.
   */
  fingerprint?: string | Uint8Array | undefined;
  /**
   * For a server that asks who connects: the connect token that the application gave this page. At most 189 letters,
   * digits, + or /. A server does not answer who has none that it takes: code `unreachable`.
   */
  token?: string | undefined;
  /**
   * `lz4` (default): messages of up to 16 MiB, compressed, as the server library sends them.
   * `raw`: what you send is one data-channel message of at most 256 KiB. Needs no WebAssembly.
   */
  framing?: 'lz4' | 'raw' | undefined;
  /**
   * `v1`: also rewrite the browser's own offer, which servers of the original Rust library need. Chrome is about to
   * forbid it.
   */
  compat?: 'v1' | undefined;
  /** Milliseconds until the attempt fails; default 10 000. */
  timeout?: number | undefined;
  /** Ends the attempt, and later the connection, at once. */
  signal?: AbortSignal | undefined;
  /** `send` waits, and `trySend` answers false, while this many bytes wait. Default 1 MiB, at most 8 MiB. */
  highWaterMark?: number | undefined;
  /** Largest message to accept in frames; default and maximum 16 MiB. */
  maxMessageSize?: number | undefined;
  /**
   * A data channel cannot be paused: what arrives before `recv` asks for it is kept in memory. Once more than this many
   * bytes wait, the connection ends with `too-large`. Default 64 MiB.
   */
  maxQueued?: number | undefined;
  /** The client's own certificate, from RTCPeerConnection.generateCertificate(). */
  certificates?: RTCCertificate[] | undefined;
}

export interface Stats {
  /** Milliseconds, as the last ICE check measured it. */
  roundTripTime?: number;
  messagesSent?: number;
  messagesReceived?: number;
  bytesSent?: number;
  bytesReceived?: number;
}

/** An open connection. `M` is what arrives: bytes, and in raw mode also text. */
export interface Connection<M = Uint8Array> extends Pipe<M> {
  /** What the browser counts; rejects once the connection has ended. */
  stats(): Promise<Stats>;
}

const enum Limit {
  /** What setTimeout can count. */
  TimerMs = 2147483647,
  LostAfterMs = 10000,
  /** Bytes of a goodbye: 1, channel (2), code (4), reason. */
  Goodbye = 1007,
}

/**
 * Connects to the server at `address`: "IP:PORT" with `options.fingerprint`, "IP:PORT FINGERPRINT", or
 * "/ip4/.../udp/.../webrtc-direct/certhash/...". Rejects with a DirectError, or with the signal's reason.
 */
export function connect(
  address: string,
  options: ConnectOptions & { framing: 'raw' },
): Promise<Connection<Uint8Array | string>>;
export function connect(address: string, options?: ConnectOptions): Promise<Connection>;
export async function connect(
  address: string,
  {
    fingerprint,
    token = '',
    framing,
    compat,
    timeout = 10_000,
    signal,
    highWaterMark = 1 << 20,
    maxMessageSize,
    maxQueued = 1 << 26,
    certificates = [],
    extend,
  }: ConnectOptions & { extend?: Extend } = {},
): Promise<Connection<any>> {
  if (fingerprint) address += ' ' + (typeof fingerprint == 'string' ? fingerprint : hex(fingerprint));
  const server = parseAddress(address);
  if (!/^[\da-z+/]{0,189}$/i.test(token))
    throw new DirectError('bad-token', 'The token must be 0-189 letters, digits, + or /.');
  const random = crypto.getRandomValues(new Uint8Array(32));
  // The last four bytes tell a server with two certificates which of them is dialed (docs/WIRE.md).
  const mark = server.fingerprint.slice(0, 8).match(/../g)!.map((byte, i) => random[i]! ^ Number('0x' + byte));
  random.set(mark, 28);
  const ufrag = token + hex(random);
  const codec = framing == 'raw' ? undefined : await loadCodec();
  signal?.throwIfAborted();

  // All are let go of at the end: Chrome counts closed peer connections, too, until they are collected.
  let pc: RTCPeerConnection;
  let control: RTCDataChannel;
  try {
    pc = new RTCPeerConnection({ certificates });
  } catch (error) {
    throw new DirectError('refused-by-browser', '' + error);
  }
  control = pc.createDataChannel('', { negotiated: true, id: 1 });
  const channel = pc.createDataChannel('rpc', { negotiated: true, id: 0 });
  const decoder = codec?.decoder(maxMessageSize);
  let opened = false;
  const said: Said = {};

  /** Tells the server why channel `id` is about to close; 0 is the connection. */
  const goodbye: Goodbye = async (id, code = 0, reason = '') => {
    if (!code && !reason) return;
    const bytes = new Uint8Array(Limit.Goodbye);
    bytes.set([1, id >> 8, id, code >> 24, code >> 16, code >> 8, code]);
    control.send(bytes.subarray(0, 7 + new TextEncoder().encodeInto(reason, bytes.subarray(7)).written));
    if (control.bufferedAmount) await once(control, 'bufferedamountlow');
  };

  const [pipe, fail, shut, on] = openPipe(
    channel,
    0,
    said,
    goodbye,
    highWaterMark,
    maxQueued,
    () => {
      clearTimeout(timer);
      pc.close();
      pc = control = undefined!;
      decoder?.free();
    },
    codec,
    decoder,
  );
  const lost = () => fail('lost', 'The server no longer answers.');
  const unreachable = () =>
    fail('unreachable', 'No answer: is the server up, address and token right, UDP port open?');

  const notOpenInTime = async () => {
    const ice = pc.iceConnectionState;
    if (ice == 'checking') return unreachable();
    if (ice != 'new') return fail('timeout', 'The server answers, but opened no channel in time.');
    for (const name of ['local-network', 'loopback-network']) {
      const permission = await navigator.permissions?.query({ name: name as PermissionName }).catch(() => undefined);
      if (permission?.state == 'denied')
        return fail('blocked', 'The local network is denied to this page: see its settings.');
    }
    fail(
      'refused-by-browser',
      'The browser did not try this address: Firefox skips loopback, Chrome ports below 1024.',
    );
  };
  let timer = setTimeout(notOpenInTime, Math.min(timeout, Limit.TimerMs));

  const stats = async (id = 0) => {
    const stats: Stats = {};
    if (!pc) throw await pipe.closed;
    (await pc.getStats()).forEach((report) => {
      if (report.dataChannelIdentifier == id) Object.assign(stats, report);
      if (report.currentRoundTripTime) stats.roundTripTime = report.currentRoundTripTime * 1000;
    });
    return stats;
  };
  extend?.(pc, said, goodbye, stats);

  control.binaryType = 'arraybuffer';
  on(control, 'message', ({ data }: MessageEvent<ArrayBuffer>) => {
    if (!(data.byteLength > 6 && data.byteLength <= Limit.Goodbye)) return;
    const view = new DataView(data);
    if (view.getUint8(0) == 1)
      said[view.getUint16(1)] = [new TextDecoder().decode(data.slice(7)) || undefined, view.getUint32(3)];
  });
  on(pc, 'connectionstatechange', () => {
    const state = pc.connectionState;
    if (opened) clearTimeout(timer);
    if (opened && state == 'disconnected') timer = setTimeout(lost, Limit.LostAfterMs);
    if (state == 'failed') {
      if (opened) lost();
      else if (/^co/.test(pc.iceConnectionState))
        fail('fingerprint-mismatch', "The server's certificate has another fingerprint.");
      else unreachable();
    }
  });
  on(globalThis as unknown as Window, 'pagehide', shut);
  on(signal, 'abort', shut);

  return new Promise((resolve, reject) => {
    on(channel, 'open', () => {
      opened = true;
      clearTimeout(timer);
      resolve(Object.assign(pipe, { stats }));
    });
    pipe.closed.then((error) => reject(signal?.aborted ? signal.reason : error));
    const negotiate = async () => {
      const offer = await pc.createOffer();
      const sdp = renderAnswer(server, ufrag, /a=mid:(\S+)/.exec(offer.sdp!)![1]!);
      if (compat) offer.sdp = offer.sdp!.replace(/(a=ice-(ufrag|pwd):)\S+/g, '$1' + ufrag);
      await pc.setLocalDescription(offer);
      await pc.setRemoteDescription({ type: 'answer', sdp });
    };
    negotiate().catch((error) => fail('refused-by-browser', '' + error));
  });
}
