/* SPDX-License-Identifier: MIT */
/*
 * The purposes of ETSI TS 102 369 that apply to one address on each side over DTLS, as tables, where RFC 9260 still
 * says the same; their numbers are the names. Left out: addresses and host names, randomness of tags, which other tests
 * hold, and what the socket interface alone can show.
 */
#include "play.h"

#define OPEN        "< INIT > INIT-ACK < COOKIE-ECHO > COOKIE-ACK = ESTABLISHED "
#define DIALED      "connect > INIT < INIT-ACK > COOKIE-ECHO < COOKIE-ACK = ESTABLISHED "
#define PLAY(table) play_all(table, sizeof table / sizeof *table)

static void association_setup(void **state)
{
    static const struct play table[] = {
        {"AS 1.1.1", DIALED "> nothing"},
        {"AS 1.1.2", OPEN "> nothing"},
        {"AS 1.2.1", "connect > INIT wait:90000 >20 INIT > nothing = CLOSED"},
        {"AS 1.2.2", "connect > INIT < INIT-ACK > COOKIE-ECHO wait:90000 >20 COOKIE-ECHO > nothing = CLOSED"},
        {"AS 1.6.1", "< INIT:0009 > INIT-ACK < COOKIE-ECHO > COOKIE-ACK = ESTABLISHED"},
        {"AS 1.7.2", "< INIT:out0 > ABORT:7 > nothing = CLOSED"},
        {"AS 1.7.2, INIT-ACK", "connect > INIT < INIT-ACK:out0 = CLOSED"},
        {"AS 1.7.4", "< INIT:in0 > ABORT:7 > nothing = CLOSED"},
        {"AS 1.7.4, INIT-ACK", "connect > INIT < INIT-ACK:in0 = CLOSED"},
        {"AS 1.8.1", "< INIT:0fff > INIT-ACK < COOKIE-ECHO > COOKIE-ACK = ESTABLISHED"},
        {"AS 1.8.2", "< INIT:4fff > INIT-ACK < COOKIE-ECHO > COOKIE-ACK = ESTABLISHED"},
        {"AS 1.8.3", "< INIT:8fff > INIT-ACK < COOKIE-ECHO > COOKIE-ACK = ESTABLISHED"},
        {"AS 1.8.4", "< INIT:cfff > INIT-ACK < COOKIE-ECHO > COOKIE-ACK = ESTABLISHED"},
        {"AS 1.9.1", "connect > INIT < INIT > INIT-ACK = COOKIE-WAIT < COOKIE-ECHO > COOKIE-ACK = ESTABLISHED"},
        {"AS 1.9.1, ours first", "connect > INIT < INIT > INIT-ACK < INIT-ACK > COOKIE-ECHO < COOKIE-ACK "
                                 "= ESTABLISHED < COOKIE-ECHO > COOKIE-ACK = ESTABLISHED"},
        {"AS 1.9.1, crossed", "connect > INIT < INIT > INIT-ACK < INIT-ACK > COOKIE-ECHO < COOKIE-ECHO "
                              "= ESTABLISHED > COOKIE-ACK < COOKIE-ACK = ESTABLISHED > nothing"},
        {"AS 1.10.1", "< INIT:0005 > INIT-ACK < COOKIE-ECHO > COOKIE-ACK = ESTABLISHED"},
        {"AS 1.13.1", "< INIT:000c > INIT-ACK < COOKIE-ECHO > COOKIE-ACK = ESTABLISHED"},
        {"AS 1.14.1", "< INIT:tag0 > nothing = CLOSED"}, /* discarded since RFC 4960 */
        {"AS 1.14.2", "connect > INIT < INIT-ACK:tag0 = CLOSED"},
    };
    PLAY(table);
}

