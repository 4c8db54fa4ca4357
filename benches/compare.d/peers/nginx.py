"""nginx with static files: what can be had at all for a small file over TLS."""

import os

import histories
from ports import free_port, wait_for
from process import Process


class Nginx:
    name = "nginx"

    def __init__(self, place, certificates, scale):
        place = place / "nginx"
        place.mkdir()
        histories.tree(place / "files", scale)
        self.port = free_port()
        configuration = place / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""
        configuration.write_text(f"""
daemon off; {user}
pid {place}/pid; error_log {place}/log;
worker_processes auto;
events {{ worker_connections 4096; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
    open_file_cache max=4096;
    client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
    server {{
        listen 127.0.0.1:{self.port} ssl; root {place}/files;
        ssl_certificate {certificates}/server.crt; ssl_certificate_key {certificates}/server.key;
    }}
}}
""")
        self.process = Process(["nginx", "-c", configuration, "-p", place, "-e", place / "log"], place / "out")
        wait_for(self.port, self.process)
        self.url = f"https://localhost:{self.port}"
