/* SPDX-License-Identifier: MIT */
// What the tests of further channels call in the page. The other side is a server that sends every message of a channel
// back on it, or, without an address, a second peer connection of this page that does the same: then both ends of a
// channel can be looked at.
import { connect } from '/channels.js';

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const words = (error) => ({ name: error.name, code: error.code, closeCode: error.closeCode, message: error.message });
const plain = (data) => (data === undefined || typeof data === 'string' ? data : [...new Uint8Array(data)]);

function noise(length, seed) {
    const words = new Uint32Array(Math.ceil(length / 4));
    let x = seed >>> 0 || 1;
    for (let i = 0; i < words.length; i++) {
        x ^= x << 13;
        x ^= x >>> 17;
        x ^= x << 5;
        words[i] = x;
    }
    return new Uint8Array(words.buffer, 0, length);
}

async function until(what, condition, ms = 20_000) {
    const end = performance.now() + ms;
    while (!condition()) {
        if (performance.now() > end)
            throw new Error(`not within ${ms} ms: ${what}`);
        await wait(5);
    }
}

// The other end in this page: our client's answer to its own offer gives way to that of a real peer connection.
class Other {
    pc = new RTCPeerConnection();
    main = this.pc.createDataChannel('rpc', { negotiated: true, id: 0 });
    control = this.pc.createDataChannel('', { negotiated: true, id: 1 });
    channels = [];
    heard = []; // [type, id, code, reason] of each message on the control channel

    constructor() {
        this.control.binaryType = 'arraybuffer';
        this.control.onmessage = ({ data }) => {
            const view = new DataView(data);
            const reason = new TextDecoder().decode(data.slice(7));
            this.heard.push([view.getUint8(0), view.getUint16(1), view.getUint32(3), reason]);
        };
        this.pc.ondatachannel = ({ channel }) => this.echo(channel);
        this.echo(this.main);
        const original = RTCPeerConnection.prototype.setRemoteDescription;
        const other = this;
        RTCPeerConnection.prototype.setRemoteDescription = async function () {
            RTCPeerConnection.prototype.setRemoteDescription = original;
            this.addEventListener('icecandidate', ({ candidate }) => other.pc.addIceCandidate(candidate).catch(() => {}));
            other.pc.onicecandidate = ({ candidate }) => this.addIceCandidate(candidate).catch(() => {});
            await other.pc.setRemoteDescription(this.localDescription);
            await other.pc.setLocalDescription();
            await this.setRemoteDescription(other.pc.localDescription);
        };
    }

    echo(channel) {
        channel.binaryType = 'arraybuffer';
        this.channels.push(channel);
        const waiting = [];
        const send = () => {
            while (waiting.length > 0 && channel.readyState === 'open' && channel.bufferedAmount < 1 << 20)
                channel.send(waiting.shift());
        };
        channel.bufferedAmountLowThreshold = 1 << 19;
        channel.onbufferedamountlow = send;
        channel.onmessage = ({ data }) => {
            waiting.push(data);
            send();
        };
    }

    async open(label, options) {
        const channel = this.pc.createDataChannel(label, options);
        this.echo(channel);
        await new Promise((resolve) => (channel.onopen = channel.onclose = resolve)); // Chrome skips the one if the other is near.
        return channel;
    }

    say(id, code, reason) {
        const bytes = new Uint8Array([1, id >> 8, id, code >>> 24, code >> 16, code >> 8, code, ...new TextEncoder().encode(reason)]);
        this.control.send(bytes);
    }
}

let connection, other;

