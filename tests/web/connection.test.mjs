// SPDX-License-Identifier: MIT
// The client on a stand-in browser: what it asks of it, and what it makes of each of its habits.
import assert from 'node:assert/strict';
import test, { beforeEach } from 'node:test';
import { connect, DirectError, loadCodec } from '../../web/dist/webrtc-direct.js';
import { clock, FakePeer, install, pageHides, settle } from './browser.mjs';

const at = '203.0.113.5:3478';
const fingerprint = 'ab'.repeat(32);
const codec = await loadCodec();
const text = (bytes) => new TextDecoder().decode(bytes);
const frame = (string) => codec.encode(new TextEncoder().encode(string));

beforeEach(install);

// A connection that has not opened, and how it will end.
async function dial(options = {}) {
  const attempt = connect(at, { fingerprint, ...options });
  const outcome = attempt.then(
    (connection) => ({ connection }),
    (error) => ({ error }),
  );
  await settle();
  return { peer: FakePeer.last, channel: FakePeer.last.channel, outcome };
}

async function open(options) {
  const { peer, channel, outcome } = await dial(options);
  peer.become('connected', 'connected');
  peer.control.open();
  channel.open();
  return { peer, channel, connection: (await outcome).connection };
}

async function refused(outcome, code) {
  const { error } = await outcome;
  assert.ok(error instanceof DirectError, String(error));
  assert.deepEqual([error.name, error.code], ['DirectError', code], error.message);
  assert.match(error.message, /^[A-Z].{20,}/);
  return error.message;
}

const rejects = (promise, code) => refused(promise.then(() => assert.fail('no error'), (error) => ({ error })), code);

test('a bad address, fingerprint or token is told before any peer connection is made', async () => {
  FakePeer.last = undefined;
  await rejects(connect('example.com:3478', { fingerprint }), 'bad-address');
  await rejects(connect(at), 'bad-fingerprint');
  await rejects(connect(at, { fingerprint: 'xyz' }), 'bad-fingerprint');
  await rejects(connect(at, { fingerprint: new Uint8Array(31) }), 'bad-fingerprint');
  for (const token of ['a b', 'a\r\na=x', 'x'.repeat(190)]) await rejects(connect(at, { fingerprint, token }), 'bad-token');
  assert.equal(FakePeer.last, undefined);
});

test('the channel is negotiated, number 0, ordered and reliable, label rpc', async () => {
  const { peer, channel } = await open();
  assert.deepEqual([channel.label, channel.options], ['rpc', { negotiated: true, id: 0 }]);
  assert.equal(channel.binaryType, 'arraybuffer');
});

test('the answer has the address, the fingerprint, the mid of the offer and one string as both credentials', async () => {
  FakePeer.mid = 'data';
  const { peer } = await open();
  const { type, sdp } = peer.remote;
  assert.equal(type, 'answer');
  assert.match(sdp, /^m=application 3478 UDP\/DTLS\/SCTP webrtc-datachannel\r$/m);
  assert.match(sdp, /^a=mid:data\r$/m);
  assert.match(sdp, /^a=group:BUNDLE data\r$/m);
  assert.match(sdp, /^a=candidate:1467250027 1 UDP 1467250027 203\.0\.113\.5 3478 typ host\r$/m);
  assert.ok(sdp.includes(`a=fingerprint:sha-256 ${'AB:'.repeat(31)}AB\r\n`));
  const [, ufrag] = /^a=ice-ufrag:([0-9a-f]{64})\r$/m.exec(sdp);
  assert.ok(sdp.includes(`a=ice-pwd:${ufrag}\r\n`));
  assert.ok(!/[^\r]\n/.test(sdp));
});

test("the browser's own offer is left alone, except in compat v1, where it takes the same credentials", async () => {
  const { peer: plain } = await open();
  assert.match(plain.local.sdp, /a=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdefghijklmn\r\n/);
  const { peer } = await open({ compat: 'v1' });
  const [, ufrag] = /a=ice-ufrag:([0-9a-f]{64})/.exec(peer.remote.sdp);
  assert.ok(peer.local.sdp.includes(`a=ice-ufrag:${ufrag}\r\na=ice-pwd:${ufrag}\r\n`));
});

