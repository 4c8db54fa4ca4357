"""etcd, alone or with others, with its log on the same disk."""

from ports import free_port, wait_for
from process import Process


class Etcd:
    name = "etcd"

    def __init__(self, place, certificates, name="bench", peer=None, cluster=None):
        """One of several knows the address of each, {name: address}."""
        place = place / f"etcd-{name}"
        place.mkdir(mode=0o700)
        self.port = free_port()
        peer = peer or f"http://127.0.0.1:{free_port()}"
        cluster = cluster or {name: peer}
        self.certificates = certificates
        self.url = f"https://localhost:{self.port}"
        self.process = Process([
            "etcd", "--name", name, "--data-dir", place / "data", "--log-level", "error",
            "--listen-client-urls", f"https://127.0.0.1:{self.port}", "--advertise-client-urls", self.url,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
            "--initial-cluster", ",".join(f"{name}={peer}" for name, peer in cluster.items()),
            "--cert-file", certificates / "server.crt", "--key-file", certificates / "server.key",
        ], place / "log")
        if len(cluster) == 1:
            self.wait()

    def put(self, clients, value):
        """By its own client. Returns how many seconds it took."""
        return clients.run("etcdctl", "--endpoints", self.url, "--cacert", self.certificates / "server.crt",
                           "put", "/config/default", value)

    def wait(self):
        """One of several is there when most of the others are."""
        wait_for(self.port, self.process)


def etcds(place, certificates, count):
    """Several that replicate to each other."""
    cluster = {f"e{number}": f"http://127.0.0.1:{free_port()}" for number in range(count)}
    members = [Etcd(place, certificates, name, peer, cluster) for name, peer in cluster.items()]
    for member in members:
        member.wait()
    return members