window.channels = {
    async connect(address, options) {
        other = address ? undefined : new Other();
        connection = await connect(address ?? '192.0.2.1:9 ' + '00'.repeat(32), { framing: 'raw', ...options });
    },

    // Opens a channel, echoes a message of each kind on it, and tells what it is.
    async describe(label, options) {
        const channel = await connection.open(label, options);
        const echoes = [];
        for (const message of ['text \u{1f44b}', '', new Uint8Array([1, 2, 255]), new Uint8Array(0)]) {
            await channel.send(message);
            echoes.push(plain(await channel.recv()));
        }
        const { messagesSent, messagesReceived, bytesSent, bytesReceived } = await channel.stats();
        const { id, protocol, ordered, maxRetransmits, maxPacketLifeTime, negotiated } = channel;
        const there = other?.channels.find((one) => one.id === id && one.label === channel.label);
        const seen = there && {
            protocol: there.protocol, ordered: there.ordered,
            maxRetransmits: there.maxRetransmits, maxPacketLifeTime: there.maxPacketLifeTime,
        };
        await channel.close();
        return {
            echoes, seen, stats: [messagesSent, messagesReceived, bytesSent, bytesReceived],
            is: { label: channel.label, protocol, ordered, maxRetransmits, maxPacketLifeTime, negotiated },
        };
    },

    async refusals(list) {
        const refused = [];
        for (const [label, options] of list)
            refused.push(await connection.open(label, options).then(({ id }) => `opened ${id}`, words));
        return refused;
    },

    // All of them open at once, and each echoes its own.
    async many(count, rounds) {
        const all = await Promise.all(Array.from({ length: count }, (_, n) => connection.open(`channel ${n}`, { ordered: n % 2 === 0 })));
        let right = 0;
        await Promise.all(all.map(async (channel, n) => {
            for (let round = 0; round < rounds; round++) {
                await channel.send(`${n}.${round}`);
                const echo = await channel.recv();
                right += echo === `${n}.${round}` ? 1 : 0;
            }
        }));
        const ids = new Set(all.map(({ id }) => id)).size;
        await Promise.all(all.map((channel) => channel.close()));
        return { right, ids };
    },

    // Opens, echoes, closes, again and again, and says how few ids that took.
    async again(rounds) {
        const ids = new Set();
        let right = 0;
        for (let round = 0; round < rounds; round++) {
            const channel = await connection.open(`round ${round}`);
            ids.add(channel.id);
            await channel.send(`message ${round}`);
            right += (await channel.recv()) === `message ${round}` ? 1 : 0;
            await channel.close();
        }
        return { right, ids: ids.size };
    },

    // Sends `size` bytes on each of `count` channels and compares what comes back.
    async bulk(count, size) {
        const all = await Promise.all(Array.from({ length: count }, (_, n) => connection.open(`bulk ${n}`)));
        let most = 0;
        const started = performance.now();
        const same = await Promise.all(all.map(async (channel, n) => {
            const sent = noise(size, n + 1);
            const receiving = (async () => {
                let at = 0;
                while (at < size) {
                    const part = await channel.recv();
                    if (part === undefined || !part.every((byte, i) => byte === sent[at + i]))
                        return false;
                    at += part.length;
                }
                return true;
            })();
            for (let at = 0; at < size; at += 65536) {
                await channel.send(sent.subarray(at, at + 65536));
                most = Math.max(most, channel.bufferedAmount);
            }
            await channel.drained();
            return receiving;
        }));
        const ms = performance.now() - started;
        await Promise.all(all.map((channel) => channel.close()));
        return { same, most, ms };
    },

    // Counts what comes back of messages that may get lost or overtake each other.
    async loose(options, count) {
        const channel = await connection.open('loose', options);
        const got = new Set();
        void (async () => {
            for await (const message of channel)
                got.add(message);
        })();
        for (let i = 0; i < count; i++) {
            await channel.send(`${i}`);
            if (i % 10 === 9)
                await wait(1);
        }
        await channel.drained();
        await until('all echoes', () => got.size === count, 5_000).catch(() => undefined);
        await channel.close();
        return got.size;
    },

    // trySend until there is no room, then all of it comes.
    async pressure(highWaterMark) {
        const channel = await connection.open('pressure', { highWaterMark });
        let taken = 0;
        while (channel.trySend(new Uint8Array(50_000).fill(taken)))
            taken++;
        const most = channel.bufferedAmount;
        let right = 0;
        for (let i = 0; i < taken; i++)
            right += (await channel.recv())[0] === (i & 255) ? 1 : 0;
        const free = channel.trySend('again');
        await channel.close();
        return { taken, most, right, free };
    },

    // ---- with the other end in this page

    // The other side opens a channel; what it sends at once comes, and the way back works.
    async accepted(label, options) {
        const there = await other.open(label, options);
        const back = [];
        there.onmessage = ({ data }) => back.push(plain(data));
        there.send('at once');
        const channel = await connection.accept();
        const first = await channel.recv();
        await channel.send(new Uint8Array([7]));
        await until('the answer', () => back.length === 1);
        const { ordered, maxRetransmits, maxPacketLifeTime, protocol } = channel;
        await channel.close();
        return { first, back, is: { label: channel.label, protocol, ordered, maxRetransmits, maxPacketLifeTime } };
    },

    // The other side opens `count`; `for await` sees those that are allowed, the rest is closed.
    async acceptedMany(count, expected) {
        const there = await Promise.all(Array.from({ length: count }, (_, n) => other.open(`number ${n}`)));
        const labels = [];
        for await (const channel of connection.incoming()) {
            labels.push(channel.label);
            if (labels.length === expected)
                break;
        }
        await until('the rest is closed', () => there.filter(({ readyState }) => readyState === 'closed').length === count - expected);
        return labels;
    },

    // Each side closes with a code right behind a megabyte: nothing of it may be missing.
    async tails(rounds) {
        const ends = [];
        for (let round = 0; round < rounds; round++) {
            const mine = await connection.open('mine');
            await until('the other end', () => other.channels.at(-1).label === 'mine' && other.channels.at(-1).id === mine.id);
            const there = other.channels.at(-1);
            let arrived = 0;
            const gone = new Promise((resolve) => (there.onclose = resolve));
            there.onmessage = ({ data }) => (arrived += data.byteLength);
            for (let i = 0; i < 16; i++)
                void mine.send(new Uint8Array(65536));
            await mine.close(round + 1, `mine ${round}`);
            await gone;
            const [, id, code, reason] = other.heard.at(-1);
            ends.push([arrived, id === mine.id, code, reason]);

            const theirs = await other.open('theirs');
            for (let i = 0; i < 16; i++)
                theirs.send(new Uint8Array(65536));
            other.say(theirs.id, 4_000_000_000 + round, `theirs ${round} \u2602`);
            await until('all has left', () => theirs.bufferedAmount === 0 && other.control.bufferedAmount === 0);
            theirs.close();
            const channel = await connection.accept();
            let received = 0;
            for await (const part of channel)
                received += part.length;
            const { closeCode, message } = await channel.closed;
            ends.push([received, true, closeCode, message]);
        }
        return ends;
    },

    async closeConnection(code, reason) {
        const channel = await connection.open('still open');
        const gone = new Promise((resolve) => (other.main.onclose = resolve));
        await connection.send('last');
        const closing = connection.close(code, reason);
        await gone;
        other.pc.close();
        await closing;
        return { heard: other.heard, end: words(await connection.closed), channel: words(await channel.closed) };
    },

    async closedByOther(code, reason) {
        const channel = await connection.open('still open');
        other.main.send('last');
        other.say(0, code, reason);
        other.main.close();
        const last = await connection.recv();
        const end = words(await connection.closed);
        const after = [await connection.recv(), await connection.accept(), await channel.recv()].map((value) => value ?? null);
        return { last, end, channel: words(await channel.closed), after };
    },

    // ---- with our server

    // As accepted(), on request.
    async askedFor(label, { protocol = '', ordered = true, maxRetransmits = -1, maxPacketLifeTime = -1 }) {
        await connection.send(`!open ${ordered ? 0 : 1} ${maxRetransmits} ${maxPacketLifeTime}\n${label}\n${protocol}`);
        const channel = await connection.accept();
        const first = await channel.recv();
        await channel.send(new Uint8Array([7]));
        const back = [plain(await channel.recv())];
        const { id } = channel;
        const is = {
            label: channel.label, protocol: channel.protocol, ordered: channel.ordered,
            maxRetransmits: channel.maxRetransmits, maxPacketLifeTime: channel.maxPacketLifeTime,
        };
        await channel.close();
        return { first, back, is, id };
    },

    // As tails(): what the server had of ours, and what we had of its.
    async tailsAtServer(rounds) {
        const ends = [];
        for (let round = 0; round < rounds; round++) {
            const mine = await connection.open('sink');
            for (let i = 0; i < 16; i++)
                void mine.send(new Uint8Array(65536));
            await mine.close(round + 1, `mine ${round} \u2602`);
            ends.push(await connection.recv());

            const theirs = await connection.open('theirs');
            await theirs.send(`!close ${4_000_000_000 + round}\ntheirs ${round} \u2602`);
            let received = 0;
            for await (const part of theirs)
                received += part.length;
            const { closeCode, message } = await theirs.closed;
            ends.push([received, closeCode, message]);
        }
        return ends;
    },

    async serverCloses(code, reason) {
        const channel = await connection.open('still open');
        await connection.send(`!bye ${code}\n${reason}`);
        const last = await connection.recv();
        return { last, end: words(await connection.closed), channel: words(await channel.closed) };
    },

    async weClose(code, reason) {
        const channel = await connection.open('sink');
        for (let i = 0; i < 16; i++)
            void channel.send(new Uint8Array(65536));
        await connection.close(code, reason);
        return words(await connection.closed);
    },

    // A channel that the server does not take.
    async refused() {
        const channel = await connection.open('one too many').catch((error) => ({ closed: error }));
        return words(await channel.closed);
    },
};
