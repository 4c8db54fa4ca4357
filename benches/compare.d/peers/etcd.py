"""etcd, alone, with its log on the same disk."""

from ports import free_port, wait_for
from process import Process


class Etcd:
    name = "etcd"

    def __init__(self, place, certificates):
        place = place / "etcd"
        place.mkdir(mode=0o700)
        self.port, peer_port = free_port(), free_port()
        self.certificates = certificates
        self.url = f"https://localhost:{self.port}"
        peer = f"http://127.0.0.1:{peer_port}"
        self.process = Process([
            "etcd", "--name", "bench", "--data-dir", place / "data", "--log-level", "error",
            "--listen-client-urls", f"https://127.0.0.1:{self.port}", "--advertise-client-urls", self.url,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
            "--initial-cluster", f"bench={peer}",
            "--cert-file", certificates / "server.crt", "--key-file", certificates / "server.key",
        ], place / "log")
        wait_for(self.port, self.process)
