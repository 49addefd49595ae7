#!/bin/bash
# SPDX-License-Identifier: MIT
#
# own-network.sh COMMAND [ARGUMENT...]
#
# Runs COMMAND in a fresh network namespace: loopback, and a dead-end interface with 198.51.100.10 and 2001:db8::10
# (addresses set aside for documentation). Browsers and aiortc gather no loopback candidate, so tests need such an address,
# and nothing that a test does can reach another machine. Exit code 69: a namespace cannot be made here, and why.
set -u

refuse()
{
    printf 'own-network: %s\n' "$@" >&2
    exit 69
}

if [ "${WRD_OWN_NETWORK:-}" = inside ]; then
    ip link set dev lo up || refuse "the loopback interface of the namespace cannot be brought up"
    if ! ip link add wrd0 type dummy 2>/dev/null && ! ip link add wrd0 type veth peer name wrd1 2>/dev/null; then
        refuse "the kernel offers neither a dummy nor a veth interface (modules dummy, veth)"
    fi
    ip link set dev wrd1 up 2>/dev/null || true
    ip addr add 198.51.100.10/24 dev wrd0 || refuse "198.51.100.10 cannot be given to the interface"
    # Without duplicate address detection, which would leave the address unusable for a second or more.
    ip addr add 2001:db8::10/64 dev wrd0 nodad 2>/dev/null || true
    ip link set dev wrd0 up
    ip route add default dev wrd0
    ip -6 route add default dev wrd0 2>/dev/null || true
    unset WRD_OWN_NETWORK
    exec "$@"
fi

[ $# -gt 0 ] || refuse "usage: own-network.sh COMMAND [ARGUMENT...]"
command -v unshare >/dev/null || refuse "unshare is missing (Debian package util-linux)"
command -v ip >/dev/null || refuse "ip is missing (Debian package iproute2)"

export WRD_OWN_NETWORK=inside
if unshare --net true 2>/dev/null; then
    exec unshare --net "$0" "$@"
elif unshare --user --map-root-user --net true 2>/dev/null; then
    exec unshare --user --map-root-user --net "$0" "$@"
fi
refuse "a network namespace cannot be made: neither as this user (root with CAP_SYS_ADMIN is needed) nor in a user" \
    "namespace (kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns or a container's" \
    "seccomp profile forbids it). Run as root, or in a container started with --cap-add SYS_ADMIN --cap-add NET_ADMIN."
