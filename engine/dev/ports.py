"""The ports of embedded servers, kept over restarts: what has connected once finds them again."""

import socket
from pathlib import Path
from typing import Final

NAME: Final = "dev.ports"


def kept_port(data: Path, server: str) -> int:
    """Return the port that a server had the last time, 0 where it had none or it is taken."""
    try:
        lines = (data / NAME).read_text().splitlines()
    except OSError:
        return 0
    port = dict(line.split("=", 1) for line in lines if "=" in line).get(server, "")
    return int(port) if port.isdecimal() and _is_free(int(port)) else 0


def keep_ports(data: Path, ports: dict[str, int]) -> None:
    """Note the ports of servers that run; those of others stay."""
    path = data / NAME
    known = path.read_text().splitlines() if path.exists() else []
    merged = dict(line.split("=", 1) for line in known if "=" in line)
    merged |= {name: str(port) for name, port in ports.items()}
    path.write_text("".join(f"{name}={port}\n" for name, port in merged.items()))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True
