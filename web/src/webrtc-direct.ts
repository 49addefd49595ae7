// SPDX-License-Identifier: MIT
/// <reference lib="esnext.disposable" preserve="true" />
import { hex, parseAddress, renderAnswer } from './address.js';
import { DirectError, type DirectErrorCode } from './error.js';
import { loadCodec } from './frame.js';

export { parseAddress, renderAnswer, type Address } from './address.js';
export { DirectError, type DirectErrorCode } from './error.js';
export { loadCodec, type Codec, type Decoder } from './frame.js';

/** What `send` takes: bytes, or text that travels as UTF-8 (in raw mode as a text message). */
export type Sendable = string | ArrayBuffer | ArrayBufferView;

export interface ConnectOptions {
  /**
   * The server certificate's SHA-256: 64 hex digits with or without colons, a certhash (uEi...), or 32 bytes.
   * Not needed when the address has it.
   */
  fingerprint?: string | Uint8Array | undefined;
  /**
   * `lz4` (default): messages of up to 16 MiB, compressed, as the server library sends them.
   * `raw`: what you send is one data-channel message of at most 256 KiB.
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
export interface Connection<M = Uint8Array> {
  /**
   * Takes a copy of `data`; settles when it is on its way and there is room for more: await it to send no faster than
   * the network. Messages keep their order. Rejects when the message is too large, or the connection ends before the
   * whole message was handed to the browser.
   */
  send(data: Sendable): Promise<void>;
  /** Sends if there is room right now, else answers false. Throws where `send` rejects. */
  trySend(data: Sendable): boolean;
  /**
   * The next message, in order; `undefined` once the connection was closed. Rejects when it was lost or broke the
   * protocol, after the messages that had arrived before.
   */
  recv(): Promise<M | undefined>;
  /** Sends what still waits, then closes. Settles when all is done. A page that is left closes at once. */
  close(): Promise<void>;
  /** Resolves when the connection has ended, and says why: code `closed` is an orderly end. Never rejects. */
  readonly closed: Promise<DirectError>;
  /** About how many bytes were taken by `send` and have not left yet. */
  readonly bufferedAmount: number;
  /** The same messages as a stream. Use either this or `recv`. */
  readonly readable: ReadableStream<M>;
  /** The same as `send`, with its back-pressure. */
  readonly writable: WritableStream<Sendable>;
  /** What the browser counts; rejects once the connection has ended. */
  stats(): Promise<Stats>;
  [Symbol.asyncIterator](): AsyncGenerator<M, void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const enum Limit {
  /** Bytes of a framed message's parts, as the server library cuts them. */
  Chunk = 61440,
  /** What both browsers take in one data-channel message. */
  RawMessage = 262144,
  /** The browsers refuse (Chrome, 16 MiB) or lose (Firefox, 64 MiB) what they cannot queue. */
  HighWater = 8388608,
  /** What setTimeout can count. */
  TimerMs = 2147483647,
  LostAfterMs = 10000,
  CloseWithinMs = 5000,
  /** Counted for each queued message besides its bytes, so that many small ones have a bound too. */
  MessageCost = 64,
}

const size = (message?: Uint8Array | string) => message!.length + Limit.MessageCost;
const gone = () => new DirectError('closed', 'The connection is closed.');

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
    framing,
    compat,
    timeout = 10_000,
    signal,
    highWaterMark = 1 << 20,
    maxMessageSize,
    maxQueued = 1 << 26,
    certificates = [],
  }: ConnectOptions = {},
): Promise<Connection<any>> {
  if (fingerprint) address += ' ' + (typeof fingerprint == 'string' ? fingerprint : hex(fingerprint));
  const server = parseAddress(address);
  const ufrag = hex(crypto.getRandomValues(new Uint8Array(32)));
  const codec = await loadCodec();
  signal?.throwIfAborted();
  highWaterMark = Math.max(1, Math.min(highWaterMark, Limit.HighWater));

  // Both are let go of at the end: Chrome counts closed peer connections, too, until they are collected.
  let pc: RTCPeerConnection;
  let channel: RTCDataChannel;
  try {
    pc = new RTCPeerConnection({ certificates });
  } catch (error) {
    throw new DirectError('refused-by-browser', '' + error);
  }
  channel = pc.createDataChannel('rpc', { negotiated: true, id: 0 });
  const raw = framing == 'raw';
  const decoder = codec.decoder(maxMessageSize);
  const listening = new AbortController();
  let opened = false;
  let closing = false;
  let ended: DirectError | undefined;
  let settle!: (error: DirectError) => void;
  const closed = new Promise<DirectError>((resolve) => (settle = resolve));

  const on = (target: EventTarget | undefined, type: string, listener: (event: any) => void) =>
    target?.addEventListener(type, listener, listening);

  const end = (error: DirectError) => {
    if (ended) return;
    ended = error;
    listening.abort();
    clearTimeout(timer);
    pc.close();
    pc = channel = undefined!;
    decoder.free();
    wake?.();
    inbox.close();
    outbox.error(error);
    settle(error);
  };
  const fail = (code: DirectErrorCode, message: string) => end(new DirectError(code, message));
  const shut = () => end(gone());
  const lost = () => fail('lost', 'The server no longer answers.');
  const unreachable = () =>
    fail('unreachable', 'No answer: is the server running, the address right, its UDP port open in every firewall?');

  const notOpenInTime = async () => {
    const ice = pc.iceConnectionState;
    if (ice == 'checking') return unreachable();
    if (ice != 'new') return fail('timeout', 'The server answers, but did not open the channel in time.');
    for (const name of ['local-network', 'loopback-network']) {
      const permission = await navigator.permissions?.query({ name: name as PermissionName }).catch(() => undefined);
      if (permission?.state == 'denied')
        return fail('blocked', 'This page may not reach the local network: allow it in the settings for this site.');
    }
    fail(
      'refused-by-browser',
      'The browser did not try this address. Firefox skips loopback, ' +
        'Chrome ports below 1024 (but public 80 and 443), both link-local.',
    );
  };
  let timer = setTimeout(notOpenInTime, Math.min(timeout, Limit.TimerMs));

  let wake: (() => void) | undefined;
  /** Waits until the browser's own queue holds at most `limit` bytes. */
  const room = async (limit: number) => {
    while (!ended && channel.bufferedAmount > limit) await new Promise<void>((resolve) => (wake = resolve));
    if (channel?.readyState != 'open') shut();
    if (ended) throw ended;
  };

  // Both queues are streams that nobody outside sees: they keep order, and settle each write when its turn is over.
  let outbox!: WritableStreamDefaultController;
  const writer = new WritableStream<Uint8Array | string>(
    {
      start: (controller) => void (outbox = controller),
      async write(data) {
        let at = 0;
        do {
          await room(highWaterMark);
          const chunk = raw ? data : (data as Uint8Array).subarray(at, (at += Limit.Chunk));
          channel.send(chunk as Uint8Array<ArrayBuffer>);
        } while (!raw && at < data.length);
      },
      async close() {
        channel.bufferedAmountLowThreshold = 0;
        await room(0);
        channel.close();
        setTimeout(shut, Limit.CloseWithinMs);
      },
    },
    { highWaterMark: 0, size },
  ).getWriter();

  let inbox!: ReadableStreamDefaultController<Uint8Array | string>;
  const reader = new ReadableStream<Uint8Array | string>(
    { start: (controller) => void (inbox = controller) },
    { highWaterMark: maxQueued, size },
  ).getReader();

  const deliver = (message: Uint8Array | string) => {
    inbox.enqueue(message);
    if (inbox.desiredSize! < 0)
      fail('too-large', 'More arrived than the page took: call recv() faster, or raise maxQueued.');
  };
  const take = (data: Sendable) => {
    if (ended || closing) throw ended ?? gone();
    let bytes: Uint8Array;
    if (typeof data == 'string') bytes = new TextEncoder().encode(data);
    else {
      const { buffer, byteOffset, byteLength } = ArrayBuffer.isView(data) ? data : new DataView(data);
      bytes = new Uint8Array(buffer, byteOffset, byteLength);
    }
    if (!raw) return writer.write(codec.encode(bytes));
    if (bytes.length > Limit.RawMessage) throw new DirectError('too-large', 'A raw message has at most 262144 bytes.');
    return writer.write(typeof data == 'string' ? data : bytes.slice());
  };
  const send = async (data: Sendable) => take(data);
  const recv = async () => {
    const { done, value } = await reader.read();
    if (done && ended!.code != 'closed') throw ended;
    return value;
  };
  const close = async () => {
    closing = true;
    writer.close().catch(() => {});
    await closed;
  };

  const connection: Connection<any> = {
    send,
    trySend: (data) => connection.bufferedAmount < highWaterMark && (take(data).catch(() => {}), true),
    recv,
    close,
    closed,
    get bufferedAmount() {
      return ended ? 0 : channel.bufferedAmount - writer.desiredSize!;
    },
    readable: new ReadableStream(
      {
        async pull(controller) {
          const message = await recv();
          message === undefined ? controller.close() : controller.enqueue(message);
        },
        cancel: close,
      },
      { highWaterMark: 0 },
    ),
    writable: new WritableStream({ write: send, close, abort: close }),
    async stats() {
      const stats: Stats = {};
      if (ended) throw ended;
      (await pc.getStats()).forEach((report) => {
        if (report.type == 'data-channel') Object.assign(stats, report);
        if (report.currentRoundTripTime) stats.roundTripTime = report.currentRoundTripTime * 1000;
      });
      return stats;
    },
    async *[Symbol.asyncIterator]() {
      for (let message; (message = await recv()) !== undefined; ) yield message;
    },
    [Symbol.asyncDispose]: close,
  };

  channel.binaryType = 'arraybuffer';
  channel.bufferedAmountLowThreshold = highWaterMark >> 1;
  on(channel, 'bufferedamountlow', () => wake?.());
  on(channel, 'message', ({ data }: MessageEvent<ArrayBuffer | string>) => {
    const message = typeof data == 'string' ? data : new Uint8Array(data);
    if (raw) return deliver(message);
    try {
      for (const whole of decoder.push(message)) {
        deliver(whole);
        if (ended) break;
      }
    } catch (error) {
      end(error as DirectError);
    }
  });
  on(channel, 'close', () =>
    decoder.partial() ? fail('lost', 'The server closed in the middle of a message.') : shut(),
  );
  on(pc, 'connectionstatechange', () => {
    const state = pc.connectionState;
    if (opened) clearTimeout(timer);
    if (state == 'disconnected' && opened) timer = setTimeout(lost, Limit.LostAfterMs);
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
      resolve(connection);
    });
    closed.then((error) => reject(signal?.aborted ? signal.reason : error));
    const negotiate = async () => {
      const offer = await pc.createOffer();
      const sdp = renderAnswer(server, ufrag, /a=mid:(\S+)/.exec(offer.sdp!)![1]!);
      if (compat) offer.sdp = offer.sdp!.replace(/(a=ice-(?:ufrag|pwd):)\S+/g, '$1' + ufrag);
      await pc.setLocalDescription({ type: 'offer', sdp: offer.sdp! });
      await pc.setRemoteDescription({ type: 'answer', sdp });
    };
    negotiate().catch((error) => fail('refused-by-browser', '' + error));
  });
}
