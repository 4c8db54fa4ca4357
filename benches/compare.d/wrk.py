"""The same request again and again, on kept connections, by wrk."""

import base64
import json
import os
import ssl
import subprocess
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Request:
    url: str
    method: str = "GET"
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    account: str = ""

    def all_headers(self):
        login = {"Authorization": "Basic " + base64.b64encode(self.account.encode()).decode()}
        return {**(login if self.account else {}), **self.headers}

    def ask(self):
        """Sends it once. Returns status, headers and body."""
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        request = urllib.request.Request(
            self.url, self.body or None, self.all_headers(), method=self.method)
        try:
            with urllib.request.urlopen(request, context=tls) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def check(self, status, part=b""):
        """It must be answered as it is meant to be, or the figures would be of something else."""
        answered, headers, body = self.ask()
        if answered != status or part not in body:
            raise RuntimeError(f"{self.method} {self.url}: {answered} {body[:300]!r}")
        return headers


def requests_per_second(request, scale, place, server):
    """Also the server's processor time for each of them."""
    body = Path(place, "wrk.body")
    body.write_bytes(request.body)
    headers = "".join(f"{name}: {value}\n" for name, value in request.all_headers().items())
    environment = {**os.environ, "METHOD": request.method, "HEADERS": headers}
    if request.body:
        environment["BODY"] = str(body)
    command = ["wrk", "--latency", "-t2", f"-c{scale.connections}", f"-d{scale.seconds}s",
               "-s", Path(__file__).with_name("wrk.lua"), request.url]
    before = server.process.cpu()
    out = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    result = json.loads(out.rpartition("RESULT ")[2])
    cpu_ms = server.process.cpu_since(before, result["requests"])
    # Apache closes a kept connection now and then.
    if result["errors"] * 1000 > result["requests"] + 1000:
        raise RuntimeError(f"wrk met {result['errors']} errors at {request.url}:\n{out}")
    return {
        "per_second": result["requests"] / result["micros"] * 1e6,
        "cpu_ms": cpu_ms,
        "p50_us": result["p50_us"], "p99_us": result["p99_us"],
        "errors": result["errors"],
    }