test('every connection has credentials of its own', async () => {
  const ufrags = [];
  for (let i = 0; i < 3; i++) ufrags.push(/a=ice-ufrag:(\w+)/.exec((await open()).peer.remote.sdp)[1]);
  assert.equal(new Set(ufrags).size, 3);
});

test('a token stands in front of the random part, in the offer too with compat v1', async () => {
  const token = `wt1${'5a'.repeat(45)}`;
  const { peer } = await open({ token, compat: 'v1' });
  const [, ufrag] = /a=ice-ufrag:(\S+)/.exec(peer.remote.sdp);
  assert.match(ufrag, new RegExp(`^${token}[0-9a-f]{64}$`));
  for (const { sdp } of [peer.remote, peer.local]) assert.ok(sdp.includes(`a=ice-ufrag:${ufrag}\r\na=ice-pwd:${ufrag}\r\n`));
});

test('the random part ends with the mark of the dialed fingerprint, whichever way that was written', async () => {
  for (const [address, print] of [[at, fingerprint], [at, new Uint8Array(32).fill(0xab)], [`${at} ${fingerprint}`]]) {
    void connect(address, { fingerprint: print }).catch(() => {});
    await settle();
    const bytes = Buffer.from(/a=ice-ufrag:(\w+)/.exec(FakePeer.last.remote.sdp)[1], 'hex');
    assert.deepEqual([...bytes.subarray(28)], [...bytes.subarray(0, 4)].map((byte) => byte ^ 0xab));
  }
});

test('a fingerprint may be 32 bytes, and the address may hold it', async () => {
  const multihash = Buffer.concat([Buffer.from([0x12, 32]), Buffer.alloc(32, 0xab)]).toString('base64url');
  for (const [address, options] of [
    [at, { fingerprint: new Uint8Array(32).fill(0xab) }],
    [`${at} ${fingerprint}`, {}],
    [`/ip4/203.0.113.5/udp/3478/webrtc-direct/certhash/u${multihash}`, {}],
  ]) {
    void connect(address, options).catch(() => {});
    await settle();
    assert.ok(FakePeer.last.remote.sdp.includes(`sha-256 ${'AB:'.repeat(31)}AB\r\n`), address);
  }
});

test('an own certificate reaches the browser', async () => {
  const certificates = [{}];
  const { peer } = await open({ certificates });
  assert.deepEqual(peer.configuration, { certificates });
});

for (const [what, ice, code] of [
  ['no candidate was ever tried', 'new', 'refused-by-browser'],
  ['nobody answered the checks', 'checking', 'unreachable'],
  ['the server answered only the checks', 'connected', 'timeout'],
]) {
  test(`when time is up and ${what}, the code is ${code}`, async () => {
    const { peer, outcome } = await dial();
    peer.become('connecting', ice);
    clock.fire(10_000);
    await refused(outcome, code);
    assert.equal(peer.closed, true);
  });
}

test('a denied local network is told as blocked', async () => {
  for (const denied of ['local-network', 'loopback-network']) {
    globalThis.navigator.permissions.query = async ({ name }) => ({ state: name === denied ? 'denied' : 'prompt' });
    const { outcome } = await dial({ timeout: 50 });
    clock.fire(50);
    await refused(outcome, 'blocked');
  }
});

test('a browser that does not know these permissions, or none, gets the plain reason', async () => {
  for (const permissions of [undefined, { query: () => Promise.reject(new TypeError('unknown name')) }]) {
    globalThis.navigator.permissions = permissions;
    const { outcome } = await dial({ timeout: 50 });
    clock.fire(50);
    await refused(outcome, 'refused-by-browser');
  }
});

test('failure with ICE up means the certificate, failure without means nobody there', async () => {
  for (const [ice, code] of [
    ['connected', 'fingerprint-mismatch'],
    ['completed', 'fingerprint-mismatch'],
    ['failed', 'unreachable'],
  ]) {
    const { peer, outcome } = await dial();
    peer.become('failed', ice);
    await refused(outcome, code);
    assert.equal(peer.closed, true);
    assert.equal(clock.timers.size, 0, 'no timer is left');
  }
});

test("a browser that refuses says so in the browser's words", async () => {
  FakePeer.refuseRemote = new DOMException('SDP is mangled', 'InvalidModificationError');
  assert.match(await refused((await dial()).outcome, 'refused-by-browser'), /InvalidModificationError: SDP is mangled/);
  FakePeer.refuseNew = new DOMException('Cannot create so many PeerConnections', 'UnknownError');
  assert.match(await rejects(connect(at, { fingerprint }), 'refused-by-browser'), /so many/);
});

