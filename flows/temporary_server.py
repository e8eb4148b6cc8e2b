"""A Prefect API of one's own for as long as one command runs: no UI, no scheduler, on loopback.

Run as `python -m flows.temporary_server PORT`. It ends when its standard input does, so that not even SIGKILL on its
parent leaves a server behind (Prefect's own ephemeral server outlives that).
"""

from __future__ import annotations

import os
import sys
import threading


def main(port: int) -> None:
    import uvicorn

    server = uvicorn.Server(
        uvicorn.Config(
            "prefect.server.api.server:create_app", factory=True, host="127.0.0.1", port=port, log_level="error", lifespan="on"
        )
    )

    def follow_parent() -> None:
        sys.stdin.buffer.read()
        server.should_exit = True
        threading.Timer(5, os._exit, [0]).start()

    threading.Thread(target=follow_parent, daemon=True).start()
    server.run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
