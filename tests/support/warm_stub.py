"""What is started in place of a Python process (see warm.py). Imports nothing slow: it is what a start costs."""

import json
import os
import signal
import socket
import sys

server, *arguments = sys.argv[1:]
request = {"arguments": arguments, "environment": dict(os.environ), "folder": os.getcwd()}  # noqa: PTH109 (pathlib is slow to import)
message = json.dumps(request).encode()
connection = socket.socket(socket.AF_UNIX)
connection.connect(server)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: connection.send(bytes([number])))
socket.send_fds(connection, [len(message).to_bytes(4, "big")], [0, 1, 2])
connection.sendall(message)
status = int.from_bytes(connection.recv(4), "big", signed=True)
if status < 0:
    if -status != signal.SIGKILL:
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
os._exit(status)