static void association_termination(void **state)
{
    static const struct play table[] = {
        {"AT 2.2", DIALED "shutdown > SHUTDOWN = SHUTDOWN-SENT < SHUTDOWN-ACK > SHUTDOWN-COMPLETE = CLOSED"},
        {"AT 2.3", DIALED "say:100 > DATA shutdown = SHUTDOWN-PENDING > nothing < SACK:1 > SHUTDOWN = SHUTDOWN-SENT"},
        {"AT 2.4", DIALED "shutdown > SHUTDOWN wait:2500 > SHUTDOWN < SHUTDOWN-ACK >* SHUTDOWN-COMPLETE = CLOSED"},
        {"AT 2.5", DIALED "shutdown > SHUTDOWN wait:90000 >10 SHUTDOWN > ABORT > nothing = CLOSED"},
        {"AT 2.6", OPEN "< SHUTDOWN:0 > SHUTDOWN-ACK = SHUTDOWN-ACK-SENT < SHUTDOWN-COMPLETE = CLOSED > nothing"},
        {"AT 2.7.3", OPEN "< SHUTDOWN:0 > SHUTDOWN-ACK < DATA:0 hear:0 > nothing = SHUTDOWN-ACK-SENT"},
        {"AT 2.8",
         DIALED "shutdown > SHUTDOWN < DATA:0 hear:1 > SACK:1+SHUTDOWN:1 < DATA:1 hear:1 > SACK:2+SHUTDOWN:2"},
        {"AT 2.8, T2 starts anew", DIALED "shutdown > SHUTDOWN wait:300 < DATA:0 > SACK:1+SHUTDOWN:1 wait:300 "
                                          "> nothing wait:2000 >* SHUTDOWN:1"},
        {"AT 2.9", OPEN "say:100 > DATA < SHUTDOWN:0 = SHUTDOWN-RECEIVED < SHUTDOWN:1 = SHUTDOWN-ACK-SENT "
                        "> SHUTDOWN-ACK"},
        {"AT 2.10", OPEN "say:100 > DATA < SHUTDOWN:0 = SHUTDOWN-RECEIVED wait:2500 >* DATA < SACK:1 > SHUTDOWN-ACK "
                         "= SHUTDOWN-ACK-SENT"},
        {"AT 2.11", OPEN "< SHUTDOWN:0 > SHUTDOWN-ACK wait:2500 > SHUTDOWN-ACK < SHUTDOWN-COMPLETE = CLOSED"},
        {"AT 2.12", OPEN "< SHUTDOWN:0 > SHUTDOWN-ACK wait:90000 >10 SHUTDOWN-ACK > ABORT = CLOSED"},
        {"AT 2.13", OPEN "< SHUTDOWN:0 > SHUTDOWN-ACK < SHUTDOWN-COMPLETE = CLOSED < HEARTBEAT > ABORT/T"},
        {"AT 2.14", DIALED "shutdown > SHUTDOWN < SHUTDOWN:0 > SHUTDOWN-ACK = SHUTDOWN-ACK-SENT < SHUTDOWN-ACK "
                           "> SHUTDOWN-COMPLETE = CLOSED"},
        {"ABORT", OPEN "say:100 > DATA abort > ABORT:12 > nothing = CLOSED"},
        {"ABORT of the peer", OPEN "< ABORT > nothing = CLOSED"},
    };
    PLAY(table);
}

