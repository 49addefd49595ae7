/* SPDX-License-Identifier: MIT */
/*
 * Exchanges of packets written as text, for tables of them. Words, left to right:
 *
 *   connect  shutdown  abort  say:N (a message of N bytes)  wait:MS  hear:N (N messages are there and taken)
 *   < A+B    the peer sends one packet with these chunks, under our tag; <0, <peer, <bad: under 0, its own, a wrong one
 *   > A+B    the next packet of ours holds exactly these;  >7 A: so do the next seven;  >* A: the first of those left
 *            that does, and the ones before it pass;  > nothing: none is left.  What is left at the end passes.
 *   = STATE
 *
 * Chunks of the peer: INIT INIT:tag0 INIT:out0 INIT:in0 INIT:short INIT:HHHH (with a parameter of that type), the same
 * for INIT-ACK, and INIT-ACK:nocookie; COOKIE-ECHO COOKIE-ECHO:forged; DATA:N (the N-th, from 0) DATA:N,empty
 * DATA:N,now (I bit) DATA:N,wild (a stream that was not agreed on); SACK:N SHUTDOWN:N (all before our N-th are
 * acknowledged) SACK:N,A-B (and the gap); ERROR:stale; 0xHH (no known chunk); HEARTBEAT, COOKIE-ACK, SHUTDOWN-ACK,
 * SHUTDOWN-COMPLETE, ABORT; /T behind: with the T bit. Of ours: the names, and ABORT:C ERROR:C (first cause; 0 none),
 * SACK:N SACK:N,G,D (with G gap blocks and D duplicates) SHUTDOWN:N, /T.
 */
#ifndef TESTS_SCTP_PLAY_H
#define TESTS_SCTP_PLAY_H

#include "script.h"

struct play {
    const char *name;
    const char *words;
};

/* Plays each on an association of its own. A failure names the row and the word. */
void play_all(const struct play *plays, size_t count);

#endif
