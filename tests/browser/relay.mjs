/* SPDX-License-Identifier: MIT */
// A way between a page and a server that takes its time, and counts what goes over it in trips instead of milliseconds: a
// datagram's `trip` is the length of the longest row of datagrams of which each was sent after the one before had arrived.
// So it holds on a busy machine, too. Nothing from the page but its first datagram has trip 0; an answer to that has 1.
import { createSocket } from 'node:dgram';

const bound = (socket, host) => new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, host, resolve);
});

// `drop` is asked about each datagram: {toPage, trip, data}.
export async function openRelay(host, server, { delay = 50, drop = () => false } = {}) {
    const front = createSocket('udp4');
    const ways = new Map(); // by the page's address
    const log = []; // {toPage, trip, at, length, kind, dropped}; `at` is when it came out
    let closed = false;

    // What either end may know by now.
    const reached = { page: 0, server: 0 };

    const carry = (toPage, data, deliver) => {
        const trip = toPage ? reached.server : reached.page;
        const entry = { toPage, trip, at: undefined, length: data.length, kind: data[0], dropped: drop({ toPage, trip, data }) };
        log.push(entry);
        if (entry.dropped)
            return;
        setTimeout(() => {
            if (closed)
                return;
            entry.at = Date.now();
            const end = toPage ? 'page' : 'server';
            reached[end] = Math.max(reached[end], trip + 1);
            deliver(data);
        }, delay);
    };

    const wayOf = async (from) => {
        const back = createSocket('udp4');
        back.on('message', (data) => carry(true, data, (d) => front.send(d, from.port, from.address)));
        await bound(back, host);
        return back;
    };
    front.on('message', async (data, from) => {
        const key = `${from.address}:${from.port}`;
        if (!ways.has(key))
            ways.set(key, wayOf(from));
        const back = await ways.get(key);
        carry(false, data, (d) => back.send(d, server.port, server.host));
    });
    await bound(front, host);

    return {
        address: `${host}:${front.address().port}`,
        log,
        // Round trips that the page had made at `time` (of Date.now()).
        roundTrips: (time) => Math.max(0, ...log.filter(({ toPage, at }) => toPage && at <= time).map(({ trip }) => trip + 1)) / 2,
        // For the words of a failed test.
        get text() {
            return log.map(({ toPage, trip, at, length, kind, dropped }) => `    ${toPage ? '<' : '>'} trip ${trip}, ` +
                `${length} bytes, first ${kind}, ${dropped ? 'dropped' : `out at ${at - log[0].at}`}`).join('\n');
        },
        async close() {
            closed = true;
            front.close();
            for (const back of ways.values())
                (await back).close();
        },
    };
}