static void invalid_messages(void **state)
{
    static const struct play table[] = {
        {"IMH 3.1", "< INIT:short > nothing = CLOSED"},
        {"IMH 3.2", "connect > INIT < INIT-ACK:short > nothing = COOKIE-WAIT wait:1500 > INIT"},
        {"IMH 3.3", "<bad ABORT > nothing <peer INIT > nothing = CLOSED"},
        {"IMH 3.5", "< INIT > INIT-ACK < COOKIE-ECHO:forged > nothing = CLOSED"},
        {"IMH 3.6", "< INIT > INIT-ACK wait:61000 < COOKIE-ECHO > ERROR:3 > nothing = CLOSED"},
        {"IMH 3.7, DATA", OPEN "<bad DATA:0 hear:0 > nothing = ESTABLISHED"},
        {"IMH 3.7, SHUTDOWN", OPEN "<bad SHUTDOWN:0 > nothing = ESTABLISHED"},
        {"IMH 3.7, ABORT", OPEN "<bad ABORT <peer ABORT <bad ABORT/T > nothing = ESTABLISHED"},
        {"IMH 3.7, ABORT reflected", OPEN "<peer ABORT/T > nothing = CLOSED"},
        {"IMH 3.7, COOKIE-ACK", "connect > INIT < INIT-ACK > COOKIE-ECHO <bad COOKIE-ACK > nothing = COOKIE-ECHOED"},
        {"IMH 3.7, SHUTDOWN-ACK", DIALED "shutdown > SHUTDOWN <bad SHUTDOWN-ACK > nothing = SHUTDOWN-SENT"},
        {"IMH 3.7, SHUTDOWN-COMPLETE",
         OPEN "< SHUTDOWN:0 > SHUTDOWN-ACK <bad SHUTDOWN-COMPLETE <peer SHUTDOWN-COMPLETE "
              "<bad SHUTDOWN-COMPLETE/T = SHUTDOWN-ACK-SENT <peer SHUTDOWN-COMPLETE/T "
              "= CLOSED > nothing"},
        {"IMH 3.7, zero", OPEN "<0 DATA:0 <0 ABORT > nothing = ESTABLISHED"},
    };
    PLAY(table);
}

static void duplicate_messages(void **state)
{
    static const struct play table[] = {
        {"DM 4.1", "connect > INIT < INIT > INIT-ACK > nothing = COOKIE-WAIT"},
        {"DM 4.2.1", OPEN "< INIT > INIT-ACK > nothing = ESTABLISHED"},
        {"DM 4.2.2", OPEN "< SHUTDOWN:0 > SHUTDOWN-ACK < INIT > SHUTDOWN-ACK > nothing = SHUTDOWN-ACK-SENT"},
        {"DM 4.3", "connect > INIT < INIT-ACK > COOKIE-ECHO < INIT-ACK > nothing = COOKIE-ECHOED"},
        {"DM 4.3, established", DIALED "< INIT-ACK > nothing = ESTABLISHED"},
        {"DM 4.4", OPEN "< COOKIE-ACK > nothing = ESTABLISHED"},
        {"DM 4.5", DIALED "shutdown > SHUTDOWN < SHUTDOWN:0 > SHUTDOWN-ACK > nothing = SHUTDOWN-ACK-SENT"},
        {"DM 4.6.1", "connect > INIT < SHUTDOWN:0 > nothing = COOKIE-WAIT"},
        {"DM 4.6.1, echoed", "connect > INIT < INIT-ACK > COOKIE-ECHO < SHUTDOWN:0 > nothing = COOKIE-ECHOED"},
        {"DM 4.6.3", OPEN "< SHUTDOWN:0 > SHUTDOWN-ACK < SHUTDOWN:0 > SHUTDOWN-ACK > nothing = SHUTDOWN-ACK-SENT"},
        {"DM 4.7.1", "connect > INIT <bad SHUTDOWN-ACK > SHUTDOWN-COMPLETE/T > nothing = COOKIE-WAIT"},
        {"DM 4.7.2", OPEN "< SHUTDOWN-ACK > nothing = ESTABLISHED"},
        {"DM 4.7.3", OPEN "< SHUTDOWN:0 > SHUTDOWN-ACK < SHUTDOWN-ACK > SHUTDOWN-COMPLETE > nothing = CLOSED"},
        {"DM 4.8", OPEN "< COOKIE-ECHO:forged > nothing = ESTABLISHED"},
        {"DM 4.8, whole", OPEN "< COOKIE-ECHO > COOKIE-ACK > nothing = ESTABLISHED"},
        {"DM 4.9", "connect > INIT < SHUTDOWN-COMPLETE > nothing = COOKIE-WAIT"},
        {"DM 4.9, established", OPEN "< SHUTDOWN-COMPLETE > nothing = ESTABLISHED"},
        {"DM 4.9, sent", DIALED "shutdown > SHUTDOWN < SHUTDOWN-COMPLETE > nothing = SHUTDOWN-SENT"},
        {"DM 4.10", OPEN "< SHUTDOWN:0 > SHUTDOWN-ACK < DATA:0 > nothing hear:0 = SHUTDOWN-ACK-SENT"},
    };
    PLAY(table);
}

