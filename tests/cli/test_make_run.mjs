#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// `make run` and `cd example && make run`: the page is served, and a signal to the terminal's programs ends all of them.
// It builds first, which is quick because `make` did all of it before; so it runs only over that build.
import assert from 'node:assert/strict';
import { readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { Program, command } from './wrd.mjs';

const PATIENCE_MS = 120_000; // a build that has nothing to do, on a busy machine
const OPTIONS = '--listen 127.0.0.1:0 --http 127.0.0.1:0';

const root = realpathSync(fileURLToPath(new URL('../..', import.meta.url)));
const build = process.env.WRD_BUILD ?? path.join(root, 'build');
const skip = path.resolve(build) !== path.join(root, 'build') && `this build is not the one that make uses: ${build}`;

/** Starts make in a process group of its own, as a terminal does, and without what an outer make has set. */
function makeRun(t, folder) {
  const env = { ...process.env };
  for (const name of ['MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'MAKEOVERRIDES', 'OPTIONS']) delete env[name];
  const make = new Program('make', ['run', `OPTIONS=${OPTIONS}`], { cwd: folder, env, detached: true });
  const signal = (name) => {
    try {
      process.kill(-make.child.pid, name);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error; // all of them have ended
    }
  };
  t.after(() => signal('SIGKILL'));
  return Object.assign(make, { signal });
}

for (const [name, folder] of [['make run', root], ['cd example && make run', path.join(root, 'example')]]) {
  test(`${name} serves the page and the echo, and ends with a signal`, { skip }, async (t) => {
    const make = makeRun(t, folder);
    const [, where, fingerprint] = await make.until(/^listening (\S+:\d+) ([0-9a-f]{64})$/m, 'out', PATIENCE_MS);
    const [, url] = await make.until(/^page (http:\/\/127\.0\.0\.1:\d+\/)$/m);

    const page = await fetch(url);
    assert.equal(page.status, 200);
    assert.equal(await page.text(), readFileSync(path.join(root, 'example/index.html'), 'utf8'));
    assert.equal((await fetch(url + 'webrtc-direct.js')).status, 200, 'the browser client is inside');
    const info = await (await fetch(url + 'webrtc-info')).json();
    assert.equal(info.address, where);
    assert.equal(info.fingerprint, fingerprint);
    const { code, out, err } = await command(['dial', where, fingerprint], 'hello\n');
    assert.equal(code, 0, err);
    assert.equal(out, 'hello\n');

    make.signal('SIGTERM');
    await make.ended; // and with it everyone who could still write to its output
    await assert.rejects(fetch(url), 'nobody serves any more');
  });
}
