/* SPDX-License-Identifier: MIT */
#include "cli/loop.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "cli/say.h"

/* Of two timeouts for poll(), where a negative one is none. */
static int earlier(int a, int b)
{
    if (a < 0 || b < 0) {
        return a < 0 ? b : a;
    }
    return a < b ? a : b;
}

bool loop_run(wrd_server *server, const wrd_handlers *handlers, struct http *http, int stop, int drain_s)
{
    struct pollfd fds[] = {{stop, POLLIN, 0}, {wrd_server_fd(server), POLLIN, 0}, {-1, POLLIN, 0}}; /* HTTP's */

    for (;;) {
        fds[2].fd = http_fd(http);
        if (poll(fds, 3, earlier(wrd_server_timeout(server), http_timeout(http))) < 0 && errno != EINTR) {
            say("poll: %s", strerror(errno));
            return false;
        }
        if (fds[0].revents != 0) {
            fds[0].fd = -1; /* a second signal ends the process */
            wrd_server_drain(server, drain_s * 1000, LOOP_END_CODE, LOOP_END_REASON);
        }
        wrd_result result = wrd_server_turn(server, handlers, 0);
        if (result == WRD_CLOSED) {
            return true;
        }
        if (result != WRD_OK) {
            say("the UDP socket broke: %s", strerror(errno));
            return false;
        }
        http_run(http);
    }
}