static void fault_handling(void **state)
{
    static const struct play table[] = {
        {"FH 5.1.1", OPEN "say:100 > DATA wait:120000 >* DATA = CLOSED"},
        {"FH 5.2", OPEN "< HEARTBEAT > HEARTBEAT-ACK > nothing = ESTABLISHED"},
        {"FH 5.3.1", OPEN "abort > ABORT < DATA:0 > ABORT/T > nothing"},
        {"FH 5.3.2", OPEN "abort > ABORT < ABORT > nothing < ABORT/T > nothing"},
        {"FH 5.3.3", OPEN "abort > ABORT < SHUTDOWN-ACK > SHUTDOWN-COMPLETE/T > nothing"},
        {"FH 5.3.4", OPEN "abort > ABORT < SHUTDOWN-COMPLETE > nothing < COOKIE-ACK > nothing"},
        {"FH 8.4, ERROR", OPEN "abort > ABORT < ERROR:stale > nothing"},
        {"FH 8.4, INIT", OPEN "abort > ABORT < INIT > ABORT > nothing"},
    };
    PLAY(table);
}

static void errors(void **state)
{
    static const struct play table[] = {
        {"E 6.1", "connect > INIT < INIT-ACK > COOKIE-ECHO < ERROR:stale > INIT = COOKIE-WAIT < INIT-ACK > COOKIE-ECHO "
                  "< COOKIE-ACK = ESTABLISHED"},
        {"E 6.2", OPEN "< ERROR:stale > nothing = ESTABLISHED"},
        {"E 6.2, waiting", "connect > INIT < ERROR:stale > nothing = COOKIE-WAIT"},
        {"E 6.3", OPEN "< DATA:0,wild > ERROR:1+SACK:1 hear:0 = ESTABLISHED < DATA:1 > nothing"},
        {"E 6.4", "connect > INIT < INIT-ACK:nocookie = CLOSED"},
        {"E 6.5", "connect > INIT < INIT-ACK:cfff > COOKIE-ECHO < COOKIE-ACK = ESTABLISHED > ERROR:8 > nothing"},
        {"E 6.5, silent", "connect > INIT < INIT-ACK:8fff > COOKIE-ECHO < COOKIE-ACK = ESTABLISHED > nothing"},
        {"E 6.6", "< INIT > INIT-ACK < COOKIE-ECHO+ERROR:stale > COOKIE-ACK = ESTABLISHED"},
    };
    PLAY(table);
}

