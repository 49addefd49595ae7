#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// wrd dial against wrd serve: every way it can end has its exit code, within seconds.
import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import test from 'node:test';
import { Program, command, eventually, patiently, pause, serve, wrd } from './wrd.mjs';

const SOON_MS = 20_000; // what is waited for in vain takes 30 s or more
const LATE = ['--timeout', '60', '--wait', '60'];

const numbered = (count) => Array.from({ length: count }, (_, i) => `message ${i}\n`).join('');

for (const mode of [[], ['--raw']]) {
  const name = mode.length ? 'raw' : 'framed';

  test(`${name}: lines come back as they are, in order`, async (t) => {
    const server = await serve(t, mode);
    const input = 'hello\n\n  spaces  \nbytes \x00\x7f ümläut €\n' + numbered(200);
    const { code, out, err } = await command(['dial', ...mode, server.where, server.fingerprint], input);
    assert.equal(code, 0, err);
    assert.equal(out, input);
    assert.equal(err, '');
  });

  test(`${name}: thousands of lines at once`, async (t) => {
    const server = await serve(t, mode);
    const input = numbered(20_000);
    const { code, out, err } = await command(['dial', ...mode, server.where, server.fingerprint], input);
    assert.equal(code, 0, err);
    assert.ok(out === input);
  });

  test(`${name}: a long line, and a last line without its newline`, async (t) => {
    const server = await serve(t, mode);
    const input = 'x'.repeat(mode.length ? 200_000 : 3_000_000) + '\nthe end';
    const { code, out, err } = await command(['dial', ...mode, server.where, server.fingerprint], input);
    assert.equal(code, 0, err);
    assert.ok(out === input + '\n');
  });
}

test('nothing to send is done at once', async (t) => {
  const server = await serve(t);
  const { code, out, took } = await command(['dial', ...LATE, server.where, server.fingerprint]);
  assert.equal(code, 0);
  assert.equal(out, '');
  assert.ok(took < SOON_MS, `${took} ms`);
});

test('one word with both parts and the multiaddr are addresses too', async (t) => {
  const server = await serve(t);
  for (const address of [`${server.where} ${server.fingerprint}`, server.multiaddr]) {
    const { code, out, err } = await command(['dial', address], 'hi\n');
    assert.equal(code, 0, err);
    assert.equal(out, 'hi\n');
  }
});

test('an echo is printed while stdin stays open', async (t) => {
  const server = await serve(t);
  const dial = new Program(wrd, ['dial', server.where, server.fingerprint]);
  await dial.write('one\n');
  await dial.until(/^one\n$/);
  await dial.write('two\n');
  await dial.until(/^one\ntwo\n$/);
  dial.child.stdin.end();
  assert.equal(await dial.ended, 0);
});

test('many clients are served at once', async (t) => {
  const server = await serve(t);
  const all = await Promise.all(Array.from({ length: 20 }, (_, i) =>
    command(['dial', server.where, server.fingerprint], `client ${i}\n`.repeat(50))));
  all.forEach(({ code, out, err }, i) => {
    assert.equal(code, 0, err);
    assert.equal(out, `client ${i}\n`.repeat(50));
  });
});

// ---- channels

