// SPDX-License-Identifier: MIT
// Further channels: a page that sends positions which may get lost, and takes what the server opens.
import { connect } from './channels.js'; // the same connect, and its connection has open, accept and incoming

const info = await (await fetch('/webrtc-info')).json();
const connection = await connect(info.address, { fingerprint: info.fingerprint });

const positions = await connection.open('positions', { ordered: false, maxRetransmits: 0 });
addEventListener('pointermove', ({ x, y }) => positions.trySend(`${x} ${y}`)); // false: full, skip it; throws once closed
positions.closed.then(({ closeCode, message }) => console.log('closed with', closeCode, message));

for await (const channel of connection.incoming()) {
  console.log(channel.label, await channel.recv());
  await channel.close(4000, 'enough'); // the server is told both
}
