"""Apache, for Subversion and for git's own server program. Nobody has to log in, which is in its
favour."""

import os
import shutil
import subprocess
from pathlib import Path

import histories
from ports import free_port, wait_for
from process import Process

MODULES = Path("/usr/lib/apache2/modules")
COMMON = ["mpm_event", "authn_core", "authz_core", "socache_shmcb", "ssl", "env", "setenvif"]


class Apache:
    """One instance with one application."""

    def __init__(self, place, certificates, modules, application, waits_for_children=True):
        self.root = place
        self.port = free_port()
        self.certificates = certificates
        configuration = place / "apache.conf"
        configuration.write_text(self._configuration(COMMON + modules) + application)
        if os.geteuid() == 0:
            # Its workers will not run as root.
            subprocess.run(["chown", "-R", "www-data", place], check=True)
        command = ["apache2", "-f", configuration, "-DFOREGROUND"]
        environment = {**os.environ, "HOME": str(place)}
        self.process = Process(command, place / "apache.log", waits_for_children, env=environment)
        wait_for(self.port, self.process)

    def _configuration(self, modules):
        load = "".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in modules)
        is_root = os.geteuid() == 0
        user, group = ("www-data",) * 2 if is_root else (f"#{os.geteuid()}", f"#{os.getegid()}")
        return load + f"""
ServerRoot {self.root}
ServerName localhost
Listen 127.0.0.1:{self.port}
PidFile {self.root}/apache.pid
ErrorLog {self.root}/apache.log
User {user}
Group {group}
# Room for all nodes at once in either process: one whose threads are all busy closes the connections
# that are kept. And no processes that come and go.
StartServers 2
ServerLimit 2
ThreadLimit 256
ThreadsPerChild 256
MaxRequestWorkers 512
MinSpareThreads 1
MaxSpareThreads 512
MaxKeepAliveRequests 0
KeepAliveTimeout 60
SSLEngine on
SSLCertificateFile {self.certificates}/server.crt
SSLCertificateKeyFile {self.certificates}/server.key
"""


class Svn(Apache):
    """mod_dav_svn, with caches that hold all of the repository."""

    name = "mod_dav_svn"

    def __init__(self, place, certificates, scale, scratch):
        place = place / "svn"
        place.mkdir()
        histories.svn(place / "repository", scale, scratch)
        super().__init__(place, certificates, ["dav", "dav_svn"], f"""
SVNInMemoryCacheSize 65536
<Location /svn>
    DAV svn
    SVNPath {place}/repository
    SVNAllowBulkUpdates Prefer
    SVNCacheTextDeltas On
    SVNCacheFullTexts On
    SVNCacheRevProps On
</Location>
""")
        self.url = f"https://localhost:{self.port}/svn"


class HttpBackend(Apache):
    """git http-backend, which makes pushes durable before it answers. Through mod_cgid, which is
    quicker than mod_cgi but does not wait for its children: where their processor time is asked for
    (`is_measured`), it has to be mod_cgi."""

    name = "git http-backend"

    def __init__(self, place, certificates, history, is_measured=False):
        place = place / "git"
        place.mkdir(parents=True)
        self.repository = place / "default"
        shutil.copytree(history, self.repository)
        for setting in ["http.receivepack=true", "core.fsync=all", "core.fsyncMethod=fsync"]:
            subprocess.run(["git", "-C", self.repository, "config", *setting.split("=")], check=True)
        program = subprocess.check_output(["git", "--exec-path"], text=True).strip()
        super().__init__(place, certificates, ["cgi" if is_measured else "cgid", "alias"], f"""
<IfModule cgid_module>
    ScriptSock {place}/cgid
</IfModule>
SetEnv GIT_PROJECT_ROOT {place}
SetEnv GIT_HTTP_EXPORT_ALL
SetEnvIf Git-Protocol ".*" GIT_PROTOCOL=$0
ScriptAlias /git/ {program}/git-http-backend/
""", waits_for_children=is_measured)
        self.url = f"https://localhost:{self.port}/git/default"

    def clone_url(self):
        return self.url
