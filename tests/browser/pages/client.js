/* SPDX-License-Identifier: MIT */
// What the tests of the browser client call in the page. Large messages are made and compared here, never carried
// between page and test.
import { connect } from '/webrtc-direct.js';

const open = [];

// Bytes that LZ4 cannot shrink, the same for the same seed.
function noise(length, seed) {
    const bytes = new Uint8Array(length);
    let x = seed >>> 0 || 1;
    for (let i = 0; i < length; i++) {
        x ^= x << 13;
        x ^= x >>> 17;
        x ^= x << 5;
        bytes[i] = x;
    }
    return bytes;
}

// Raw text messages arrive as text.
function text(message) {
    return message instanceof Uint8Array ? new TextDecoder().decode(message) : message;
}

function same(a, b) {
    return a !== undefined && a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function words(error) {
    return { name: error.name, code: error.code, message: error.message };
}

window.client = {
    // The connection's number, or why there is none; with the time it took.
    async connect(address, options) {
        const started = performance.now();
        try {
            open.push(await connect(address, options));
            return { id: open.length - 1, ms: performance.now() - started, at: Date.now() };
        } catch (error) {
            return { error: words(error), ms: performance.now() - started };
        }
    },

    async echoText(id, message) {
        await open[id].send(message);
        return text(await open[id].recv());
    },

    async echoNoise(id, length, seed) {
        const message = noise(length, seed);
        const started = performance.now();
        const sent = open[id].send(message);
        const echo = await open[id].recv();
        await sent;
        return { same: same(echo, message), length: echo?.length, ms: performance.now() - started };
    },

    // All messages are sent before the first echo is taken.
    async echoMany(id, count) {
        const sent = [];
        for (let i = 0; i < count; i++)
            sent.push(open[id].send(`message ${i} ${'.'.repeat(i)}`));
        let right = 0;
        for (let i = 0; i < count; i++)
            right += text(await open[id].recv()) === `message ${i} ${'.'.repeat(i)}` ? 1 : 0;
        await Promise.all(sent);
        return right;
    },

    // The first messages leave in the very task in which connect() answers.
    async connectAndSend(address, options, count) {
        return connect(address, options).then(async (connection) => {
            for (let i = 0; i < count; i++)
                connection.send(`early ${i}`);
            const echoes = [];
            for (let i = 0; i < count; i++)
                echoes.push(text(await connection.recv()));
            connection.close();
            return echoes;
        });
    },

    async close(id) {
        await open[id].close();
        return { end: words(await open[id].closed), rest: (await open[id].recv())?.length ?? 'nothing' };
    },

    // Settles when the connection ends without this page's doing.
    async end(id) {
        const end = words(await open[id].closed);
        const received = await open[id].recv().then((message) => message?.length ?? 'nothing', (error) => error.code);
        const sent = await open[id].send('x').then(() => 'sent', (error) => error.code);
        return { end, received, sent };
    },
};
