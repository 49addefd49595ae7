/* SPDX-License-Identifier: MIT */
// Programs under test: started, watched line by line, and always ended.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const wrd = process.env.WRD_COMMAND ?? here('../../build/wrd');
const example = join(dirname(wrd), 'example/server');
const channelServer = join(dirname(wrd), 'tests/browser/channel_server');
const original = join(dirname(wrd), 'interop/original-server'); // by tests/interop/build-others
const python = process.env.WRD_PYTHON ?? '/usr/bin/python3';

export const ip4 = '198.51.100.10';
export const ip6 = '2001:db8::10';

class Program {
    #child;
    #lines = [];
    #watchers = new Set();
    #ended;

    constructor(command, args) {
        this.name = [command, ...args].join(' ');
        this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
        for (const stream of [this.#child.stdout, this.#child.stderr]) {
            createInterface({ input: stream }).on('line', (line) => {
                this.#lines.push(line);
                this.#look();
            });
        }
        this.#ended = new Promise((resolve) => {
            this.#child.once('error', (error) => resolve(error.message));
            this.#child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
        });
        this.#ended.then((how) => {
            this.#lines.push(`(ended: ${how})`);
            this.how = how;
            this.#look();
        });
    }

    #look() {
        for (const watcher of [...this.#watchers])
            watcher();
    }

    get log() {
        return `${this.name}\n${this.#lines.map((line) => `    ${line}`).join('\n')}`;
    }

    count(pattern) {
        return this.#lines.filter((line) => pattern.test(line)).length;
    }

    // Waits until `count` lines so far match; answers the last of them.
    line(pattern, { count = 1, within = 20_000 } = {}) {
        return new Promise((resolve, reject) => {
            const finish = (settle, value) => {
                clearTimeout(timer);
                this.#watchers.delete(look);
                settle(value);
            };
            const look = () => {
                const found = this.#lines.map((line) => pattern.exec(line)).filter((match) => match);
                if (found.length >= count)
                    finish(resolve, found[count - 1]);
                else if (this.how !== undefined)
                    finish(reject, new Error(`ended (${this.how}) before line ${count} like ${pattern}:\n${this.log}`));
            };
            const timer = setTimeout(() => finish(reject, new Error(
                `${found(this.#lines, pattern)} of ${count} lines like ${pattern} within ${within} ms:\n${this.log}`)), within);
            this.#watchers.add(look);
            look();
        });
    }

    kill(signal) {
        this.#child.kill(signal);
        return this.#ended;
    }

    // Asks it to end, and makes it end.
    async stop() {
        const timer = setTimeout(() => this.#child.kill('SIGKILL'), 15_000);
        this.#child.kill('SIGTERM');
        const how = await this.#ended;
        clearTimeout(timer);
        return how;
    }
}

function found(lines, pattern) {
    return lines.filter((line) => pattern.test(line)).length;
}

async function ready(program) {
    const [, address, fingerprint] = await program.line(/^listening (\S+:\d+) ([0-9a-f]{64})(?: |$)/, { within: 30_000 });
    const [, host, port] = /^\[?([^\]]*?)\]?:(\d+)$/.exec(address);
    return Object.assign(program, { address, fingerprint, host, port: Number(port) });
}

export function startServer(...args) {
    const listen = args.includes('--listen') ? [] : ['--listen', `${ip4}:0`];
    return ready(new Program(wrd, ['serve', '--verbose', ...listen, ...args]));
}

// With raw messages and every kind of channel; channel_server.c says what it does.
export function startChannelServer(...args) {
    return ready(new Program(channelServer, ['--listen', `${ip4}:0`, ...args]));
}

// A program that serves the page of example/ too; `pages` are the addresses that it names for it.
async function withPages(program, count) {
    await ready(program);
    const pages = [];
    for (let n = 1; n <= count; n++)
        pages.push((await program.line(/^page (http:\S+)$/, { count: n }))[1]);
    return Object.assign(program, { pages });
}

// Loopback and the namespace's address: that is what 0.0.0.0 is there.
export function startExample() {
    return withPages(new Program(example, ['--listen', '0.0.0.0:0', '--http', '0.0.0.0:0']), 2);
}

export function startServerWithPage(host, ...args) {
    return withPages(new Program(wrd, ['serve', '--verbose', '--listen', `${host}:0`, '--http', `${host}:0`, ...args]), 1);
}

export function startForeignServer(...args) {
    return ready(new Program(python, [here('../interop/xx_server.py'), '--listen', `${ip4}:0`, ...args]));
}

export const hasOriginal = existsSync(original);

export function startOriginalServer() {
    return ready(new Program(original, [`${ip4}:3478`]));
}