test('lines go over a channel of its own, of any kind', async (t) => {
  const server = await serve(t, ['--channels', '2', '--verbose']);
  for (const channel of ['chat', ',unordered', 'state,lifetime=60000', 'st\u00e4te,unordered,retransmits=65535']) {
    const { code, out, err } = await command(
      ['dial', '--channel', channel, '--reason', 'that was\x1b[31m all', server.where, server.fingerprint], numbered(50));
    assert.equal(code, 0, err);
    const lines = channel.includes('unordered') ? out.split('\n').sort() : out.split('\n');
    assert.deepEqual(lines, channel.includes('unordered') ? numbered(50).split('\n').sort() : numbered(50).split('\n'));
    assert.equal(err, '');
  }
  await server.until(/opened channel 2 "st\u00e4te"/, 'err');
  await server.until(/closed: closed by the peer, code 0: that was\?\[31m all \(\d+\.\d{3} s, \d+ bytes in 50 messages\)\n/, 'err');
});

test('a channel that the server does not accept is told: 6', async (t) => {
  const server = await serve(t);
  const { code, out, err, took } = await command(
    ['dial', ...LATE, '--channel', 'chat', server.where, server.fingerprint], 'x\n');
  assert.equal(code, 6, err);
  assert.equal(out, '');
  assert.match(err, /closed the channel "chat" before it was open: does it accept channels/);
  assert.ok(took < SOON_MS, `${took} ms`);
});

test('a channel that cannot be is a usage error: 2', async () => {
  const address = ['127.0.0.1:1', 'ab'.repeat(32)];
  for (const channel of ['x,fast', 'x,retransmits=', 'x,retransmits=65536', 'x,lifetime=0', 'x,lifetime=-1',
    'x,retransmits=1,lifetime=1', 'x'.repeat(1025)]) {
    const { code, err } = await command(['dial', '--channel', channel, ...address]);
    assert.equal(code, 2, channel);
    assert.match(err, /--channel: /);
  }
});

// ---- how it fails

test('another fingerprint is a mismatch: 5', async (t) => {
  const server = await serve(t);
  const { code, out, err, took } = await command(['dial', ...LATE, server.where, 'ab'.repeat(32)], 'secret\n');
  assert.equal(code, 5);
  assert.equal(out, '');
  assert.match(err, /another certificate/);
  assert.ok(took < SOON_MS, `${took} ms`);
});

test('a port on which nobody listens is refused: 4', async (t) => {
  const server = await serve(t);
  await server.stop();
  const { code, err, took } = await command(['dial', ...LATE, server.where, server.fingerprint], 'x\n');
  assert.equal(code, 4, err);
  assert.match(err, /refuses: nobody listens/);
  assert.ok(took < SOON_MS, `${took} ms`);
});

test('a port that never answers is a timeout: 3', async (t) => {
  const silent = dgram.createSocket('udp4');
  t.after(() => silent.close());
  await new Promise((resolve) => silent.bind(0, '127.0.0.1', resolve));
  const dial = () => command(['dial', '--timeout', '1', `127.0.0.1:${silent.address().port}`, 'ab'.repeat(32)], 'x\n');
  const { code, err, took } = await eventually(dial, (ended) => ended.took < 9000);
  assert.equal(code, 3, err);
  assert.match(err, /no connection to 127\.0\.0\.1:\d+ within 1 s: no answer to the connectivity checks: .*firewall.*does the server ask for a token\?/);
  assert.ok(took >= 900 && took < 9000, `${took} ms`); // 10 s without --timeout
});

/** A STUN success for a Binding request (RFC 8489): its ufrag, before the colon, is the password too. */
function stunSuccess(request, { address, port }) {
  let key;
  for (let at = 20; at < request.length;) {
    const len = request.readUInt16BE(at + 2);
    if (request.readUInt16BE(at) === 0x0006) key = request.toString('latin1', at + 4, at + 4 + len).split(':')[0];
    at += 4 + ((len + 3) & ~3);
  }
  const xored = address.split('.').map((byte, i) => Number(byte) ^ request[4 + i]);
  const mapped = Buffer.from([0x00, 0x20, 0, 8, 0, 1, (port >> 8) ^ request[4], (port & 255) ^ request[5], ...xored]);
  const head = Buffer.concat([Buffer.from([0x01, 0x01, 0, mapped.length + 24]), request.subarray(4, 20), mapped]);
  return Buffer.concat([head, Buffer.from([0x00, 0x08, 0, 20]), createHmac('sha1', key).update(head).digest()]);
}

test('a peer that answers checks and then nothing is a timeout that says so: 3', async (t) => {
  const halfway = dgram.createSocket('udp4');
  t.after(() => halfway.close());
  halfway.on('message', (datagram, from) => {
    if (datagram.readUInt16BE(0) === 0x0001) halfway.send(stunSuccess(datagram, from), from.port, from.address);
  });
  await new Promise((resolve) => halfway.bind(0, '127.0.0.1', resolve));
  const says = /within \d+ s: the peer answers checks, but the DTLS handshake did not finish in time/;
  const { code, err } = await patiently((seconds) => command(
    ['dial', '--timeout', `${seconds}`, `127.0.0.1:${halfway.address().port}`, 'ab'.repeat(32)], 'x\n'),
  (ended) => says.test(ended.err));
  assert.equal(code, 3, err);
  assert.match(err, says);
});

test('a server that ends says goodbye, and the connection is lost: 6', async (t) => {
  const server = await serve(t);
  const dial = new Program(wrd, ['dial', ...LATE, server.where, server.fingerprint]);
  await dial.write('one\n');
  await dial.until(/one\n/);
  await server.stop();
  const since = performance.now();
  assert.equal(await dial.ended, 6, dial.err);
  assert.match(dial.err, /1 of 1 messages came back/);
  assert.ok(performance.now() - since < SOON_MS);
});

test('a server that holds still after the connection leaves echoes unanswered: 8', async (t) => {
  const server = await serve(t);
  const dial = new Program(wrd, ['dial', '--wait', '1', server.where, server.fingerprint]);
  await dial.write('one\n');
  await dial.until(/one\n/);
  await pause(server);
  dial.child.stdin.end('two\n');
  assert.equal(await dial.ended, 8, dial.err);
  assert.match(dial.err, /only 1 of 2 messages came back/);
});

test('a raw client at a framed server does not hang', async (t) => {
  const server = await serve(t);
  const { code, err } = await command(
    ['dial', '--raw', '--wait', '2', server.where, server.fingerprint], 'this is no frame at all\n');
  assert.ok([6, 7, 8].includes(code), `${code}: ${err}`);
  const after = await command(['dial', server.where, server.fingerprint], 'still there\n');
  assert.equal(after.out, 'still there\n', 'the server serves others');
});

test('Ctrl-C ends it with 130', async (t) => {
  const server = await serve(t);
  const dial = new Program(wrd, ['dial', server.where, server.fingerprint]);
  await dial.write('one\n');
  await dial.until(/one\n/);
  assert.equal(await dial.stop('SIGINT'), 130);
});

test('stdout that nobody reads any more ends it: 1', async (t) => {
  const server = await serve(t);
  const dial = new Program('/bin/sh', ['-c', 'yes | "$@" | head -n 3', 'sh', wrd, 'dial', server.where, server.fingerprint]);
  await dial.ended;
  assert.equal(dial.out, 'y\ny\ny\n');
  assert.match(dial.err, /stdout/);
});

test('a full disk is told: 1', async (t) => {
  const server = await serve(t);
  const dial = new Program('/bin/sh', ['-c', 'echo x | "$@" >/dev/full', 'sh', wrd, 'dial', server.where, server.fingerprint]);
  assert.equal(await dial.ended, 1);
  assert.match(dial.err, /cannot write to stdout: No space left/);
});

test('a line over the limit of a message is told: 1', async (t) => {
  const server = await serve(t);
  const { code, err } = await command(['dial', server.where, server.fingerprint], Buffer.alloc(17 << 20, 'x'));
  assert.equal(code, 1);
  assert.match(err, /16 MiB/);
});

// ---- back-pressure

test('a reader that does not read stops stdin, and nothing is lost', async (t) => {
  const server = await serve(t);
  const total = 4_000; // 40 MB that do not compress: more than all queues on the way together
  const noise = randomBytes(9 << 20).toString('base64');
  const line = (i) => `${i} ${noise.slice((i * 2999) % (noise.length - 10_000)).slice(0, 10_000)}\n`;
  const dial = new Program(wrd, ['dial', server.where, server.fingerprint], { unread: 'out' });
  let taken = 0;
  const feed = (async () => {
    for (; taken < total; taken++) await dial.write(line(taken));
    dial.child.stdin.end();
  })();
  for (let before = -1; taken === 0 || before !== taken;) { // until a second passes without progress
    before = taken;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  assert.ok(taken < total / 2, `${taken} lines were taken with nobody reading`);
  let received = 0;
  let rest = '';
  dial.child.stdout.on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const got of lines) {
      assert.ok(got + '\n' === line(received), `line ${received} came back changed`);
      received++;
    }
  });
  await feed;
  assert.equal(await dial.ended, 0, dial.err);
  assert.equal(received, total);
});
