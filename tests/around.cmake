# SPDX-License-Identifier: MIT
# Tests that are not C programs of a room: fences, install, README, the browser client, browsers, foreign peers.
