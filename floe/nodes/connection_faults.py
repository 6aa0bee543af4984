"""Why a server cannot be reached or its reply is incomplete, without the names of classes."""

import os
import ssl

import aiohttp


def connection_fault(error: Exception) -> str:
    """The reason for people: `no connection to port 9: Connection refused`."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"its certificate is not trusted: {_of_certificate(error.certificate_error)}"
        case aiohttp.ClientConnectorDNSError():
            return f"its name is not known: {_of_system(error.os_error)}"
        case aiohttp.ClientConnectorSSLError():
            return f"TLS failed: {_of_system(error.os_error)}; does this address serve https?"
        case aiohttp.ClientConnectorError():
            return f"no connection to port {error.port}: {_of_system(error.os_error)}"
        case TimeoutError():
            return str(error) or "no reply in time"
        case aiohttp.ServerDisconnectedError():
            return "it closed the connection without a reply"
        case aiohttp.ClientOSError() | ConnectionError():
            return f"the connection broke: {_of_system(error)}"
        case aiohttp.ClientPayloadError() if error.__cause__:
            return f"its reply ended early: {_first_line(error.__cause__)}"
        case aiohttp.ClientResponseError():
            return f"its reply is not HTTP: {_first_line(error)}"
        case _:
            return str(error) or type(error).__name__


def _of_certificate(error: Exception) -> str:
    return error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else str(error)


def _of_system(error: OSError) -> str:
    """The system's sentence; asyncio's own has the address once more."""
    if isinstance(error, ssl.SSLError) or not error.errno or error.errno < 0:  # not a system call's
        return error.strerror or str(error) or "it closed the connection"
    return os.strerror(error.errno)


def _first_line(error: BaseException) -> str:
    text = str(getattr(error, "message", "")) or str(error)  # aiohttp's without the class name
    return text.partition("\n")[0].rstrip(":.") or type(error).__name__
