// SPDX-License-Identifier: MIT
// The shortest page: asks its own server what to dial, says hello and shows what comes back.
import { connect } from './webrtc-direct.js';

const info = await (await fetch('/webrtc-info')).json();
const connection = await connect(info.address, { fingerprint: info.fingerprint });
await connection.send('hello');
const echo = await connection.recv();
document.body.append(new TextDecoder().decode(echo));
await connection.close();