static void bundling(void **state)
{
    static const struct play table[] = {
        {"BDC 7.1", "< INIT+DATA:0 > nothing = CLOSED"},
        {"BDC 7.2", "connect > INIT < INIT-ACK+DATA:0 > COOKIE-ECHO hear:0 < COOKIE-ACK > nothing = ESTABLISHED"},
        {"BDC 7.4", "< INIT > INIT-ACK < COOKIE-ECHO+DATA:0 hear:1 > COOKIE-ACK+SACK:1 = ESTABLISHED"},
        {"BDC 7.5", "connect > INIT < INIT-ACK > COOKIE-ECHO < COOKIE-ACK+DATA:0 hear:1 > SACK:1 = ESTABLISHED"},
        {"BDC 7.6", OPEN "say:100 > DATA < SACK:1+SHUTDOWN:1 > SHUTDOWN-ACK = SHUTDOWN-ACK-SENT"},
        {"BDC 7.6, with DATA", OPEN "say:100 > DATA < SACK:0+DATA:0+SHUTDOWN:0 hear:1 = SHUTDOWN-RECEIVED"},
        {"BDC 7.7", OPEN "say:100 > DATA < SACK:1+DATA:0 hear:1 > SACK:1 = ESTABLISHED"},
        {"BDC 7.8", DIALED "shutdown > SHUTDOWN < SHUTDOWN-ACK+DATA:0 hear:0 > SHUTDOWN-COMPLETE = CLOSED"},
        {"6.10, ours", OPEN "< HEARTBEAT+DATA:0 say:100 > HEARTBEAT-ACK+SACK:1+DATA"},
    };
    PLAY(table);
}

static void data_and_acknowledgements(void **state)
{
    static const struct play table[] = {
        {"D 8.1", OPEN "say:3000 >3 DATA > nothing < SACK:3 > nothing"},
        {"D 8.2", OPEN "say:100 > DATA > nothing < SACK:1 > nothing"},
        {"D 8.6", OPEN "< DATA:0 > SACK:1 < DATA:0 hear:1 > SACK:1,0,1 < DATA:1 hear:1 wait:500 > SACK:2"},
        {"D 8.9", OPEN "say:100 > DATA < SACK:0 wait:2500 >* DATA < SACK:1 > nothing"},
        {"D 8.11", OPEN "< DATA:0,empty > ABORT:9 > nothing = CLOSED"},
        {"D 8.12", OPEN "say:9 > DATA < SACK:1 say:9 > DATA < SACK:0,2-2 wait:2500 >* DATA < SACK:2 > nothing"},
        {"D, never sent", OPEN "say:9 > DATA < SACK:2 < SACK:0,2-2 > nothing wait:2500 >* DATA"},
        {"A 9.1", OPEN "< DATA:0 > SACK:1 < DATA:1 > nothing < DATA:2 > SACK:3 < DATA:3 > nothing wait:200 > SACK:4 "
                       "hear:4"},
        {"A 9.2", OPEN "< DATA:0 > SACK:1 < DATA:2 > SACK:1,1 < DATA:4 > SACK:1,2 hear:1 < DATA:1 > SACK:3,1 hear:2 "
                       "< DATA:3 wait:200 > SACK:5 hear:2"},
        {"A 9.3", OPEN "< DATA:0+DATA:1+DATA:2 > SACK:3 hear:3 > nothing"},
        {"A, I bit", OPEN "< DATA:0 > SACK:1 < DATA:1,now > SACK:2"},
        {"RT 11.1", OPEN "say:9 > DATA wait:900 < SACK:1 wait:3000 > nothing"},
    };
    PLAY(table);
}

static void unknown_chunks(void **state)
{
    static const struct play table[] = {
        {"M 10.1", OPEN "< 0xfe+DATA:0 hear:1 > ERROR:6+SACK:1 = ESTABLISHED"},
        {"M 10.2", OPEN "< 0x3e+DATA:0 hear:0 > nothing = ESTABLISHED"},
        {"M 10.3", OPEN "< 0x7e+DATA:0 hear:0 > ERROR:6 > nothing = ESTABLISHED"},
        {"M 10.4", OPEN "< 0xbe+DATA:0 hear:1 > SACK:1 > nothing = ESTABLISHED"},
    };
    PLAY(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(association_setup), cmocka_unit_test(association_termination),
        cmocka_unit_test(invalid_messages),  cmocka_unit_test(duplicate_messages),
        cmocka_unit_test(fault_handling),    cmocka_unit_test(errors),
        cmocka_unit_test(bundling),          cmocka_unit_test(data_and_acknowledgements),
        cmocka_unit_test(unknown_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