test('an aborted attempt ends at once with the reason of the signal', async () => {
  const reason = new Error('changed my mind');
  const early = AbortSignal.abort(reason);
  await assert.rejects(connect(at, { fingerprint, signal: early }), reason);
  const abort = new AbortController();
  const { peer, outcome } = await dial({ signal: abort.signal });
  abort.abort(reason);
  assert.equal((await outcome).error, reason);
  assert.equal(peer.closed, true);
});

test('an aborted connection ends at once, in order', async () => {
  const abort = new AbortController();
  const { peer, connection } = await open({ signal: abort.signal });
  abort.abort();
  assert.equal((await connection.closed).code, 'closed');
  assert.equal(await connection.recv(), undefined);
  assert.equal(peer.closed, true);
});

test('framed messages leave in chunks of 60 KiB, in order, no faster than the browser takes them', async () => {
  const { channel, connection } = await open();
  const message = crypto.getRandomValues(new Uint8Array(65536));
  const big = Buffer.concat(Array(80).fill(message).map((part, i) => Buffer.from(part).map((byte) => byte ^ (i * 37))));
  const done = [];
  const sends = [connection.send(big).then(() => done.push(1)), connection.send('small').then(() => done.push(2))];
  for (let turn = 0; turn < 200 && done.length < 2; turn++) {
    await settle();
    assert.ok(channel.bufferedAmount <= (1 << 20) + 61440, `${channel.bufferedAmount} bytes in the browser's queue`);
    if (turn === 0) assert.ok(connection.bufferedAmount > 5_000_000, 'what waits is counted');
    channel.drain();
  }
  await Promise.all(sends);
  assert.deepEqual(done, [1, 2]);
  assert.ok(channel.sent.every((chunk) => chunk.length <= 61440));
  assert.ok(channel.sent.slice(0, -2).every((chunk) => chunk.length === 61440));
  const decoder = codec.decoder();
  const [first, second] = decoder.push(Buffer.concat(channel.sent));
  assert.ok(big.equals(first));
  assert.equal(text(second), 'small');
  assert.equal(connection.bufferedAmount, 0);
});

test('send takes a copy', async () => {
  const { channel, connection } = await open({ framing: 'raw' });
  const bytes = new Uint8Array([1, 2, 3]);
  const sent = connection.send(bytes);
  bytes.fill(9);
  await sent;
  assert.deepEqual([...channel.sent[0]], [1, 2, 3]);
});

test('send takes text, buffers and views of any kind, and nothing else', async () => {
  const { channel, connection } = await open({ framing: 'raw' });
  await connection.send('h\u00e9');
  await connection.send(new Uint8Array([1, 2]).buffer);
  await connection.send(new Uint16Array([1, 2, 3]).subarray(1, 2));
  await connection.send(new DataView(new ArrayBuffer(4), 1, 2));
  await connection.send('');
  await connection.send(new Uint8Array(0));
  assert.deepEqual(
    channel.sent.map((data) => (typeof data === 'string' ? data : [...data])),
    ['h\u00e9', [1, 2], [2, 0], [0, 0], '', []],
  );
  for (const wrong of [42, undefined, null, {}, [1]]) await assert.rejects(connection.send(wrong), TypeError);
  for (const wrong of [42, undefined]) assert.throws(() => connection.trySend(wrong), TypeError);
});

test('trySend answers false while the high-water mark is passed', async () => {
  const { channel, connection } = await open({ framing: 'raw', highWaterMark: 100_000 });
  const message = new Uint8Array(60_000);
  assert.deepEqual([1, 2, 3].map(() => connection.trySend(message)), [true, true, false]);
  await settle();
  assert.equal(connection.trySend(message), false);
  channel.drain();
  assert.equal(connection.trySend(message), true);
  await settle();
  assert.equal(channel.sent.length, 3);
});

test('the high-water mark is at most 8 MiB, because browsers lose or refuse what they cannot queue', async () => {
  const { channel, connection } = await open({ framing: 'raw', highWaterMark: Infinity });
  for (let i = 0; i < 100; i++) void connection.send(new Uint8Array(262144)).catch(() => {});
  await settle();
  assert.ok(channel.bufferedAmount <= (8 << 20) + 262144, `${channel.bufferedAmount}`);
});

