// SPDX-License-Identifier: MIT
// Further channels of a connection. Import `connect` from here instead of from webrtc-direct.js; all else is the same.
import { DirectError } from './error.js';
import { openPipe, type Extend, type Pipe } from './pipe.js';
import {
  connect as connectPlain,
  type Connection as PlainConnection,
  type ConnectOptions as PlainOptions,
  type Stats,
} from './webrtc-direct.js';

export * from './webrtc-direct.js'; // but for what has the same name here

export interface ChannelOptions {
  /** Default "". */
  protocol?: string | undefined;
  /** Default true. False: messages may overtake each other. */
  ordered?: boolean | undefined;
  /** Give a message up after so many repeats, 0 to 65535. Not together with `maxPacketLifeTime`. */
  maxRetransmits?: number | undefined;
  /** Give a message up when it is so many milliseconds old, 0 to 65535. */
  maxPacketLifeTime?: number | undefined;
  /** The channel's share when the line is full, where the browser knows it; default `low`. */
  priority?: RTCPriorityType | undefined;
  /** Both sides open it with the same `id`, 2 to 65534 (Firefox: 2047); nothing is said in band. */
  negotiated?: boolean | undefined;
  id?: number | undefined;
  /** As of a connection, for this channel alone. */
  highWaterMark?: number | undefined;
  maxQueued?: number | undefined;
}

export interface ConnectOptions extends PlainOptions {
  /** How many channels that the server opened may be open at once; further ones are closed again. Default 256. */
  acceptChannels?: number | undefined;
}

/**
 * A data channel; its messages are data-channel messages of at most 256 KiB as they are, text or bytes. It ends by itself
 * with the connection, and its `recv` then as that of the connection.
 *
 * In a browser nothing holds the server back: what arrives is kept until `recv` asks for it, up to `maxQueued`. Above that
 * the channel ends with `too-large`.
 */
export interface Channel extends Pipe<Uint8Array | string> {
  readonly label: string;
  readonly protocol: string;
  readonly id: number;
  readonly ordered: boolean;
  readonly maxRetransmits: number | null;
  readonly maxPacketLifeTime: number | null;
  readonly negotiated: boolean;
  stats(): Promise<Stats>;
}

export interface Connection<M = Uint8Array> extends PlainConnection<M> {
  /**
   * Opens a channel. Messages may be sent at once; whether the server takes it only shows when it does not: the channel
   * closes. Rejects with `bad-channel` when the options contradict each other or the id is taken.
   */
  open(label: string, options?: ChannelOptions): Promise<Channel>;
  /** The next channel that the server opened; `undefined` once the connection was closed. Rejects when it was lost. */
  accept(): Promise<Channel | undefined>;
  /** The same, for `for await`. */
  incoming(): AsyncGenerator<Channel, void>;
}

const bad = (why: string) => new DirectError('bad-channel', why);

const enum Limit {
  /** It takes no round trip. */
  OpenWithinMs = 5000,
  /** Bytes of a label or a protocol name, as the server library takes them. */
  Name = 1024,
}

/** As `connect` of webrtc-direct.js; the connection has further channels. */
export function connect(
  address: string,
  options: ConnectOptions & { framing: 'raw' },
): Promise<Connection<Uint8Array | string>>;
export function connect(address: string, options?: ConnectOptions): Promise<Connection>;
export async function connect(address: string, options: ConnectOptions = {}): Promise<Connection<any>> {
  const { highWaterMark = 1 << 20, maxQueued = 1 << 26, acceptChannels = 256 } = options;
  const open = new Set<Channel>();
  // What has to be told of the connection's end.
  const ends = new Set<(error: DirectError) => void>();
  let inside: Parameters<Extend> | undefined;
  let ended: DirectError;
  let accepted = 0;

  let incoming!: ReadableStreamDefaultController<Channel>;
  const arrived = new ReadableStream<Channel>({ start: (controller) => void (incoming = controller) }).getReader();

  const opened = (from: RTCDataChannel) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        from.close();
        reject(bad('The browser did not open it. Firefox takes ids up to 2047.'));
      }, Limit.OpenWithinMs);
      const settle = () => {
        clearTimeout(timer);
        ends.delete(reject);
        from.onopen = from.onclose = null;
        from.readyState == 'open' ? resolve() : reject(new DirectError('closed'));
      };
      ends.add(reject);
      from.onopen = from.onclose = settle;
      if (from.readyState == 'open') settle();
    });

  /** Drives an open channel. Nothing of this may hold on to `from` when it has ended. */
  const adopt = (from: RTCDataChannel, given: ChannelOptions, onEnd?: () => void) => {
    const [, said, goodbye, stats] = inside!;
    const { label, protocol, ordered, maxRetransmits, maxPacketLifeTime, negotiated } = from;
    const id = from.id!;
    delete said[id];
    const [pipe, , , , end] = openPipe(
      from,
      id,
      said,
      goodbye,
      given.highWaterMark ?? highWaterMark,
      given.maxQueued ?? maxQueued,
      () => {
        open.delete(channel);
        ends.delete(end);
        from.close();
        from = undefined!;
        onEnd?.();
      },
    );
    const channel: Channel = Object.assign(pipe, {
      ...{ label, protocol, id, ordered, maxRetransmits, maxPacketLifeTime, negotiated },
      stats: () => stats(id),
    });
    open.add(channel);
    ends.add(end);
    return channel;
  };

  const extend: Extend = (...all) => {
    inside = all;
    all[0].addEventListener('datachannel', async ({ channel: from }) => {
      if (accepted >= acceptChannels) return from.close();
      accepted++;
      const onEnd = () => void accepted--;
      await opened(from).then(() => incoming.enqueue(adopt(from, {}, onEnd)), onEnd);
    });
  };
  const plain = await connectPlain(address, { ...options, extend } as PlainOptions);

  void plain.closed.then((error) => {
    inside = undefined;
    ended = error;
    for (const end of ends) end(error);
    incoming.close();
  });

  const accept = async () => {
    const { done, value } = await arrived.read();
    if (done && ended.code != 'closed') throw ended;
    return value;
  };
  const { close: closePlain } = plain;
  const close = async (code?: number, reason?: string) => {
    await Promise.allSettled([...open].map((channel) => channel.drained()));
    await closePlain(code, reason);
  };
  return Object.assign(plain, {
    async open(label: string, given: ChannelOptions = {}) {
      if (!inside) throw ended;
      if (given.id != null && !given.negotiated) throw bad('An id needs negotiated: true.');
      for (const name of [label, given.protocol ?? ''])
        if (new TextEncoder().encode(name).length > Limit.Name)
          throw bad('A label or protocol has at most 1024 bytes.');
      let from: RTCDataChannel;
      try {
        from = inside[0].createDataChannel(label, given as RTCDataChannelInit);
      } catch (error) {
        throw bad('The browser refuses it: ' + error);
      }
      await opened(from);
      return adopt(from, given);
    },
    accept,
    async *incoming() {
      for (let channel; (channel = await accept()); ) yield channel;
    },
    close,
    [Symbol.asyncDispose]: () => close(),
  });
}
