// SPDX-License-Identifier: MIT
/// <reference lib="esnext.disposable" preserve="true" />
// One data channel with queues on both sides: what a connection and each further channel have in common.
import { DirectError, type DirectErrorCode } from './error.js';
import type { Codec, Decoder } from './frame.js';
import type { Stats } from './webrtc-direct.js';

/** Whether what is built is the client, and not channels.js; filled in by build.mjs. */
declare const FRAMES: boolean;

/** What `send` takes: bytes, or text that travels as UTF-8 (as a text message, but for frames). */
export type Sendable = string | ArrayBuffer | ArrayBufferView;

/** Messages both ways, in order, and an end. `M` is what arrives: bytes, and without frames also text. */
export interface Pipe<M> {
  /**
   * Takes a copy of `data`; settles when it is on its way and there is room for more: await it to send no faster than
   * the network. Rejects when the message is too large, or the end comes before the whole message was handed to the
   * browser.
   */
  send(data: Sendable): Promise<void>;
  /** Sends if there is room right now, else answers false. Throws where `send` rejects. */
  trySend(data: Sendable): boolean;
  /** The next message; `undefined` once closed. Rejects when it was lost or broke the protocol, after what had arrived. */
  recv(): Promise<M | undefined>;
  /**
   * Sends what still waits, then closes; settles when all is done. A page that is left closes at once. `code` (32 bits)
   * and `reason` (cut at 1000 bytes) reach the other side, if it has this library.
   */
  close(code?: number, reason?: string): Promise<void>;
  /**
   * Resolves at the end, and says why: code `closed` is an orderly end, with the `closeCode` and `reason` that the other
   * side gave. Never rejects.
   */
  readonly closed: Promise<DirectError>;
  /** About how many bytes were taken by `send` and have not left yet. */
  readonly bufferedAmount: number;
  /**
   * Settles once at most `bytes` (0 unless given) of what was sent so far have not left yet; what is sent after this waits
   * for it. Rejects at the end.
   */
  drained(bytes?: number): Promise<void>;
  /** The same messages as a stream. Use either this or `recv`. */
  readonly readable: ReadableStream<M>;
  /** The same as `send`, with its back-pressure. */
  readonly writable: WritableStream<Sendable>;
  [Symbol.asyncIterator](): AsyncGenerator<M, void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export const enum Limit {
  /** Bytes of a framed message's parts, as the server library cuts them. */
  Chunk = 61440,
  /** What both browsers take in one data-channel message. */
  RawMessage = 262144,
  /** The browsers refuse (Chrome, 16 MiB) or lose (Firefox, 64 MiB) what they cannot queue. */
  HighWater = 8388608,
  CloseWithinMs = 5000,
  /** Counted for each queued message besides its bytes, so that many small ones have a bound too. */
  MessageCost = 64,
}

const size = (message?: Uint8Array | string) => message!.length + Limit.MessageCost;

export const tooLarge = (): never => {
  throw new DirectError('too-large', 'The message is over the limit (16 MiB, raw 256 KiB).');
};

export const once = (target: EventTarget, type: string) =>
  new Promise((resolve) => target.addEventListener(type, resolve, { once: true }));

/** What the other side said about the end of channel `id`, 0 for the connection: its reason if any, its code. */
export type Said = Record<number, [reason?: string | undefined, code?: number]>;
/** Tells it ours. */
export type Goodbye = (id: number, code?: number, reason?: string) => Promise<void>;
/** How channels.ts gets at what is inside a connection. */
export type Extend = (
  pc: RTCPeerConnection,
  said: Said,
  goodbye: Goodbye,
  stats: (id: number) => Promise<Stats>,
) => void;

/**
 * Drives `channel` until its end. `goodbye` is called when all has left, before the channel closes; `onEnd` once, before
 * anybody else learns of the end. With frames there is a codec.
 */
export const openPipe = (
  channel: RTCDataChannel,
  id: number,
  said: Said,
  goodbye: Goodbye,
  highWaterMark: number,
  maxQueued: number,
  onEnd: () => void,
  codec?: Codec,
  decoder?: Decoder,
) => {
  if (!FRAMES) codec = decoder = undefined;
  highWaterMark = Math.max(1, Math.min(highWaterMark, Limit.HighWater));
  const listening = new AbortController();
  const chunk = codec ? Limit.Chunk : Limit.RawMessage;
  let turn: Promise<unknown> = Promise.resolve();
  let queued = 0;
  let closing: Promise<void> | undefined;
  let ended: DirectError | undefined;
  let settle!: (error: DirectError) => void;
  const closed = new Promise<DirectError>((resolve) => (settle = resolve));

  const on = (target: EventTarget | undefined, type: string, listener: (event: any) => void) =>
    target?.addEventListener(type, listener, listening);

  const end = (error: DirectError) => {
    if (ended) return;
    ended = error;
    listening.abort();
    onEnd();
    channel.dispatchEvent(new Event('bufferedamountlow'));
    channel = undefined!;
    inbox.close();
    settle(error);
  };
  const gone = () => new DirectError('closed', ...(said[id] ?? said[0] ?? []));
  const fail = (code: DirectErrorCode, message: string) => end(new DirectError(code, message));
  const shut = () => end(gone());

  /** Waits until the browser's own queue holds at most `limit` bytes, and if it has to wait, until it is half empty. */
  const room = async (limit: number) => {
    while (!ended && channel.bufferedAmount > limit) {
      channel.bufferedAmountLowThreshold = limit / 2;
      await once(channel, 'bufferedamountlow');
    }
    if (channel?.readyState != 'open') shut();
    if (ended) throw ended;
  };

  // A stream that nobody outside sees: it keeps the order of those who wait.
  let inbox!: ReadableStreamDefaultController<Uint8Array | string>;
  const reader = new ReadableStream<Uint8Array | string>(
    { start: (controller) => void (inbox = controller) },
    { highWaterMark: maxQueued, size },
  ).getReader();

  /** Does `job` after all that was asked for before. */
  const inTurn = (job: () => Promise<void>) => {
    const done = turn.then(job);
    turn = done.catch(() => {});
    return done;
  };
  const take = (data: Sendable) => {
    if (ended || closing) throw ended ?? gone();
    const { buffer, byteOffset, byteLength } =
      typeof data == 'string' ? new TextEncoder().encode(data) : ArrayBuffer.isView(data) ? data : new DataView(data);
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    if (!codec && byteLength > chunk) tooLarge();
    const message = codec ? codec.encode(bytes) : typeof data == 'string' ? data : bytes.slice();
    const { length } = message;
    queued += length;
    return inTurn(async () => {
      let at = 0;
      do {
        await room(highWaterMark);
        const part = message.slice(at, (at += chunk)) as Uint8Array<ArrayBuffer>;
        queued -= part.length;
        channel.send(part);
      } while (at < length);
    });
  };
  const send = async (data: Sendable) => take(data);
  const recv = async () => {
    const { done, value } = await reader.read();
    if (done && ended!.code != 'closed') throw ended;
    return value;
  };
  const close = async (code?: number, reason?: string) => {
    closing ??= inTurn(async () => {
      await room(0);
      await goodbye(id, code, reason);
      channel?.close();
      setTimeout(shut, Limit.CloseWithinMs);
    }).catch(() => {});
    await closed;
  };

  const pipe: Pipe<any> = {
    send,
    trySend: (data) => pipe.bufferedAmount < highWaterMark && (take(data).catch(() => {}), true),
    recv,
    close,
    closed,
    get bufferedAmount() {
      return ended ? 0 : channel.bufferedAmount + queued;
    },
    drained: (bytes = 0) => inTurn(() => room(bytes)),
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
    async *[Symbol.asyncIterator]() {
      for (let message; (message = await recv()) !== undefined; ) yield message;
    },
    [Symbol.asyncDispose]: close,
  };

  channel.binaryType = 'arraybuffer';
  on(channel, 'message', ({ data }: MessageEvent<ArrayBuffer | string>) => {
    const message = typeof data == 'string' ? data : new Uint8Array(data);
    try {
      for (const whole of decoder ? decoder.push(message) : [message]) {
        inbox.enqueue(whole);
        if (inbox.desiredSize! < 0) {
          fail('too-large', 'Too much waits: call recv() more, or raise maxQueued.');
          break;
        }
      }
    } catch (error) {
      end(error as DirectError);
    }
  });
  on(channel, 'close', () =>
    decoder?.partial() ? fail('lost', 'The server closed in a message.') : shut(),
  );
  return [pipe, fail, shut, on, end] as const;
};