test('a message over the limit is refused and the next one still goes', async () => {
  const { channel, connection } = await open({ framing: 'raw' });
  await rejects(connection.send(new Uint8Array(262145)), 'too-large');
  await rejects(connection.send('\u00e9'.repeat(131073)), 'too-large');
  assert.throws(() => connection.trySend(new Uint8Array(262145)), { code: 'too-large' });
  await connection.send(new Uint8Array(262144));
  assert.equal(channel.sent.length, 1);
  const framed = (await open()).connection;
  await rejects(framed.send(new Uint8Array(16 * 1024 * 1024 + 1)), 'too-large');
});

test('what arrives before recv is kept in order, and recv before arrival waits in order', async () => {
  const { channel, connection } = await open();
  channel.arrive(Buffer.concat([frame('one'), frame('two')]));
  channel.arrive(frame('three').subarray(0, 5));
  channel.arrive(frame('three').subarray(5));
  const first = [await connection.recv(), await connection.recv(), await connection.recv()];
  assert.deepEqual(first.map(text), ['one', 'two', 'three']);
  const waiting = [connection.recv(), connection.recv()];
  channel.arrive(Buffer.concat([frame('four'), frame('five')]));
  assert.deepEqual((await Promise.all(waiting)).map(text), ['four', 'five']);
});

test('raw messages arrive as they were sent: bytes or text', async () => {
  const { channel, connection } = await open({ framing: 'raw' });
  channel.arrive('text');
  channel.arrive([1, 2]);
  channel.arrive('');
  channel.arrive([]);
  const got = [];
  while (got.length < 4) got.push(await connection.recv());
  assert.deepEqual(got, ['text', new Uint8Array([1, 2]), '', new Uint8Array(0)]);
});

test('a bad frame ends the connection with its reason, after the good messages before it', async () => {
  const { peer, channel, connection } = await open();
  channel.arrive(Buffer.concat([frame('good'), Buffer.from('0000000000', 'hex')]));
  channel.arrive(frame('never'));
  assert.equal((await connection.closed).code, 'protocol');
  assert.equal(text(await connection.recv()), 'good');
  await rejects(connection.recv(), 'protocol');
  await rejects(connection.recv(), 'protocol');
  await rejects(connection.send('x'), 'protocol');
  assert.equal(peer.closed, true);
});

test('a page that does not take what arrives ends with too-large, keeping what is there', async () => {
  const { channel, connection } = await open({ framing: 'raw', maxQueued: 100_000 });
  for (let i = 0; i < 4; i++) channel.arrive(new Uint8Array(40_000).fill(i));
  assert.equal((await connection.closed).code, 'too-large');
  for (let i = 0; i < 3; i++) assert.equal((await connection.recv())[0], i);
  await rejects(connection.recv(), 'too-large');
});

test('many empty messages have a bound too', async () => {
  const { channel, connection } = await open({ framing: 'raw', maxQueued: 1000 });
  for (let i = 0; i < 100; i++) channel.arrive([]);
  assert.equal((await connection.closed).code, 'too-large');
});

test('a server that closes ends it in order: kept messages, then undefined', async () => {
  const { peer, channel, connection } = await open();
  const waiting = connection.recv();
  channel.arrive(frame('last'));
  assert.equal(text(await waiting), 'last');
  const later = connection.recv();
  channel.end();
  assert.equal(await later, undefined);
  assert.equal(await connection.recv(), undefined);
  assert.equal((await connection.closed).code, 'closed');
  await rejects(connection.send('x'), 'closed');
  assert.throws(() => connection.trySend('x'), { code: 'closed' });
  assert.equal(peer.closed, true);
});

test('a server that closes in the middle of a message is lost', async () => {
  const { channel, connection } = await open();
  channel.arrive(frame('incomplete').subarray(0, 6));
  channel.end();
  assert.equal((await connection.closed).code, 'lost');
  await rejects(connection.recv(), 'lost');
});

test('a message that was not handed over whole is rejected when the connection ends', async () => {
  const { channel, connection } = await open();
  const sends = [1, 2].map(() => connection.send(crypto.getRandomValues(new Uint8Array(65536)).buffer));
  const parts = Array.from({ length: 40 }, () => crypto.getRandomValues(new Uint8Array(65536)));
  const big = connection.send(Buffer.concat(parts));
  const after = connection.send('after');
  await Promise.all(sends);
  await settle();
  channel.end();
  await rejects(big, 'closed');
  await rejects(after, 'closed');
});

