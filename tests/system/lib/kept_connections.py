"""Keeps connections busy until the server ends them, and tells how it did.

Usage: kept_connections.py PORT CONNECTIONS

Each connection sends a request as soon as the last one is answered, and never sends one twice. A
line "busy" says that all of them are at it. At the end: how many were told with "Connection: close",
how many were closed under a request.
"""

import http.client
import ssl
import sys
import threading

port, number = int(sys.argv[1]), int(sys.argv[2])
context = ssl._create_unverified_context()
busy = threading.Barrier(number + 1)
ends = []


def ask_until_the_end():
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=context)
    connection.connect()
    answered = 0
    while True:
        try:
            connection.request("GET", "/livez")
            answer = connection.getresponse()
            answer.read()
        except OSError as error:
            ends.append(f"closed under a request ({error})")
            return
        answered += 1
        if answered == 1:
            busy.wait()
        if answer.will_close:
            ends.append("told")
            return


threads = [threading.Thread(target=ask_until_the_end) for _ in range(number)]
for thread in threads:
    thread.start()
busy.wait()
print("busy", flush=True)
for thread in threads:
    thread.join()
for end in sorted(set(ends)):
    print(f"{ends.count(end)} {end}")
