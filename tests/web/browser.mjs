// SPDX-License-Identifier: MIT
// A stand-in for the parts of a browser that the client uses. Nothing happens in it unless a test says so.
import { webcrypto } from 'node:crypto';

export class FakeChannel extends EventTarget {
  readyState = 'connecting';
  bufferedAmount = 0;
  bufferedAmountLowThreshold = 0;
  sent = [];

  send(data) {
    if (this.readyState !== 'open') throw new DOMException('the channel is not open', 'InvalidStateError');
    const copy = typeof data === 'string' ? data : data.slice();
    this.sent.push(copy);
    this.bufferedAmount += Buffer.byteLength(copy);
  }

  close() {
    this.readyState = 'closing';
  }

  // What the browser does:
  open() {
    this.readyState = 'open';
    this.#tell(new Event('open'));
  }
  #tell(event) {
    this.dispatchEvent(event);
    this[`on${event.type}`]?.(event);
  }
  arrive(data) {
    const event = new Event('message');
    event.data = typeof data === 'string' ? data : new Uint8Array(data).buffer;
    this.dispatchEvent(event);
  }
  drain(to = 0) {
    const before = this.bufferedAmount;
    this.bufferedAmount = to;
    if (before > this.bufferedAmountLowThreshold && to <= this.bufferedAmountLowThreshold)
      this.dispatchEvent(new Event('bufferedamountlow'));
  }
  end() {
    this.readyState = 'closed';
    this.#tell(new Event('close'));
  }
}

const offer = (mid) =>
  [
    ...['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', `a=group:BUNDLE ${mid}`],
    ...['m=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0'],
    ...['a=ice-ufrag:abcd', 'a=ice-pwd:0123456789abcdefghijklmn', 'a=setup:actpass', `a=mid:${mid}`, 'a=sctp-port:5000', ''],
  ].join('\r\n');

export class FakePeer extends EventTarget {
  static last;
  static mid = '0';
  static refuseRemote;
  static refuseNew;
  static refuseChannel;
  iceConnectionState = 'new';
  connectionState = 'new';
  reports = new Map();
  channels = [];
  closed = false;

  constructor(configuration) {
    super();
    if (FakePeer.refuseNew) throw FakePeer.refuseNew;
    this.configuration = configuration;
    FakePeer.last = this;
  }
  createDataChannel(label, options = {}) {
    if (FakePeer.refuseChannel) throw FakePeer.refuseChannel;
    const channel = Object.assign(new FakeChannel(), { label, options, protocol: '', ordered: true }, options);
    channel.id ??= 2 * this.channels.length;
    this.channels.push(channel);
    if (options.id === 0) this.channel = channel;
    if (options.id === 1) this.control = channel;
    return channel;
  }
  // The other side opens one.
  arrive(label, options = {}) {
    const event = new Event('datachannel');
    event.channel = Object.assign(new FakeChannel(), { label, id: 1 + 2 * this.channels.length }, options);
    this.channels.push(event.channel);
    this.dispatchEvent(event);
    return event.channel;
  }
  async createOffer() {
    return { type: 'offer', sdp: offer(FakePeer.mid) };
  }
  async setLocalDescription(description) {
    this.local = description;
  }
  async setRemoteDescription(description) {
    if (FakePeer.refuseRemote) throw FakePeer.refuseRemote;
    this.remote = description;
  }
  async getStats() {
    return this.reports;
  }
  close() {
    this.closed = true;
    for (const channel of this.channels) channel.readyState = 'closed';
    this.connectionState = this.iceConnectionState = 'closed';
  }
  become(connectionState, iceConnectionState = this.iceConnectionState) {
    Object.assign(this, { connectionState, iceConnectionState });
    this.dispatchEvent(new Event('connectionstatechange'));
  }
}

// Time that only a test moves. The client's timers are the only ones in these tests.
export const clock = {
  timers: new Map(),
  next: 1,
  // Runs the one timer that has this delay.
  fire(ms) {
    const [id, { run }] = [...this.timers].find(([, timer]) => timer.ms === ms) ?? [];
    if (id === undefined) throw new Error(`no timer of ${ms} ms, only ${[...this.timers.values()].map((t) => t.ms)}`);
    this.timers.delete(id);
    run();
  },
  has(ms) {
    return [...this.timers.values()].some((timer) => timer.ms === ms);
  },
};

const events = new EventTarget();

export function install() {
  FakePeer.refuseRemote = FakePeer.refuseNew = FakePeer.refuseChannel = undefined;
  FakePeer.mid = '0';
  clock.timers.clear();
  const define = (name, value) =>
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  if (!globalThis.crypto) define('crypto', webcrypto);
  define('RTCPeerConnection', FakePeer);
  define('addEventListener', events.addEventListener.bind(events));
  define('navigator', { permissions: { query: async () => ({ state: 'prompt' }) } });
  define('setTimeout', (callback, ms, ...rest) => {
    clock.timers.set(clock.next, { ms, run: () => callback(...rest) });
    return clock.next++;
  });
  define('clearTimeout', (id) => void clock.timers.delete(id));
}

export const pageHides = () => events.dispatchEvent(new Event('pagehide'));
// Lets all promises that are ready run.
export const settle = () => new Promise((resolve) => setImmediate(resolve));
