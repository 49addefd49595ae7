/* SPDX-License-Identifier: MIT */
// A page that connects with nothing but RTCPeerConnection: with `munge` as the original's client does (X is ufrag and
// password of both sides), without it as any page can (X only in the answer that it writes).
function hex(bytes) {
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function answer({ host, port, fingerprint, credential, mid }) {
    const family = host.includes(':') ? 'IP6' : 'IP4';
    return [
        'v=0',
        `o=- 0 0 IN ${family} ${host}`,
        's=-',
        't=0 0',
        'a=ice-lite',
        `m=application ${port} UDP/DTLS/SCTP webrtc-datachannel`,
        `c=IN ${family} ${host}`,
        `a=mid:${mid}`,
        'a=ice-options:ice2',
        `a=ice-ufrag:${credential}`,
        `a=ice-pwd:${credential}`,
        `a=fingerprint:sha-256 ${fingerprint.toUpperCase().match(/../g).join(':')}`,
        'a=setup:passive',
        'a=sctp-port:5000',
        'a=max-message-size:16777216',
        `a=candidate:1467250027 1 UDP 1467250027 ${host} ${port} typ host`,
        'a=end-of-candidates',
        '',
    ].join('\r\n');
}

// The frame of a message as one LZ4 block of literals only.
function frame(message) {
    if (message.length > 14)
        throw new RangeError('this little encoder has room for 14 bytes');
    const bytes = new Uint8Array(9 + message.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 5 + message.length);
    view.setUint32(4, message.length, true);
    bytes[8] = message.length << 4;
    bytes.set(new TextEncoder().encode(message), 9);
    return bytes;
}

window.plain = {
    // Opens the channel, sends every message in its `open` event and gathers as many messages as were sent.
    async echo(host, port, fingerprint, { munge = false, framed = false, prefix = '', messages, timeout = 10_000 }) {
        const pc = new RTCPeerConnection();
        const channel = pc.createDataChannel('rpc', { negotiated: true, id: 0 });
        channel.binaryType = 'arraybuffer';
        const credential = prefix + hex(crypto.getRandomValues(new Uint8Array(32)));
        const echoes = [];
        let timer;
        try {
            const offer = await pc.createOffer();
            const own = (sdp, name) => sdp.replace(new RegExp(`(a=ice-${name}:)[^\\r\\n]*`, 'g'), `$1${credential}`);
            const sdp = munge ? own(own(offer.sdp, 'ufrag'), 'pwd') : offer.sdp;
            try {
                await pc.setLocalDescription({ type: 'offer', sdp });
            } catch (error) {
                return { refused: `${error.name}: ${error.message}` };
            }
            const done = new Promise((resolve, reject) => {
                timer = setTimeout(() => reject(new Error(
                    `nothing after ${timeout} ms; ICE ${pc.iceConnectionState}, DTLS ${pc.sctp?.transport?.state}, ` +
                    `SCTP ${pc.sctp?.state}, channel ${channel.readyState}, ${echoes.length} echoes`)), timeout);
                channel.onopen = () => messages.forEach((m) => channel.send(framed ? frame(m) : m));
                channel.onmessage = ({ data }) => {
                    echoes.push(typeof data === 'string' ? data : { hex: hex(new Uint8Array(data)) });
                    if (echoes.length === messages.length)
                        resolve();
                };
                channel.onclose = () => reject(new Error(`channel closed after ${echoes.length} echoes`));
            });
            done.catch(() => undefined);
            const mid = /a=mid:([^\r\n]*)/.exec(pc.localDescription.sdp)[1];
            await pc.setRemoteDescription({ type: 'answer', sdp: answer({ host, port, fingerprint, credential, mid }) });
            await done;
            return { echoes };
        } catch (error) {
            return { error: error.message, echoes };
        } finally {
            clearTimeout(timer);
            channel.onclose = null;
            pc.close();
        }
    },

    frameHex: (message) => hex(frame(message)),
};
