/* SPDX-License-Identifier: MIT */
/* What ICMP says of datagrams that a connected socket sent. Linux keeps it for who asks: IP_RECVERR in ip(7). */
#define _GNU_SOURCE /* MSG_ERRQUEUE */
#include "native/udp.h"

#include "native/sockaddr.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#ifdef __linux__
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#endif

#ifdef __linux__

#define REPORTS_MAX 64 /* in one call; more wait for the next */

/* Codes of "destination unreachable" by which a rule is meant, not a failure (RFC 1812 section 5.2.7.1, RFC 4443
 * section 3.1). */
static bool says_prohibited(const struct sock_extended_err *error)
{
    if (error->ee_origin == SO_EE_ORIGIN_ICMP && error->ee_type == ICMP_DEST_UNREACH)
        return error->ee_code == ICMP_NET_ANO || error->ee_code == ICMP_HOST_ANO || error->ee_code == ICMP_PKT_FILTERED;
    return error->ee_origin == SO_EE_ORIGIN_ICMP6 && error->ee_type == ICMPV6_DEST_UNREACH &&
           (error->ee_code == ICMPV6_ADM_PROHIBITED || error->ee_code == ICMPV6_POLICY_FAIL ||
            error->ee_code == ICMPV6_REJECT_ROUTE);
}

/* False: it is of the kernel's own, which the call that met it has answered already. */
static bool read_report(struct wrd_udp *udp, const struct cmsghdr *c)
{
    struct {
        struct sock_extended_err error;
        union wrd_sockaddr sender; /* SO_EE_OFFENDER */
    } report = {0};
    size_t len = c->cmsg_len - CMSG_LEN(0);
    memcpy(&report, CMSG_DATA(c), len < sizeof report ? len : sizeof report);
    if (report.error.ee_origin != SO_EE_ORIGIN_ICMP && report.error.ee_origin != SO_EE_ORIGIN_ICMP6)
        return false;
    if (report.error.ee_errno == EMSGSIZE)
        return true; /* the path takes less: nothing is wrong with it */
    udp->answered = (int)report.error.ee_errno;
    udp->prohibited = says_prohibited(&report.error);
    wrd_from_sockaddr(&udp->answered_by, &report.sender);
    udp->answered_by.port = 0;
    if (udp->answered == ECONNREFUSED)
        udp->refused = true;
    return true;
}

void wrd_udp_ask_reports(struct wrd_udp *udp)
{
    int on = 1;
    if (udp->family == 4)
        (void)setsockopt(udp->fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    else
        (void)setsockopt(udp->fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
}

bool wrd_udp_take_reports(struct wrd_udp *udp)
{
    bool found = false;
    for (unsigned i = 0; i < REPORTS_MAX; i++) {
        union {
            struct cmsghdr align;
            char bytes[CMSG_SPACE(sizeof(struct sock_extended_err) + sizeof(union wrd_sockaddr))];
        } control;
        struct msghdr header = {.msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
        if (recvmsg(udp->fd, &header, MSG_ERRQUEUE) < 0)
            break;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c))
            if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
                (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
                found = read_report(udp, c) || found;
    }
    return found;
}

#else

void wrd_udp_ask_reports(struct wrd_udp *udp)
{
    (void)udp;
}

bool wrd_udp_take_reports(struct wrd_udp *udp)
{
    (void)udp;
    return false;
}

#endif
