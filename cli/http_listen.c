/* SPDX-License-Identifier: MIT */
#include "cli/http_listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/addresses.h"
#include "cli/say.h"

uint16_t http_bound_port(int fd)
{
    wrd_addr bound;

    return addresses_of_socket(&bound, fd) ? bound.port : 0;
}

int http_listen(const wrd_addr *addr)
{
    struct sockaddr_storage storage;
    socklen_t len = addresses_to_sockaddr(&storage, addr);
    int yes = 1;
    int no = 0;
    int fd = socket(addr->family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    /* A restart must not wait for the last connections of the run before. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (addr->family == 6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
    }
    if (bind(fd, (struct sockaddr *)&storage, len) != 0 || listen(fd, SOMAXCONN) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

void http_say_listen_failed(const char *what, const char *option, const char *listen, int error)
{
    switch (error) {
    case EADDRINUSE:
        say("cannot serve %s at %s: another program has this TCP port. Stop it, or choose another with %s.", what,
            listen, option);
        break;
    case EACCES:
        say("cannot serve %s at %s: ports under 1024 need special rights. Choose a higher one, as 8080.", what, listen);
        break;
    case EADDRNOTAVAIL:
        say("cannot serve %s at %s: this machine does not have that address. 0.0.0.0 takes all it has.", what, listen);
        break;
    default: say("cannot serve %s at %s: %s", what, listen, say_cause(error)); break;
    }
}