test('a channel that closes under a send is told as closed', async () => {
  const { channel, connection } = await open();
  channel.readyState = 'closing';
  await rejects(connection.send('x'), 'closed');
});

test('a disconnected peer is lost after 10 seconds, unless it comes back', async () => {
  const { peer, connection } = await open();
  peer.become('disconnected', 'disconnected');
  assert.equal(clock.has(10_000), true);
  peer.become('connected', 'connected');
  assert.equal(clock.has(10_000), false);
  peer.become('disconnected', 'disconnected');
  const waiting = connection.recv();
  clock.fire(10_000);
  assert.equal((await connection.closed).code, 'lost');
  await rejects(waiting, 'lost');
  assert.equal(peer.closed, true);
});

test('a failed connection is lost at once', async () => {
  const { peer, connection } = await open();
  peer.become('failed', 'failed');
  assert.equal((await connection.closed).code, 'lost');
  assert.equal(clock.timers.size, 0);
});

test('the timer of the attempt does not end an open connection', async () => {
  await open();
  assert.equal(clock.timers.size, 0);
});

test('leaving the page closes, so that the server knows at once', async () => {
  const { peer, connection } = await open();
  pageHides();
  assert.equal(peer.closed, true);
  assert.equal((await connection.closed).code, 'closed');
});

test('close sends what waits, then closes the channel, then the connection', async () => {
  const { peer, channel, connection } = await open({ framing: 'raw', highWaterMark: 1000 });
  const sends = [1, 2, 3].map((n) => connection.send(new Uint8Array(2000).fill(n)));
  const closing = connection.close();
  await rejects(connection.send('too late'), 'closed');
  for (let i = 0; i < 3; i++) {
    await settle();
    assert.equal(channel.readyState, 'open');
    channel.drain();
  }
  await settle();
  assert.equal(channel.sent.length, 3);
  assert.equal(channel.readyState, 'closing');
  channel.arrive([7]);
  channel.end();
  await Promise.all([closing, ...sends]);
  assert.equal((await connection.recv())[0], 7);
  assert.equal(await connection.recv(), undefined);
  assert.equal(peer.closed, true);
  await connection.close();
});

// A goodbye as it is on the wire.
const goodbye = (id, code, reason) => {
  const head = Buffer.alloc(7);
  head.writeUInt8(1);
  head.writeUInt16BE(id, 1);
  head.writeUInt32BE(code, 3);
  return Buffer.concat([head, Buffer.from(reason)]);
};

test('a code and a reason are told on channel 1 before the channel closes, once all has left', async () => {
  const { peer, channel, connection } = await open({ framing: 'raw' });
  const { control } = peer;
  assert.deepEqual([control.label, control.options], ['', { negotiated: true, id: 1 }]);
  void connection.send('last');
  void connection.close(4_000_000_000, 'gr\u00fc\u00dfe');
  void connection.close(5, 'only the first counts');
  await settle();
  assert.deepEqual([control.sent, channel.readyState], [[], 'open']);
  channel.drain();
  await settle();
  assert.deepEqual(Buffer.concat(control.sent), goodbye(0, 4_000_000_000, 'gr\u00fc\u00dfe'));
  assert.equal(channel.readyState, 'open');
  control.drain();
  await settle();
  assert.equal(channel.readyState, 'closing');
});

test('without code and reason nothing is told', async () => {
  const { peer, channel, connection } = await open();
  void connection.close();
  await settle();
  assert.deepEqual([peer.control.sent, channel.readyState], [[], 'closing']);
});

test('a reason is cut at 1000 bytes, between two characters', async () => {
  const { peer, connection } = await open();
  void connection.close(0, 'x' + '\u20ac'.repeat(500));
  await settle();
  assert.deepEqual(Buffer.concat(peer.control.sent), goodbye(0, 0, 'x' + '\u20ac'.repeat(333)));
});

