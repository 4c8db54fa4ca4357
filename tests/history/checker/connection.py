"""A kept connection to a member: HTTP over TLS."""

import base64
import http.client
import itertools
import socket
import ssl

_count = itertools.count(1)


class Unanswered(Exception):
    """No answer came. `sent` says whether the question may have arrived."""

    def __init__(self, error, sent):
        super().__init__(f"{type(error).__name__}: {error}")
        self.sent = sent


class Connection:
    """One connection; it is never made again behind the caller's back."""

    def __init__(self, host, port, password, patience):
        # Who the server is does not matter here.
        context = ssl._create_unverified_context()
        self.number = next(_count)
        self._http = http.client.HTTPSConnection(host, port, timeout=patience, context=context)
        self._http.auto_open = 0
        self._headers = {}
        if password is not None:
            word = base64.b64encode(f"admin:{password}".encode()).decode()
            self._headers["Authorization"] = f"Basic {word}"

    def ask(self, method, path, body=None, headers=(), patience=None):
        """The status, the headers and the content of an answer."""
        try:
            if self._http.sock is None:
                self._http.connect()
        except OSError as error:
            self.close()
            raise Unanswered(error, sent=False) from None
        try:
            if patience is not None:
                self._http.sock.settimeout(patience)
            self._http.request(method, path, body, {**self._headers, **dict(headers)})
            answer = self._http.getresponse()
            return answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException, socket.timeout) as error:
            self.close()
            raise Unanswered(error, sent=True) from None

    def close(self):
        self._http.close()
