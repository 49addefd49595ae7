// SPDX-License-Identifier: MIT
// Further channels on a stand-in browser: the rules that are ours and not the browser's.
import assert from 'node:assert/strict';
import test, { beforeEach } from 'node:test';
import { connect, DirectError, parseAddress } from '../../web/dist/channels.js';
import * as plain from '../../web/dist/webrtc-direct.js';
import { clock, FakePeer, install, settle } from './browser.mjs';

await plain.loadCodec();
beforeEach(install);

const goodbye = (id, code, reason) =>
  Buffer.concat([Buffer.from([1, id >> 8, id, code >>> 24, code >> 16, code >> 8, code]), Buffer.from(reason)]);

async function open(options) {
  const attempt = connect('203.0.113.5:3478 ' + 'ab'.repeat(32), { framing: 'raw', ...options });
  await settle();
  const peer = FakePeer.last;
  peer.become('connected', 'connected');
  peer.control.open();
  peer.channel.open();
  return { peer, connection: await attempt };
}

async function openChannel(label, options, around) {
  const { peer, connection } = await open(around);
  const opening = connection.open(label, options);
  const raw = peer.channels.at(-1);
  raw.open();
  return { peer, connection, raw, channel: await opening };
}

async function rejects(promise, code, words = /^[A-Z].{15,}/) {
  const error = await promise.then(() => assert.fail('no error'), (reason) => reason);
  assert.ok(error instanceof DirectError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, words);
}

test('all of the client is here too, and the same', () => {
  assert.equal(DirectError, plain.DirectError);
  assert.equal(parseAddress, plain.parseAddress);
  assert.notEqual(connect, plain.connect);
});

test('options reach the browser, and what it made of them is on the channel', async () => {
  const given = { protocol: 'p', ordered: false, maxRetransmits: 0, priority: 'high' };
  const { raw, channel } = await openChannel('pings', given);
  assert.deepEqual([raw.label, raw.options], ['pings', given]);
  const { label, protocol, ordered, maxRetransmits, id } = channel;
  assert.deepEqual([label, protocol, ordered, maxRetransmits, id], ['pings', 'p', false, 0, raw.id]);
  assert.equal(raw.binaryType, 'arraybuffer');
});

test('options that cannot be are refused before the browser is asked', async () => {
  const { peer, connection } = await open();
  await rejects(connection.open('x', { id: 5 }), 'bad-channel', /negotiated/);
  await rejects(connection.open('x'.repeat(1025)), 'bad-channel', /1024/);
  await rejects(connection.open('x', { protocol: '\u20ac'.repeat(342) }), 'bad-channel', /1024/);
  assert.equal(peer.channels.length, 2);
  FakePeer.refuseChannel = new TypeError('both are set');
  await rejects(connection.open('x', { maxRetransmits: 1, maxPacketLifeTime: 1 }), 'bad-channel', /both are set/);
});

test('messages go both ways, text as text, empty ones too', async () => {
  const { raw, channel } = await openChannel('x');
  for (const message of ['text', '', new Uint8Array([1, 2]), new Uint8Array(0)]) await channel.send(message);
  assert.deepEqual(raw.sent.map((data) => (typeof data === 'string' ? data : [...data])), ['text', '', [1, 2], []]);
  raw.arrive('one');
  raw.arrive([2]);
  raw.arrive([]);
  assert.deepEqual([await channel.recv(), ...(await channel.recv()), (await channel.recv()).length], ['one', 2, 0]);
  await rejects(channel.send(new Uint8Array(262145)), 'too-large', /256 KiB/);
  await channel.send(new Uint8Array(262144));
});

test('a channel has its own high-water mark, or that of the connection', async () => {
  for (const [options, around] of [[{ highWaterMark: 1000 }, {}], [{}, { highWaterMark: 1000 }]]) {
    const { raw, channel } = await openChannel('x', options, around);
    const message = new Uint8Array(600);
    assert.deepEqual([1, 2, 3].map(() => channel.trySend(message)), [true, true, false]);
    await settle();
    const third = channel.send(message);
    let settled = false;
    void third.then(() => (settled = true));
    await settle();
    assert.deepEqual([settled, raw.sent.length, channel.bufferedAmount], [false, 2, 1800]);
    raw.drain(400);
    await third;
    assert.equal(raw.sent.length, 3);
  }
});

test('what nobody takes ends this channel at its limit, and no other', async () => {
  const { raw, connection, channel } = await openChannel('x', { maxQueued: 1000 });
  for (let i = 0; i < 20; i++) raw.arrive(new Uint8Array(100));
  assert.equal((await channel.closed).code, 'too-large');
  assert.equal(raw.readyState, 'closing');
  assert.equal((await channel.recv()).length, 100, 'what came before is kept');
  assert.equal(connection.trySend('still'), true);
});

test('the server opens channels: accept, then for await, until the connection closes', async () => {
  const { peer, connection } = await open();
  const waiting = connection.accept();
  peer.arrive('first').open();
  assert.equal((await waiting).label, 'first');
  for (const label of ['second', 'third']) peer.arrive(label, { readyState: 'open' });
  await settle();
  peer.channel.end();
  const labels = [];
  for await (const { label } of connection.incoming()) labels.push(label);
  assert.deepEqual(labels, ['second', 'third']);
  assert.equal(await connection.accept(), undefined);
});