test('what the server closes with is in closed', async () => {
  for (const [code, reason, message] of [
    [7, 'maintenance', 'maintenance'],
    [4_294_967_295, '', 'It was closed in good order.'],
    [0, '\u20ac'.repeat(333), '\u20ac'.repeat(333)],
  ]) {
    const { peer, channel, connection } = await open();
    peer.control.arrive(goodbye(0, code, reason));
    channel.end();
    const end = await connection.closed;
    assert.deepEqual([end.code, end.closeCode, end.message], ['closed', code, message]);
  }
});

test('what is no goodbye is ignored', async () => {
  const { peer, channel, connection } = await open();
  peer.control.arrive(goodbye(0, 3, 'kept'));
  for (const wrong of ['text', [], goodbye(0, 9, '').subarray(0, 6), Buffer.from([2, 0, 0, 0, 0, 0, 9, 65]),
    goodbye(0, 9, 'x'.repeat(1001)), goodbye(77, 9, 'of another channel')])
    peer.control.arrive(wrong);
  channel.end();
  const { closeCode, message } = await connection.closed;
  assert.deepEqual([closeCode, message], [3, 'kept']);
});

test('drained waits for what was sent before it', async () => {
  const { channel, connection } = await open({ framing: 'raw', highWaterMark: 1000 });
  for (let i = 0; i < 3; i++) void connection.send(new Uint8Array(2000));
  let done = false;
  const drained = connection.drained(500).then(() => (done = true));
  for (let i = 0; i < 3; i++) {
    await settle();
    assert.equal(done, false);
    channel.drain();
  }
  await drained;
  assert.equal(channel.sent.length, 3);
  const never = connection.drained();
  await never;
  void connection.send('x');
  const ended = connection.drained();
  await settle();
  channel.end();
  await rejects(ended, 'closed');
});

test('close ends by itself when the server never closes its side', async () => {
  const { peer, connection } = await open();
  const closing = connection.close();
  await settle();
  clock.fire(5_000);
  await closing;
  assert.equal(peer.closed, true);
});

test('await using and for await work', async () => {
  const { channel, connection } = await open();
  channel.arrive(Buffer.concat([frame('a'), frame(''), frame('c')]));
  const ending = connection[Symbol.asyncDispose]?.() ?? connection.close();
  await settle();
  channel.end();
  await ending;
  const got = [];
  for await (const message of connection) got.push(text(message));
  assert.deepEqual(got, ['a', '', 'c']);
});

test('the streams carry the same messages, with back-pressure', async () => {
  const { channel, connection } = await open({ framing: 'raw', highWaterMark: 1000 });
  const writer = connection.writable.getWriter();
  void writer.write(new Uint8Array(2000));
  const second = writer.write('second');
  await settle();
  assert.equal(channel.sent.length, 1);
  channel.drain();
  await second;
  assert.deepEqual(channel.sent[1], 'second');
  channel.arrive([1]);
  const reader = connection.readable.getReader();
  assert.deepEqual((await reader.read()).value, new Uint8Array([1]));
  channel.end();
  assert.equal((await reader.read()).done, true);
});

test('a stream that is read when the connection is lost fails with the reason', async () => {
  const { peer, connection } = await open();
  const reading = connection.readable.getReader().read();
  peer.become('failed', 'failed');
  await rejects(reading, 'lost');
});

test('stats are the numbers of the channel and the measured round trip', async () => {
  const { peer, connection } = await open();
  peer.reports.set('a', { type: 'data-channel', dataChannelIdentifier: 0, messagesSent: 1, messagesReceived: 2, bytesSent: 3, bytesReceived: 4 });
  peer.reports.set('c', { type: 'data-channel', dataChannelIdentifier: 1, messagesSent: 9 });
  peer.reports.set('b', { type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.025, bytesSent: 99 });
  const { roundTripTime, messagesSent, messagesReceived, bytesSent, bytesReceived } = await connection.stats();
  assert.deepEqual([roundTripTime, messagesSent, messagesReceived, bytesSent, bytesReceived], [25, 1, 2, 3, 4]);
});

test('connections of one page do not share messages or their end', async () => {
  const [left, right] = [await open(), await open()];
  left.channel.arrive(frame('left').subarray(0, 3));
  right.channel.arrive(frame('right'));
  left.channel.arrive(frame('left').subarray(3));
  assert.deepEqual([text(await left.connection.recv()), text(await right.connection.recv())], ['left', 'right']);
  left.channel.end();
  right.channel.arrive(frame('still'));
  assert.equal(text(await right.connection.recv()), 'still');
});
