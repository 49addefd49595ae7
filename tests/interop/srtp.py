# SPDX-License-Identifier: MIT
"""Whether a DTLS handshake agreed on use_srtp (RFC 5764). aiortc 1.4 does without; later ones, and pion, do not."""
from OpenSSL import SSL


def agreed(transport):
    connection = getattr(transport, "ssl", None) or transport._ssl
    if hasattr(connection, "get_selected_srtp_profile"):
        return bool(connection.get_selected_srtp_profile())
    return SSL._lib.SSL_get_selected_srtp_profile(connection._ssl) != SSL._ffi.NULL
