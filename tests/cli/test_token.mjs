#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// wrd token: keys, tokens, and what is said of them; and a server that asks for them.
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { Program, command, eventually, folder, serve, wrd } from './wrd.mjs';

async function newKey(t, name = 'token.key') {
  const file = path.join(folder(t), name);
  const { code, out, err } = await command(['token', 'new-key', file]);
  assert.equal(code, 0, err);
  assert.equal(out, '', 'nothing secret on stdout');
  return file;
}

async function mint(file, ...args) {
  const { code, out, err } = await command(['token', 'mint', file, ...args]);
  assert.equal(code, 0, err);
  assert.match(out, /^wt1[0-9a-f]{90}\n$/);
  return out.trim();
}

const inAWhile = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

test('a new key is readable for its owner only, and two differ', async (t) => {
  const [one, two] = [await newKey(t), await newKey(t)];
  assert.equal(statSync(one).mode & 0o777, 0o600);
  assert.match(readFileSync(one, 'utf8'), /^[0-9a-f]{64}\n$/);
  assert.notEqual(readFileSync(one, 'utf8'), readFileSync(two, 'utf8'));
  const again = await command(['token', 'new-key', one]);
  assert.equal(again.code, 1);
  assert.match(again.err, /exists already/);
});

test('a token is shown with its expiry, its subject and whether it is genuine', async (t) => {
  const file = await newKey(t);
  const token = await mint(file, '--subject', 'alice', '--expires', '100');
  const { code, out, err } = await command(['token', 'show', token, '--key', file]);
  assert.equal(code, 0, err);
  const [, seconds] = /^expires \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, in (\d+) s\nsubject 616c696365(?:00){11} "alice"\ngenuine: made with this key\n$/.exec(out);
  assert.ok(seconds > 0 && seconds <= 100, out);
  const unchecked = await command(['token', 'show', token]);
  assert.equal(unchecked.code, 0);
  assert.match(unchecked.out, /not checked: --key FILE says/);
});

test('a subject may be hex digits, or be left out', async (t) => {
  const file = await newKey(t);
  const subject = '00ff'.repeat(8);
  assert.match((await command(['token', 'show', await mint(file, '--subject', subject)])).out, new RegExp(`subject ${subject}\n`));
  assert.match((await command(['token', 'show', await mint(file)])).out, /subject 0{32}\n/);
  const hostile = await command(['token', 'show', await mint(file, '--subject', 'a\x1b[31mb')]);
  assert.ok(!hostile.out.includes('\x1b'), 'a subject cannot paint the terminal');
});

test('two tokens for the same subject differ', async (t) => {
  const file = await newKey(t);
  assert.notEqual(await mint(file), await mint(file));
});

test('a token of another key, and a changed one, are told: 1', async (t) => {
  const [file, other] = [await newKey(t), await newKey(t)];
  const token = await mint(file);
  const changed = token.slice(0, 20) + (token[20] === '0' ? '1' : '0') + token.slice(21);
  for (const [shown, key] of [[token, other], [changed, file]]) {
    const { code, out, err } = await command(['token', 'show', shown, '--key', key]);
    assert.equal(code, 1);
    assert.match(out, /not genuine/);
    assert.match(err, /made with another key than \S+ holds, or was changed/);
  }
});

test('an expired token is told, genuine or not looked at: 1', async (t) => {
  const file = await newKey(t);
  const token = await mint(file, '--expires', '1');
  await inAWhile(2100);
  for (const args of [['--key', file], []]) {
    const { code, out, err } = await command(['token', 'show', token, ...args]);
    assert.equal(code, 1);
    assert.match(out, /^expired \S+, \d+ s ago\n/);
    assert.match(err, /has expired; mint a new one/);
  }
});

test('a key file that is missing, open to others or of another kind stops mint, show and serve', async (t) => {
  const inside = folder(t);
  const token = await mint(await newKey(t));
  const [missing, open, pem] = ['missing', 'open', 'pem'].map((name) => path.join(inside, name));
  writeFileSync(open, 'ab'.repeat(32) + '\n');
  chmodSync(open, 0o644);
  writeFileSync(pem, '-----BEGIN SOMETHING-----\n'.repeat(10), { mode: 0o600 });
  for (const [file, says] of [[missing, /does not exist\. `wrd token new-key \S+` makes one/], [open, /Group or others/], [pem, /64 hex digits/]]) {
    for (const args of [['token', 'mint', file], ['token', 'show', token, '--key', file], ['serve', '--listen', '127.0.0.1:0', '--token-key', file]]) {
      const { code, out, err } = await command(args);
      assert.equal(code, 1, args.join(' '));
      assert.equal(out, '');
      assert.match(err, says);
    }
  }
});