test('what comes with the very channel is not lost', async () => {
  const { peer, connection } = await open();
  const raw = peer.arrive('x', { readyState: 'open' });
  await settle();
  raw.arrive('at once');
  raw.end();
  const channel = await connection.accept();
  assert.equal(await channel.recv(), 'at once');
  assert.equal(await channel.recv(), undefined);
});

test('more channels than are taken at once are closed again, until one has ended', async () => {
  const { peer, connection } = await open({ acceptChannels: 2 });
  const raws = [1, 2, 3].map((label) => peer.arrive(label, { readyState: 'open' }));
  await settle();
  assert.deepEqual(raws.map((raw) => raw.readyState), ['open', 'open', 'closing']);
  raws[0].end();
  const next = peer.arrive('next', { readyState: 'open' });
  await settle();
  assert.equal(next.readyState, 'open');
  const labels = [];
  for (let i = 0; i < 3; i++) labels.push((await connection.accept()).label);
  assert.deepEqual(labels, [1, 2, 'next']);
});

test('close tells code and reason of this channel, when all has left', async () => {
  const { peer, raw, channel } = await openChannel('x');
  void channel.send('last');
  const closing = channel.close(77, 'bye');
  await settle();
  assert.deepEqual([peer.control.sent, raw.readyState], [[], 'open']);
  raw.drain();
  await settle();
  assert.deepEqual(Buffer.concat(peer.control.sent), goodbye(channel.id, 77, 'bye'));
  peer.control.drain();
  await settle();
  assert.equal(raw.readyState, 'closing');
  raw.end();
  await closing;
  const { code, closeCode } = await channel.closed;
  assert.deepEqual([code, closeCode], ['closed', 0]);
  await rejects(channel.send('x'), 'closed');
});

test('what the server closes with is heard, but not by the next channel of that id', async () => {
  const { peer, connection, raw, channel } = await openChannel('x');
  peer.control.arrive(goodbye(channel.id, 9, 'because'));
  raw.arrive('tail');
  raw.end();
  const { closeCode, message } = await channel.closed;
  assert.deepEqual([closeCode, message], [9, 'because']);
  assert.equal(await channel.recv(), 'tail');
  assert.equal(await channel.recv(), undefined);
  const again = peer.arrive('y', { id: channel.id, readyState: 'open' });
  await settle();
  again.end();
  assert.equal((await (await connection.accept()).closed).closeCode, 0);
});

test('the end of the connection is the end of its channels, with the same words', async () => {
  for (const [how, code] of [['closed', 'closed'], ['failed', 'lost']]) {
    const { peer, connection, channel } = await openChannel('x');
    const opening = connection.open('y');
    const accepting = connection.accept();
    const receiving = channel.recv();
    if (how === 'failed') peer.become('failed', 'failed');
    else {
      peer.control.arrive(goodbye(0, 5, 'enough'));
      peer.channel.end();
    }
    for (const { closed } of [connection, channel]) {
      const end = await closed;
      assert.deepEqual([end.code, end.closeCode], [code, how === 'failed' ? 0 : 5]);
    }
    await rejects(opening, code, /./);
    await rejects(connection.open('z'), code, /./);
    if (how === 'failed') {
      await rejects(accepting, 'lost');
      await rejects(receiving, 'lost');
    } else assert.deepEqual([await accepting, await receiving], [undefined, undefined]);
  }
});

test('the connection closes when the channels have sent what waits', async () => {
  const { peer, connection, raw, channel } = await openChannel('x');
  void channel.send('tail');
  const closing = connection.close(1, 'done');
  await settle();
  assert.equal(peer.channel.readyState, 'open');
  raw.drain();
  await settle();
  peer.control.drain();
  await settle();
  assert.equal(peer.channel.readyState, 'closing');
  peer.channel.end();
  await closing;
});

test('a channel that closes before it was open is told', async () => {
  const { peer, connection } = await open();
  const opening = connection.open('x');
  peer.channels.at(-1).end();
  await rejects(opening, 'closed');
});

test('a channel that the browser never opens is told, as with ids that Firefox does not have', async () => {
  const { peer, connection } = await open();
  const opening = connection.open('x', { negotiated: true, id: 3000 });
  clock.fire(5_000);
  await rejects(opening, 'bad-channel', /2047/);
  assert.equal(peer.channels.at(-1).readyState, 'closing');
});

test('a channel whose other side never closes is closed all the same', async () => {
  const { channel } = await openChannel('x');
  const closing = channel.close();
  await settle();
  clock.fire(5_000);
  await closing;
});

test('stats are those of the channel', async () => {
  const { peer, channel } = await openChannel('x');
  peer.reports.set('a', { type: 'data-channel', dataChannelIdentifier: 0, messagesSent: 1 });
  peer.reports.set('b', { type: 'data-channel', dataChannelIdentifier: channel.id, messagesSent: 2 });
  assert.equal((await channel.stats()).messagesSent, 2);
});
