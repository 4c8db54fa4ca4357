"""Real clients, with nothing configured but the server's certificate."""

import os
import subprocess
import time


class Clients:
    def __init__(self, home, certificate):
        no_others = home / "no-authorities"
        no_others.mkdir(parents=True, exist_ok=True)
        self.environment = {
            **os.environ, "HOME": str(home), "LC_ALL": "C", "GIT_SSL_CAINFO": str(certificate),
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "ETCDCTL_API": "3",
            # Or it would read the system's hundreds of certificates too, for each connection.
            "GIT_SSL_CAPATH": str(no_others),
        }
        for name in ["CURL_CA_BUNDLE", "SSL_CERT_FILE"]:
            self.environment.pop(name, None)
        for setting in ["user.name=bench", "user.email=bench@localhost", "safe.directory=*"]:
            self.git("config", "--global", *setting.split("="))

    def run(self, *command, **options):
        """Returns how many seconds it took."""
        began = time.monotonic()
        done = subprocess.run([str(word) for word in command], env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
        took = time.monotonic() - began
        if done.returncode:
            raise RuntimeError(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")
        self.said = done.stdout.strip()
        return took

    def git(self, *words, within=None):
        return self.run("git", *(["-C", within] if within else []), *words)

    def push(self, server, body):
        """By curl: a request that was prepared. Its environment names no certificate for curl."""
        took = self.run(
            "curl", "--silent", "--show-error", "--fail", "--cacert", server.certificates / "server.crt",
            "--header", "Content-Type: application/x-git-receive-pack-request",
            "--data-binary", f"@{body}", f"{server.clone_url()}/git-receive-pack")
        if "ok refs/heads/boot" not in self.said:
            raise RuntimeError(f"{body} was refused: {self.said}")
        return took

    def svn(self, *words):
        return self.run("svn", *words, "--non-interactive", "--no-auth-cache", "--quiet",
                        "--trust-server-cert-failures=unknown-ca,cn-mismatch,other")

    def id(self, name, within):
        self.git("rev-parse", name, within=within)
        return self.said