test("the server's own key is no key for tokens", async (t) => {
  const file = path.join(folder(t), 'server.key');
  await command(['key', 'new', file]);
  const { code, err } = await command(['serve', '--listen', '127.0.0.1:0', '--key', file, '--token-key', file]);
  assert.equal(code, 1);
  assert.match(err, /is the server's own key.*`wrd token new-key FILE`/);
});

test('a server with keys takes who has a token of one of them, and is silent to all others', async (t) => {
  const [old, current, other] = [await newKey(t), await newKey(t), await newKey(t)];
  const server = await serve(t, ['--verbose', '--token-key', old, '--token-key', current]);
  const dial = (...args) => command(['dial', '--timeout', '1', ...args, server.where, server.fingerprint], 'hello\n');
  for (const file of [old, current]) {
    const { code, out, err } = await dial('--timeout', '30', '--token', await mint(file, '--subject', 'alice'));
    assert.equal(code, 0, err);
    assert.equal(out, 'hello\n');
  }
  await server.until(/open from 127\.0\.0\.1:\d+, subject "alice"\n/, 'err');
  for (const args of [[], ['--token', await mint(other)]]) {
    assert.equal((await dial(...args)).code, 3);
  }
});

test('checks without a token, and with one that has expired, are in the log, the status and the metrics', async (t) => {
  const file = await newKey(t);
  const expired = await mint(file, '--expires', '1');
  await inAWhile(2100);
  for (const json of [false, true]) {
    const server = await serve(t, ['--verbose', ...(json ? ['--log', 'json'] : []), '--metrics', '127.0.0.1:0', '--token-key', file]);
    const [, url] = await server.until(/^status (http:\S+\/)status$/m);
    const dial = (...args) => command(['dial', '--timeout', '1', ...args, server.where, server.fingerprint], 'hello\n');
    await Promise.all([dial(), dial('--token', expired)]);
    for (const [cause, words] of [['unknown-token', "without a token of this server's keys"], ['expired-token', 'with a token that has expired']]) {
      const row = (status) => status.dropped.find((entry) => entry.cause === cause);
      const status = await eventually(async () => (await fetch(url + 'status.json')).json(), (answer) => row(answer)?.count > 0);
      assert.ok(row(status)?.count > 0, `${cause} in ${JSON.stringify(status.dropped)}`);
      assert.ok(row(status).words.includes(words), row(status).words);
      assert.match(await (await fetch(url + 'metrics')).text(), new RegExp(`^wrd_dropped_datagrams_total\\{cause="${cause}"\\} [1-9]`, 'm'));
      await server.until(json ? new RegExp(`"event":"dropped","cause":"${cause}","count":[1-9]`) : new RegExp(`^wrd: dropped [1-9]\\d* STUN checks ${words} in the last`, 'm'), 'err');
    }
    await server.stop();
  }
});

test('dial and bench say at once that a token has expired, when, and by whose clock, and let the server decide', async (t) => {
  const file = await newKey(t);
  const [expired, fresh] = [await mint(file, '--expires', '1'), await mint(file, '--expires', '1000')];
  await inAWhile(2100);
  const says = /^wrd: the token expired (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) by this machine's clock: mint a new one\. Trying all the same/;
  const server = await serve(t, ['--token-key', file]);
  for (const args of [['dial', '--timeout', '60'], ['bench']]) {
    const program = new Program(wrd, [...args, '--token', expired, server.where, server.fingerprint]);
    t.after(() => program.stop('SIGKILL'));
    const [, when] = await program.until(says, 'err');
    assert.ok(Math.abs(Date.parse(when) - Date.now()) < 60_000, when);
    assert.equal(program.code, undefined, 'it tries');
    await program.stop('SIGKILL');
  }
  const { code, err } = await command(['dial', '--timeout', '1', '--token', expired, server.where, server.fingerprint], 'x\n');
  assert.equal(code, 3);
  assert.match(err, /no connection .*is the token one that the server takes\?/);
  const good = await command(['dial', '--token', fresh, server.where, server.fingerprint], 'x\n');
  assert.deepEqual([good.code, good.err], [0, '']);
  const carefree = await serve(t);
  const late = await command(['dial', '--token', expired, carefree.where, carefree.fingerprint], 'x\n');
  assert.deepEqual([late.code, late.out], [0, 'x\n'], 'a server that asks for none takes it');
  assert.match(late.err, says);
});
